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
from rumprun.elf_magic import ELF_MAGIC
from rumprun.errors import InputError

# MEMORY_BASE in boards/pvh/memory.h: from here to the end of all addresses is the base.
MEMORY_BASE: Final = 0xFFFFFFFF80000000

# <elf.h>
PT_NULL, PT_LOAD, PT_NOTE = 0, 1, 4
PF_X, PF_W, PF_R = 1, 2, 4
_HEADERS_OFFSET = 32
_SECTIONS_OFFSET = 40
_COUNTS_OFFSET = 54
_SECTION_COUNTS_OFFSET = 60
_SEGMENT = struct.Struct("<IIQQQQQQ")
SEGMENT_SIZE: Final = _SEGMENT.size
HEADER_SIZE: Final = 64


@dataclass(frozen=True, kw_only=True)
class Segment:
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
    found = segments_of(content, where)
    end = max(segment.offset + segment.file_size for segment in found)
    part = bytearray(content[:end])
    struct.pack_into("<Q", part, _SECTIONS_OFFSET, 0)
    struct.pack_into("<HH", part, _SECTION_COUNTS_OFFSET, 0, 0)
    return bytes(part)


def append_root(base: bytes, archive: bytes, *, where: str) -> bytes:
    """The image of ``base``, see :func:`loaded_part`, with the root ``archive``.

    The file looks like the memory, from its first byte on, where that of the base does. Raises
    :class:`InputError` for a base without a header for it.
    """
    found = segments_of(base, where)
    free = [segment for segment in found if segment.kind == PT_NULL]
    last = max(loads_of(found, where), key=lambda segment: segment.physical)
    if len(free) != 1:
        raise InputError(f"{where}: no base: {len(free)} free program headers, and it has one")
    physical = round_up(last.physical + last.memory)
    offset = physical - last.physical + last.offset
    address = physical + last.address - last.physical
    image = bytearray(base.ljust(offset, b"\0") + archive)
    size = len(archive)
    image[free[0].place : free[0].place + SEGMENT_SIZE] = encode_segment(
        PT_LOAD, PF_R, (offset, address, physical), (size, size)
    )
    return bytes(image)


def memory_of(image: bytes, *, where: str) -> int:
    """The bytes of memory from the image's first one to its last."""
    loads = loads_of(segments_of(image, where), where)
    first = min(segment.physical for segment in loads)
    return max(segment.physical + segment.memory for segment in loads) - first


def root_of(image: bytes, *, where: str) -> bytes:
    """The root archive in an image; :class:`InputError` where there is none."""
    for segment in loads_of(segments_of(image, where), where):
        archive = image[segment.offset : segment.offset + segment.file_size]
        if is_root(archive):
            return archive
    raise InputError(f"{where}: no root archive in it", hint="bake the image again")


def has_base(image: bytes, base: bytes, *, where: str) -> bool:
    """Whether an image was made of the base whose ELF file, with symbols, is ``base``."""
    loads = loads_of(segments_of(base, where), where)
    there = {
        (segment.address, segment.memory): segment
        for segment in loads_of(segments_of(image, where), where)
    }
    for own in loads:
        other = there.get((own.address, own.memory))
        # The first segment may have the headers in it, which differ.
        start = HEADER_SIZE + SEGMENT_SIZE * 16 if own.offset == 0 else 0
        if other is None or _content(image, other)[start:] != _content(base, own)[start:]:
            return False
    return True


def _content(image: bytes, segment: Segment) -> bytes:
    return image[segment.offset : segment.offset + segment.file_size]


def round_up(value: int, unit: int = PAGE) -> int:
    """The next multiple of ``unit``."""
    return -(-value // unit) * unit


def encode_segment(
    kind: int, flags: int, places: tuple[int, int, int], sizes: tuple[int, int], unit: int = PAGE
) -> bytes:
    """A program header: where it is in the file, in virtual and in physical memory; its sizes."""
    return _SEGMENT.pack(kind, flags, *places, *sizes, unit)


def loads_of(found: list[Segment], where: str) -> list[Segment]:
    """Those that are loaded; :class:`InputError` where there are none."""
    loads = [segment for segment in found if segment.kind == PT_LOAD]
    if not loads:
        raise InputError(f"{where}: no base: nothing in it is loaded")
    return loads


def segments_of(content: bytes, where: str) -> list[Segment]:
    """The program headers of an ELF file; :class:`InputError` for what is none."""
    if not content.startswith(ELF_MAGIC + b"\x02\x01") or len(content) < HEADER_SIZE:
        raise InputError(f"{where}: no base: not a 64-bit ELF file")
    (start,) = struct.unpack_from("<Q", content, _HEADERS_OFFSET)
    size, count = struct.unpack_from("<HH", content, _COUNTS_OFFSET)
    end = start + size * count
    if size != _SEGMENT.size or not count or start < HEADER_SIZE or end > len(content):
        raise InputError(f"{where}: no base: its program headers are damaged")
    found = []
    for place in range(start, end, size):
        kind, flags, offset, address, physical, file_size, memory, _align = _SEGMENT.unpack_from(
            content, place
        )
        if kind != PT_NULL and (offset > len(content) or file_size > len(content) - offset):
            raise InputError(f"{where}: no base: it ends early")
        found.append(
            Segment(
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
