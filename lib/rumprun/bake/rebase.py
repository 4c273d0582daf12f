# SPDX-License-Identifier: BSD-2-Clause
"""Programs at addresses of their own, for a debugger.

The kernel places a static-pie program anywhere, and each anew. Moved to a fixed address, which
makes it an ``ET_EXEC``, it is where the debugger expects it, and no other program is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from rumprun.errors import InputError

# The programs' addresses: far apart, and far from what the kernel places by itself.
DEBUG_DISTANCE: Final = 1 << 32

# <elf.h>
_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC, _PT_GNU_STACK = 1, 2, 0x6474E551
_DT_NULL, _DT_RELA, _DT_RELASZ, _DT_RELR = 0, 7, 8, 36
# PLTGOT, HASH, STRTAB, SYMTAB, RELA, INIT, FINI, REL, JMPREL, INIT_ARRAY, FINI_ARRAY,
# PREINIT_ARRAY, GNU_HASH.
_DT_ADDRESSES: Final = frozenset({3, 4, 5, 6, 7, 12, 13, 17, 23, 25, 26, 32, 0x6FFFFEF5})
_R_NONE, _R_RELATIVE, _R_IRELATIVE = 0, 8, 37

_TYPE_OFFSET = 16
_ENTRY_OFFSET = 24
_TABLE = struct.Struct("<Q")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<qQ")
_RELOCATION = struct.Struct("<QQq")


@dataclass(frozen=True, kw_only=True)
class _Segment:
    place: int
    kind: int
    offset: int
    address: int
    size: int


def is_movable(content: bytes) -> bool:
    """Whether an ELF program leaves it to the kernel where it is placed."""
    return len(content) > _ENTRY_OFFSET and _type_of(content) == _ET_DYN


def rebase(content: bytes, base: int, *, name: str) -> bytes:
    """The static-pie program ``content`` placed at ``base``; ``name`` is for the message.

    Addresses in the sections, which are for a debugger, are left as they are. Raises
    :class:`InputError` for a program that cannot be moved.
    """
    moved = bytearray(content)
    try:
        struct.pack_into("<H", moved, _TYPE_OFFSET, _ET_EXEC)
        _add(moved, _ENTRY_OFFSET, base)
        segments = _segments(content)
        for segment in segments:
            if segment.kind != _PT_GNU_STACK:
                _add(moved, segment.place + 16, base)
                _add(moved, segment.place + 24, base)
            if segment.kind == _PT_DYNAMIC:
                _move_dynamic(moved, segments, segment, base, name)
    except (struct.error, OverflowError) as error:
        raise InputError(f"{name}: a damaged ELF file ({error})") from error
    return bytes(moved)


def _type_of(content: bytes) -> int:
    return int(struct.unpack_from("<H", content, _TYPE_OFFSET)[0])


def _add(moved: bytearray, place: int, base: int) -> None:
    (value,) = _TABLE.unpack_from(moved, place)
    _TABLE.pack_into(moved, place, value + base)


def _segments(content: bytes) -> list[_Segment]:
    (start,) = _TABLE.unpack_from(content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    found = []
    for place in range(start, start + size * count, size or 1):
        kind, _flags, offset, address, _physical, file_size, _memory, _align = _SEGMENT.unpack_from(
            content, place
        )
        found.append(
            _Segment(place=place, kind=kind, offset=offset, address=address, size=file_size)
        )
    return found


def _move_dynamic(
    moved: bytearray, segments: list[_Segment], dynamic: _Segment, base: int, name: str
) -> None:
    tags: dict[int, int] = {}
    for place in range(dynamic.offset, dynamic.offset + dynamic.size, _DYNAMIC.size):
        tag, value = _DYNAMIC.unpack_from(moved, place)
        if tag == _DT_NULL:
            break
        tags[tag] = value
        if tag in _DT_ADDRESSES:
            _add(moved, place + 8, base)
    if _DT_RELR in tags:
        raise InputError(
            f"{name}: its relocations are packed (RELR)",
            hint="link it without -z pack-relative-relocs to debug it",
        )
    if _DT_RELA in tags:
        start = _offset_of(segments, tags[_DT_RELA], name)
        _move_relocations(moved, start, start + tags.get(_DT_RELASZ, 0), base, name)


def _offset_of(segments: list[_Segment], address: int, name: str) -> int:
    for segment in segments:
        if segment.kind == _PT_LOAD and 0 <= address - segment.address < segment.size:
            return address - segment.address + segment.offset
    raise InputError(f"{name}: a damaged ELF file (no segment has {address:#x})")


def _move_relocations(moved: bytearray, start: int, end: int, base: int, name: str) -> None:
    for place in range(start, end, _RELOCATION.size):
        offset, info, addend = _RELOCATION.unpack_from(moved, place)
        kind = info & 0xFFFFFFFF
        if kind == _R_NONE:
            continue
        # musl's own start code knows no others in a static-pie program.
        if kind not in (_R_RELATIVE, _R_IRELATIVE):
            raise InputError(f"{name}: relocation type {kind}, which no static-pie program has")
        _RELOCATION.pack_into(moved, place, offset + base, info, addend + base)
