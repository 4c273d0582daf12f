# SPDX-License-Identifier: BSD-2-Clause
"""Static archives, as ar(5) lays them out, read from files that nobody vouches for."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rumprun.elf_magic import ELF_MAGIC
from rumprun.variant.audit import elf

MAGIC: Final = b"!<arch>\n"
THIN_MAGIC: Final = b"!<thin>\n"
LIBDEP: Final = "__.LIBDEP"

_HEADER = 60
_MAX_LIBDEP = 1 << 16
_INDEXES = ("/", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64")

Buffer = bytes | mmap.mmap


class ArchiveDamaged(Exception):
    """The file begins like an archive and is none; the message says why in a few words."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member of an archive, at ``start`` for ``size`` bytes.

    ``facts`` is None for what is no ELF file; ``damage`` says why it begins like one all the
    same. ``libraries`` are the words of a ``__.LIBDEP`` member, which is not an object but
    says what else to link.
    """

    name: str
    start: int
    size: int
    facts: elf.ElfFacts | None = None
    damage: str = ""
    libraries: tuple[str, ...] | None = None


def read_members(data: Buffer) -> Iterator[Member]:
    """The members of the archive in ``data`` in order, without indexes and name tables.

    Raises :class:`ArchiveDamaged`, and nothing else, for a thin or damaged archive.
    """
    if data[:8] == THIN_MAGIC:
        raise ArchiveDamaged("is a thin archive, which only names files elsewhere")
    if data[:8] != MAGIC:
        raise ArchiveDamaged("is not an archive")
    names = b""
    position = len(MAGIC)
    end = len(data)
    while position < end:
        header = data[position : position + _HEADER]
        size = _member_size(header, position, end)
        raw = header[:16].rstrip(b" ")
        start = position + _HEADER
        position = start + size + (size & 1)
        if raw == b"//":
            names = data[start : start + size]
            continue
        name, start, size = _member_name(raw, names, data, start, size)
        if name not in _INDEXES:
            yield _member(name, start, size, data)


def _member_size(header: bytes, position: int, end: int) -> int:
    if len(header) < _HEADER or header[58:60] != b"`\n":
        raise ArchiveDamaged(f"has no member header at byte {position}")
    digits = header[48:58].rstrip(b" ")
    if not digits.isdigit():
        raise ArchiveDamaged(f"has a member without a size at byte {position}")
    size = int(digits)
    if position + _HEADER + size > end:
        raise ArchiveDamaged(f"is cut off in the member at byte {position}")
    return size


def _member_name(
    raw: bytes, names: bytes, data: Buffer, start: int, size: int
) -> tuple[str, int, int]:
    """The name in any of the three dialects: GNU's table, BSD's inline name, plain."""
    if raw[:1] == b"/" and raw[1:].isdigit():
        offset = int(raw[1:])
        if offset >= len(names):
            raise ArchiveDamaged(f"names a member at {offset}, beyond its table of names")
        raw = names[offset : _find_end(names, offset)]
    elif raw[:3] == b"#1/" and raw[3:].isdigit():
        length = int(raw[3:])
        if length > size:
            raise ArchiveDamaged("has a member that is shorter than its name")
        raw = data[start : start + length].rstrip(b"\0")
        start, size = start + length, size - length
    elif raw not in (b"/", b"/SYM64/"):
        raw = raw.removesuffix(b"/")
    return raw.decode("utf-8", "surrogateescape"), start, size


def _find_end(names: bytes, offset: int) -> int:
    end = names.find(b"\n", offset)
    end = len(names) if end < 0 else end
    return end - 1 if names[end - 1 : end] == b"/" else end


def _member(name: str, start: int, size: int, data: Buffer) -> Member:
    if name == LIBDEP:
        text = data[start : start + min(size, _MAX_LIBDEP)]
        words = text.split(b"\0", 1)[0].decode("utf-8", "surrogateescape").split()
        return Member(name=name, start=start, size=size, libraries=tuple(words))
    if data[start : start + min(size, len(ELF_MAGIC))] != ELF_MAGIC:
        return Member(name=name, start=start, size=size)
    try:
        facts = elf.read_elf(io.BytesIO(data[start : start + size]), size)
    except elf.ElfDamaged as error:
        return Member(name=name, start=start, size=size, damage=str(error))
    return Member(name=name, start=start, size=size, facts=facts)
