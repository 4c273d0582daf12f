# SPDX-License-Identifier: BSD-2-Clause
"""Starting a lab's machine, and stopping it; rumprun.lab.xen has what it does meanwhile."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rumprun import command
from rumprun.errors import InputError, UsageError
from rumprun.lab.accelerator import choose_accelerator, require_qemu
from rumprun.lab.dom0_root import provide_dom0
from rumprun.lab.dom0_start import STORE_IMAGE, check_store, kernel_of, start_script
from rumprun.lab.logs import GUESTS
from rumprun.lab.machine import (
    INITRAMFS,
    SHARE,
    Machine,
    check_machine,
    start_machine,
    write_initramfs,
)
from rumprun.lab.releases import DEFAULT, Release, find_release
from rumprun.workdir import remove_tree

DEFAULT_MEMORY: Final = 1536
_DEFAULT_LIMIT = 900.0
_LEAST_STORE_MEMORY = 1


@dataclass(frozen=True, kw_only=True)
class LabRequest:
    """What lab to start.

    ``xen`` is a release that rumprun.lab.releases knows; ``memory`` is in MiB, for the whole
    machine. ``store`` says who serves the store: ``xenstored``, ``oxenstored``, ``none`` (dom0
    starts without one), or an image for init-xenstore-domain, which gets ``store_memory`` MiB.
    ``disks`` are raw files that dom0 sees as /dev/vda and so on, ``packages`` further packages of
    the archive for dom0's root. ``directory`` is where logs go, None for a temporary one;
    ``limit`` is in seconds, after which the lab is killed whatever happens. ``accelerator`` is
    ``auto``, ``kvm`` or ``tcg``.
    """

    xen: str = DEFAULT
    memory: int = DEFAULT_MEMORY
    store: str | Path = "xenstored"
    store_memory: int = 8
    disks: tuple[Path, ...] = ()
    packages: tuple[str, ...] = ()
    directory: Path | None = None
    limit: float = _DEFAULT_LIMIT
    accelerator: str = "auto"


@dataclass(frozen=True, kw_only=True)
class Launched:
    """A lab whose machine has been started; ``temporary``: its directory goes with it."""

    directory: Path
    release: Release
    process: command.Background
    temporary: bool

    def end(self) -> None:
        """Stop the machine; logs stay, unless they are in a temporary directory."""
        self.process.kill()
        (self.directory / INITRAMFS).unlink(missing_ok=True)
        if self.temporary:
            remove_tree(self.directory)


def launch(request: LabRequest) -> Launched:
    """Start the machine of a lab; nobody has seen yet whether it comes up.

    Raises :class:`UsageError`, :class:`MissingError` and :class:`InputError` for what cannot be.
    """
    release = find_release(request.xen)
    check_machine(request.memory, request.disks)
    check_store(request.store, release.abi)
    if request.store_memory < _LEAST_STORE_MEMORY or not request.limit >= 1:
        raise UsageError("a store's memory and a lab's limit are at least 1")
    require_qemu()
    dom0 = provide_dom0(release, request.packages)
    temporary = request.directory is None
    directory = (
        Path(tempfile.mkdtemp(prefix="rumprun-lab."))
        if request.directory is None
        else request.directory.absolute()
    )
    machine = Machine(
        directory=directory,
        dom0=dom0,
        release=release,
        accelerator=choose_accelerator(request.accelerator),
        memory=request.memory,
        limit=request.limit,
        disks=request.disks,
    )
    try:
        _make_directory(directory)
        if isinstance(request.store, Path):
            shutil.copyfile(kernel_of(request.store), directory / SHARE / STORE_IMAGE)
        write_initramfs(machine, start_script(request.store, request.store_memory))
        process = start_machine(machine)
    except BaseException:
        if temporary:
            remove_tree(directory)
        raise
    return Launched(directory=directory, release=release, process=process, temporary=temporary)


def _make_directory(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if (directory / SHARE).exists():
        raise InputError(f"{directory}: has a lab already", hint="give another directory")
    for name in (SHARE, GUESTS):
        (directory / name).mkdir()
