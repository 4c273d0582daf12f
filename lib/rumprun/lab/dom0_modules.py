# SPDX-License-Identifier: BSD-2-Clause
"""The kernel modules that dom0 needs, and the order in which they are loaded."""

from __future__ import annotations

import io
import lzma
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile

from rumprun.elf import PARSER_ERRORS
from rumprun.errors import InputError, MissingError

# For the way to the host, then for Xen's tools, then for guests' devices.
WANTED: Final = (
    "virtio_pci", "virtio_console", "9pnet_virtio", "9p", "virtio_blk",
    "xen_evtchn", "xen_privcmd", "xen_gntdev", "xen_gntalloc", "xenfs",
    "xen_blkback", "xen_netback", "tun", "bridge", "loop",
)  # fmt: skip


def module_name(path: Path) -> str:
    """What the kernel calls a module: the file's name without its ends, and no hyphens."""
    return path.name.partition(".ko")[0].replace("-", "_")


def read_module(path: Path) -> bytes:
    """The module itself; some suites have them compressed."""
    content = path.read_bytes()
    try:
        return lzma.decompress(content) if path.suffix == ".xz" else content
    except lzma.LZMAError as error:
        raise InputError(f"{path}: {error}", hint="the kernel's package is damaged") from error


def depends_of(content: bytes, *, where: str) -> tuple[str, ...]:
    """The modules that a module says it needs (``depends=`` in .modinfo, see modinfo(8))."""
    try:
        section = ELFFile(io.BytesIO(content)).get_section_by_name(".modinfo")
        words = section.data().split(b"\0")
    except PARSER_ERRORS as error:
        raise InputError(f"{where}: no kernel module: {error}") from error
    for word in words:
        if word.startswith(b"depends="):
            names = word.removeprefix(b"depends=").decode(errors="replace").split(",")
            return tuple(name.replace("-", "_") for name in names if name)
    return ()


def load_order(
    wanted: Iterable[str], available: Mapping[str, Path], builtin: Iterable[str]
) -> dict[str, bytes]:
    """The modules ``wanted``, with all that they need before them: name to content.

    ``available`` are the kernel's modules by name, ``builtin`` those that are part of it. Raises
    :class:`MissingError` for one that it does not have.
    """
    order: dict[str, bytes] = {}
    present = set(builtin)

    def add(name: str) -> None:
        if name in order or name in present:
            return
        if name not in available:
            raise MissingError(f"the kernel has no module {name}", hint="a lab needs it for dom0")
        content = read_module(available[name])
        # A module is not part of its own needs; a circle would be the kernel's mistake.
        present.add(name)
        for need in depends_of(content, where=str(available[name])):
            add(need)
        order[name] = content

    for name in wanted:
        add(name)
    return order
