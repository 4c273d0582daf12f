# SPDX-License-Identifier: BSD-2-Clause
"""The base of the board ``pvh``: an ELF file that a root archive is appended to, and found in.

``boards/pvh/base.ld`` leaves a program header of type ``PT_NULL`` for the archive, which is loaded
behind everything else; see ``doc/pvh-board.md``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from rumprun.bake.root_archive import PAGE, is_root
from rumprun.errors import InputError

# MEMORY_BASE in boards/pvh/memory.h: from here to the end of all addresses is the base.
MEMORY_BASE: Final = 0xFFFFFFFF80000000

# <elf.h>
_PT_NULL, _PT_LOAD, _PF_R = 0, 1, 4
_HEADERS_OFFSET = 32
_SECTIONS_OFFSET = 40
_COUNTS_OFFSET = 54
_SECTION_COUNTS_OFFSET = 60
_SEGMENT = struct.Struct("<IIQQQQQQ")
_HEADER_SIZE = 64


@dataclass(frozen=True, kw_only=True)
class _Segment:
    """A program header; ``place`` is where it is in the file."""

    place: int
    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    file_size: int
    memory: int


def loaded_part(content: bytes, *, where: str) -> bytes:
    """What of the base's ELF file a machine loads: no sections, so no symbols.

    Raises :class:`InputError` for what is no such file; ``where`` is its name in the message.
    """
    segments = _segments(content, where)
    end = max(segment.offset + segment.file_size for segment in segments)
    part = bytearray(content[:end])
    struct.pack_into("<Q", part, _SECTIONS_OFFSET, 0)
    struct.pack_into("<HH", part, _SECTION_COUNTS_OFFSET, 0, 0)
    return bytes(part)


def append_root(base: bytes, archive: bytes, *, where: str) -> bytes:
    """The image of ``base``, see :func:`loaded_part`, with the root ``archive``.

    Raises :class:`InputError` for a base without a header for it.
    """
    segments = _segments(base, where)
    free = [segment for segment in segments if segment.kind == _PT_NULL]
    last = max(_loads(segments, where), key=lambda segment: segment.physical)
    if len(free) != 1:
        raise InputError(f"{where}: no base: {len(free)} free program headers, and it has one")
    offset = _round_up(len(base))
    physical = _round_up(last.physical + last.memory)
    address = physical + last.address - last.physical
    image = bytearray(base.ljust(offset, b"\0") + archive)
    _SEGMENT.pack_into(
        image, free[0].place, _PT_LOAD, _PF_R, offset, address, physical, len(archive),
        len(archive), PAGE,
    )  # fmt: skip
    return bytes(image)


def memory_of(image: bytes, *, where: str) -> int:
    """The bytes of memory from the image's first one to its last."""
    loads = _loads(_segments(image, where), where)
    first = min(segment.physical for segment in loads)
    return max(segment.physical + segment.memory for segment in loads) - first


def root_of(image: bytes, *, where: str) -> bytes:
    """The root archive in an image; :class:`InputError` where there is none."""
    for segment in _loads(_segments(image, where), where):
        archive = image[segment.offset : segment.offset + segment.file_size]
        if is_root(archive):
            return archive
    raise InputError(f"{where}: no root archive in it", hint="bake the image again")


def has_base(image: bytes, base: bytes, *, where: str) -> bool:
    """Whether an image was made of the base whose ELF file, with symbols, is ``base``."""
    loads = _loads(_segments(base, where), where)
    there = {
        (segment.address, segment.memory): segment
        for segment in _loads(_segments(image, where), where)
    }
    for own in loads:
        other = there.get((own.address, own.memory))
        # The first segment may have the headers in it, which differ.
        start = _HEADER_SIZE + _SEGMENT.size * 16 if own.offset == 0 else 0
        if other is None or _content(image, other)[start:] != _content(base, own)[start:]:
            return False
    return True


def _content(image: bytes, segment: _Segment) -> bytes:
    return image[segment.offset : segment.offset + segment.file_size]


def _round_up(value: int) -> int:
    return -(-value // PAGE) * PAGE


def _loads(segments: list[_Segment], where: str) -> list[_Segment]:
    loads = [segment for segment in segments if segment.kind == _PT_LOAD]
    if not loads:
        raise InputError(f"{where}: no base: nothing in it is loaded")
    return loads


def _segments(content: bytes, where: str) -> list[_Segment]:
    if not content.startswith(b"\x7fELF\x02\x01") or len(content) < _HEADER_SIZE:
        raise InputError(f"{where}: no base: not a 64-bit ELF file")
    (start,) = struct.unpack_from("<Q", content, _HEADERS_OFFSET)
    size, count = struct.unpack_from("<HH", content, _COUNTS_OFFSET)
    end = start + size * count
    if size != _SEGMENT.size or not count or start < _HEADER_SIZE or end > len(content):
        raise InputError(f"{where}: no base: its program headers are damaged")
    found = []
    for place in range(start, end, size):
        kind, flags, offset, address, physical, file_size, memory, _align = _SEGMENT.unpack_from(
            content, place
        )
        if kind != _PT_NULL and (offset > len(content) or file_size > len(content) - offset):
            raise InputError(f"{where}: no base: it ends early")
        found.append(
            _Segment(
                place=place,
                kind=kind,
                flags=flags,
                offset=offset,
                address=address,
                physical=physical,
                file_size=file_size,
                memory=memory,
            )
        )
    return found
