# SPDX-License-Identifier: BSD-2-Clause
"""An image as a Xen domain: the text that xl(1) creates it from, see xl.cfg(5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rumprun.bake.board import Board, Boot
from rumprun.config.document import Document, document_text
from rumprun.config.map import Device
from rumprun.errors import InputError, UsageError
from rumprun.lab.devices import Block, disk_names
from rumprun.lab.needs import Present, describe, missing_devices, place
from rumprun.templates import load_template

# The console that Xen gives a domain, and what its disks are called.
CONSOLE: Final = "hvc0"
_DISK_PREFIX: Final = "xvd"

# What fits before the NUL: MAX_GUEST_CMDLINE in xen/include/public/xen.h bounds a PV domain's
# command line, COMMAND_LINE_SIZE in Linux's arch/x86/include/asm/setup.h the other's.
COMMAND_LINE_LIMITS: Final = {"pvh": 2047, "pv": 1023}

_NAME = re.compile(r"[A-Za-z0-9._+-]{1,64}")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._+-]+")
_VIF = re.compile(r"[a-z-]+=[^\s,'\"\\]+(,[a-z-]+=[^\s,'\"\\]+)*")

# What a person writes into the file for a device that it lacks.
_EXAMPLES: Final = {
    "blk": 'disk = [ "format=raw, vdev={name}, access=rw, target=FILE" ]',
    "net": 'vif = [ "bridge=xenbr0" ]',
    "9p": 'p9 = [ "tag={name},security_model=none,path=DIR" ]',
}


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A domain; ``vifs`` and ``disks`` are as xl.cfg(5) has them, ``wanted`` lines of comment."""

    name: str
    type: str
    kernel: str
    ramdisk: str | None
    command_line: str
    memory: int
    vifs: tuple[str, ...] = ()
    disks: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()


def make_domain(
    boot: Boot,
    *,
    name: str,
    kind: str,
    memory: int,
    vifs: Sequence[str] = (),
    blocks: Sequence[Block] = (),
    wanted: Sequence[Device] = (),
) -> Domain:
    """The domain of ``kind``, ``pvh`` or ``pv``, that starts ``boot`` with ``memory`` MiB.

    ``wanted`` are the devices that its configuration needs. Raises :class:`UsageError` for a name
    or an interface that xl would refuse, :class:`InputError` for too long a command line.
    """
    if not _NAME.fullmatch(name) or name.isdecimal():
        raise UsageError(
            f"{name!r} is no name for a domain",
            hint="give one of letters, digits and ._+- with --name",
        )
    for vif in vifs:
        if not _VIF.fullmatch(vif):
            raise UsageError(f"--net {vif}: no KEY=VALUE[,KEY=VALUE]", hint="such as bridge=xenbr0")
    limit, length = COMMAND_LINE_LIMITS[kind], len(boot.command_line)
    if length > limit:
        raise InputError(
            f"{length} characters of kernel command line, and {kind} takes {limit}",
            hint="put the configuration into a ramdisk of its own, with --ramdisk FILE",
        )
    present = Present(disks=disk_names(len(blocks), _DISK_PREFIX), interfaces=len(vifs), tags=())
    return Domain(
        name=name,
        type=kind,
        kernel=_path(boot.kernel),
        ramdisk=_path(boot.initramfs) if boot.initramfs else None,
        command_line=boot.command_line,
        memory=memory,
        vifs=tuple(vifs),
        disks=tuple(_disk(block, place) for place, block in enumerate(blocks)),
        wanted=tuple(_wish(device) for device in missing_devices(tuple(wanted), present)),
    )


def domain_text(domain: Domain) -> str:
    """The file for ``xl create``."""
    return load_template("xl.cfg.j2", trim_blocks=True).render(domain=domain, quote=quote)


def quote(text: str) -> str:
    """``text`` as a string of xl.cfg, as libxlu_cfg_l.l in Xen's tools reads it."""
    if any(ord(character) < 0x20 or 0xD800 <= ord(character) < 0xE000 for character in text):
        raise InputError(f"{text!r}: xl's files have no control characters and are UTF-8")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def check_kind(board: Board, kind: str) -> None:
    """Raise :class:`UsageError` where the board does not run in domains of the type ``kind``."""
    if kind not in board.domains:
        raise UsageError(
            f"board {board.name} does not run in a domain of type {kind}",
            hint=f"it runs in {', '.join(board.domains)}",
        )


def domain_name(directory: Path) -> str:
    """The name of an image's directory, as far as a domain can have it."""
    name = directory.absolute().resolve().name
    return _NOT_IN_A_NAME.sub("-", name.removesuffix(".image")).strip("-")[:64]


def command_line_config(document: Document) -> str:
    """``document`` as what follows a kernel command line, where the entrypoint looks for it.

    One word: the kernel takes it for arguments to the first process, and refuses more than 32.
    """
    return " -- " + document_text(document).replace(" ", "\\u0020")


def _path(path: Path) -> str:
    return str(path.absolute())


def _disk(block: Block, place: int) -> str:
    """A disk as xl-disk-configuration(5) has it: what follows ``target=`` is taken as it is."""
    path = _path(block.file)
    if path.endswith(","):
        raise InputError(f"{path}: xl takes no name that ends with a comma", hint="rename it")
    device = disk_names(place + 1, _DISK_PREFIX)[place].removeprefix("/dev/")
    access = "ro" if block.readonly else "rw"
    return f"format={block.format or 'raw'}, vdev={device}, access={access}, target={path}"


def _wish(device: Device) -> str:
    """What is missing, and the line that would give it."""
    name = place(device).removeprefix("/dev/")
    example = _EXAMPLES[device.kind].format(name=name)
    note = ""
    if device.kind == "blk" and not name.startswith(_DISK_PREFIX):
        first = disk_names(1, _DISK_PREFIX)[0]
        example = _EXAMPLES["blk"].format(name=first.removeprefix("/dev/"))
        note = f", but a domain's disks are {first} and so on: change the configuration, and write"
    return f"The configuration needs {describe(device)}{note or ':'} {example}"
