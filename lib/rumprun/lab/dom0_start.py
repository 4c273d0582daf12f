# SPDX-License-Identifier: BSD-2-Clause
"""The script that starts dom0's daemons, which depend on who serves the store."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from rumprun.bake.xen_abi import check_hypervisor, domctl_in
from rumprun.elf_magic import ELF_MAGIC
from rumprun.errors import MissingError, UsageError
from rumprun.lab.logs import GUESTS
from rumprun.lab.machine import HOST_MOUNT, SHARE

# In the lab's share, where init-xenstore-domain finds it.
STORE_IMAGE: Final = "xenstore-domain"


# Seconds for a store to answer for the first time.
_STORE_LIMIT = 60

DAEMONS: Final = {
    "xenstored": "xenstored --pid-file=/run/xen/xenstored.pid",
    "oxenstored": "oxenstored --pid-file=/run/xen/xenstored.pid",
}


def check_store(store: str | Path, abi: int) -> None:
    """See that somebody can serve the store, under a hypervisor with the domctl interface ``abi``.

    Raises :class:`UsageError`, :class:`MissingError`, or :class:`InputError` for an image that is
    for another hypervisor.
    """
    if isinstance(store, Path):
        _check_image(kernel_of(store), abi)
    elif store not in DAEMONS and store != "none":
        names = ", ".join((*DAEMONS, "none"))
        raise UsageError(f"no store {store!r}", hint=f"there are {names}, or an image's path")


def _check_image(kernel: Path, abi: int) -> None:
    """An image that somebody else has made, or a compressed one, says nothing."""
    if not kernel.is_file():
        raise MissingError(f"{kernel}: no image for init-xenstore-domain")
    content = kernel.read_bytes()
    needed = domctl_in(content, where=str(kernel)) if content.startswith(ELF_MAGIC) else None
    check_hypervisor(needed, abi, where=str(kernel))


def kernel_of(store: Path) -> Path:
    """The file for init-xenstore-domain: an image's kernel, or the file itself."""
    return store / "kernel" if store.is_dir() else store


def start_script(store: str | Path, memory: int) -> str:
    """The script for ``sh``; ``memory`` are the MiB of a domain that serves the store."""
    if store == "none":
        return "exit 0\n"
    # xenconsoled waits for a store by itself, and xl for xen-init-dom0's entries.
    console = f"xenconsoled --pid-file=/run/xen/xenconsoled.pid --log=guest --log-dir={_LOGS}"
    return "".join(
        f"{line}\n" for line in ("set -e", _serve(store, memory), "xen-init-dom0", console)
    )


_LOGS: Final = f"{HOST_MOUNT}/{GUESTS}"


def _serve(store: str | Path, memory: int) -> str:
    if isinstance(store, str):
        return DAEMONS[store]
    image = shlex.quote(f"/{SHARE}/{STORE_IMAGE}")
    return f"timeout {_STORE_LIMIT} init-xenstore-domain --kernel {image} --memory {memory}"
