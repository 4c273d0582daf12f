# SPDX-License-Identifier: BSD-2-Clause
"""Which hypervisor an image is for: the version of Xen's domctl interface in its programs.

Xen changes that interface from release to release, and refuses every call of another version.
What is linked with libxenctrl has the version in an ELF note, see ``toolchain/xen-abi.h``. The
kernel of an image for the board ``pvh`` has the same note, which ``rumprun-check-xen`` reads.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile

from rumprun.elf import PARSER_ERRORS
from rumprun.errors import InputError

# As toolchain/xen-abi.h has them.
_OWNER: Final = b"rumprun\0"
_KIND: Final = 1
_SIZE: Final = 4

# Elf64_Nhdr: sizes of the owner's name and of what the note says, and its type.
_HEADER: Final = struct.Struct("<III")


def domctl_in(content: bytes, *, where: str) -> int | None:
    """The version in the ELF file ``content``; None where it says none.

    Raises :class:`InputError` for a damaged file; ``where`` is its name in the message.
    """
    place = _find(content, where)
    version = int.from_bytes(content[place : place + _SIZE], "little") if place else 0
    return version or None


def with_domctl(content: bytes, version: int | None, *, where: str) -> bytes:
    """The ELF file ``content`` with ``version`` in its note, which then has to be there.

    Raises :class:`InputError` for a file without the note.
    """
    place = _find(content, where)
    if not place and version is None:
        return content
    if not place:
        raise InputError(f"{where}: no note for the hypervisor's interface", hint="make boards")
    changed = (version or 0).to_bytes(_SIZE, "little")
    return content[:place] + changed + content[place + _SIZE :]


def domctl_of_programs(programs: Iterable[Path]) -> int | None:
    """The version that all ``programs`` have which say one; None where none does.

    Raises :class:`InputError` where two are for different hypervisors.
    """
    first: tuple[Path, int] | None = None
    for program in programs:
        version = domctl_in(program.read_bytes(), where=str(program))
        if version is None:
            continue
        if first and first[1] != version:
            raise InputError(
                f"{first[0]} is for domctl interface {first[1]:#x} of Xen, {program} for "
                f"{version:#x}",
                hint="bake programs of one version of Xen",
            )
        first = (program, version)
    return first[1] if first else None


def check_hypervisor(needed: int | None, domctl: int, *, where: str) -> None:
    """See that a hypervisor with version ``domctl`` of the interface has what is ``needed``.

    Raises :class:`InputError`; ``where`` is the image in the message. An image whose programs
    do not say what they need is for any.
    """
    if needed not in (None, domctl):
        raise InputError(
            f"{where}: for Xen with domctl interface {needed:#x}, and this one has "
            f"{domctl:#x}: it would refuse the image's calls",
            hint="bake it of variants of the Xen that runs",
        )


def _find(content: bytes, where: str) -> int:
    """Where in ``content`` the version is; 0: nowhere."""
    try:
        for segment in ELFFile(io.BytesIO(content)).iter_segments("PT_NOTE"):
            start = int(segment["p_offset"])
            notes = content[start : start + int(segment["p_filesz"])]
            for place, name, kind, size in _notes(notes):
                if (name, kind, size) == (_OWNER, _KIND, _SIZE):
                    return start + place
    except PARSER_ERRORS as error:
        raise InputError(f"{where}: a damaged ELF file ({error})") from error
    return 0


def _notes(notes: bytes) -> Iterator[tuple[int, bytes, int, int]]:
    """Place of what each note says, its owner, its type and its size.

    pyelftools takes some types for those of GNU, whoever the owner is.
    """
    place = 0
    while place + _HEADER.size <= len(notes):
        name_size, size, kind = _HEADER.unpack_from(notes, place)
        place += _HEADER.size
        name = notes[place : place + name_size]
        place += _rounded(name_size)
        if place + size > len(notes):
            return
        yield place, name, kind, size
        place += _rounded(size)


def _rounded(size: int) -> int:
    return -(-size // 4) * 4
