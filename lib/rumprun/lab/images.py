# SPDX-License-Identifier: BSD-2-Clause
"""An image of ours as a domain in a lab: its files where dom0 sees them, and xl's configuration."""

from __future__ import annotations

import dataclasses
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rumprun.bake.board import BootRequest, find_board
from rumprun.bake.image import check_files, read_image
from rumprun.bake.xen_abi import check_hypervisor
from rumprun.lab.domain import CONSOLE, check_kind, domain_text, make_domain
from rumprun.lab.qemu import kernel_hash, memory_chosen
from rumprun.lab.vmlinux import direct_kernel

_KERNEL: Final = "kernel"
_RAMDISK: Final = "ramdisk"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How to start an image; see :meth:`rumprun.lab.xen.Lab.boot`."""

    name: str
    memory: int | None = None
    kind: str | None = None
    extra: str = ""
    arguments: tuple[str, ...] | None = None
    config: str | None = None


def prepare(directory: Path, wanted: Wanted, place: Path, seen: str, *, abi: int) -> str:
    """Put what the domain needs into ``place``, which dom0 sees as ``seen``; the text for xl.

    ``abi`` is the hypervisor's domctl interface. Raises :class:`MissingError` and
    :class:`InputError` for what is no whole image, or one for another hypervisor,
    :class:`UsageError` for what its board cannot do.
    """
    image = read_image(directory)
    check_files(image, directory)
    check_hypervisor(image.domctl, abi, where=str(directory))
    board = find_board(image.board)
    kind = wanted.kind or _kind(board.domains)
    check_kind(board, kind)
    place.mkdir()
    request = BootRequest(
        arguments=wanted.arguments, config=wanted.config, control=CONSOLE, consoles=(CONSOLE,)
    )
    boot = board.boot(image, directory, request, place)
    if wanted.extra:
        line = f"{boot.command_line} {wanted.extra}"
        boot = dataclasses.replace(boot, command_line=line)
    # Unpacked here: what dom0 unpacks is emulated.
    kernel = direct_kernel(boot.kernel, kernel_hash(image, boot), place)
    _place(kernel, place / _KERNEL)
    if boot.initramfs:
        _place(boot.initramfs, place / _RAMDISK)
    domain = make_domain(
        boot, name=wanted.name, kind=kind, memory=memory_chosen(image, wanted.memory)
    )
    ramdisk = f"{seen}/{_RAMDISK}" if boot.initramfs else None
    return domain_text(dataclasses.replace(domain, kernel=f"{seen}/{_KERNEL}", ramdisk=ramdisk))


def _kind(possible: tuple[str, ...]) -> str:
    """Where nobody says: emulated, a kernel is there in half the time without nested paging."""
    return "pv" if "pv" in possible else possible[0]


def _place(file: Path, goal: Path) -> None:
    """The file under another name, without a copy where that can be."""
    try:
        os.link(file, goal)
    except OSError:
        shutil.copyfile(file, goal)
