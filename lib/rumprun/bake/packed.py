# SPDX-License-Identifier: BSD-2-Clause
"""Images of the board ``pvh`` as they are stored: packed, with what unpacks them.

``boards/pvh/unpack`` comes behind the packed image, and is told where everything is. The image is
unpacked over its packed self; see ``doc/pvh-board.md``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import lz4.block

from rumprun.bake.base import (
    HEADER_SIZE,
    PF_R,
    PF_W,
    PF_X,
    PT_LOAD,
    PT_NOTE,
    SEGMENT_SIZE,
    Segment,
    encode_segment,
    loads_of,
    round_up,
    segments_of,
)
from rumprun.elf_magic import ELF_MAGIC
from rumprun.errors import InputError

# Sizes of name and description; the type; the name. XEN_ELFNOTE_PHYS32_ENTRY of <xen/elfnote.h>,
# and our own, which is the last one: where the packed image is in the file, its size, and that of
# what is packed in it.
_NOTE: Final = struct.Struct("<III4sI")
_ENTRY_NOTE: Final = (4, 4, 18, b"Xen\0")
_PACKED_NOTE: Final = struct.Struct("<III8sQQQ")
_OWN_NOTE: Final = (8, 24, 2, b"rumprun\0")

# <elf.h>
_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_IDENTITY: Final = (ELF_MAGIC + b"\x02\x01\x01").ljust(16, b"\0")
_ET_EXEC, _EM_X86_64 = 2, 62

# boards/pvh/unpack/start.S: the address in its first instruction, and what it is told.
_OWN_PLACE: Final = 1
_TOLD: Final = struct.Struct("<IIIIII")
_TOLD_AT: Final = 8
_STACK: Final = 1024

# LZ4_MAX_INPUT_SIZE in lz4.h, and what a byte of LZ4 becomes at most.
_MOST: Final = 0x7E000000
_MOST_OF_A_BYTE: Final = 255
_ALIGNMENT: Final = 16


@dataclass(frozen=True, kw_only=True)
class _Places:
    """Where everything is in memory, each above the one before, but packed over what it becomes."""

    image: int
    packed: int
    unpacker: int
    stack: int


def pack_image(image: bytes, unpacker: bytes, *, where: str) -> bytes:
    """The file that becomes ``image`` in memory by ``unpacker``, the installed ``unpack``.

    The same bytes for the same input. Raises :class:`InputError` for what is no image, or one that
    is too large; ``where`` is its name in the message.
    """
    found = segments_of(image, where)
    first = _check_layout(found, image, where)
    entry, notes = _notes_of(found, image, where)
    packed = lz4.block.compress(image, mode="high_compression", compression=12, store_size=False)
    # What is written never reaches what is still to be read (lz4.h, "in-place decompression").
    margin = (len(packed) >> 8) + 32
    packed_at = round_up(max(first, first + len(image) + margin - len(packed)), _ALIGNMENT)
    unpacker_at = round_up(packed_at + len(packed))
    stack_at = round_up(unpacker_at + len(unpacker))
    code = bytearray(unpacker)
    struct.pack_into("<I", code, _OWN_PLACE, unpacker_at)
    _TOLD.pack_into(
        code, _TOLD_AT, stack_at + _STACK, packed_at, len(packed), first, len(image), entry
    )
    places = _Places(image=first, packed=packed_at, unpacker=unpacker_at, stack=stack_at)
    return _write(places, notes, (packed, len(image)), bytes(code))


def unpack_image(content: bytes, *, where: str) -> bytes:
    """What is packed in ``content``; an image that is not packed is itself.

    Raises :class:`InputError` for a damaged one; ``where`` is its name in the message.
    """
    for segment in segments_of(content, where):
        end = segment.offset + segment.file_size
        note = content[max(end - _PACKED_NOTE.size, 0) : end]
        if segment.kind == PT_NOTE and len(note) == _PACKED_NOTE.size:
            *kind, offset, packed_size, size = _PACKED_NOTE.unpack(note)
            if tuple(kind) == _OWN_NOTE:
                return _unpack(content[offset : offset + packed_size], packed_size, size, where)
    return content


def _unpack(packed: bytes, packed_size: int, size: int, where: str) -> bytes:
    damaged = InputError(f"{where}: the packed image is damaged", hint="bake the image again")
    if len(packed) != packed_size or not 0 < size <= min(_MOST, packed_size * _MOST_OF_A_BYTE):
        raise damaged
    try:
        image = bytes(lz4.block.decompress(packed, uncompressed_size=size))
    except lz4.block.LZ4BlockError as error:
        raise damaged from error
    if len(image) != size:
        raise damaged
    return image


def _check_layout(found: list[Segment], image: bytes, where: str) -> int:
    """The address at which the file is to be, which must look like the memory."""
    if len(image) > _MOST:
        raise InputError(f"{where}: {len(image)} bytes are too many for an image")
    loaded = loads_of(found, where)
    first = min(segment.physical for segment in loaded)
    if any(segment.physical - first != segment.offset for segment in loaded):
        raise InputError(f"{where}: no base: its file does not look like its memory")
    return first


def _notes_of(found: list[Segment], image: bytes, where: str) -> tuple[int, bytes]:
    """Where the image is entered, by its first note, and its other notes."""
    for segment in found:
        notes = image[segment.offset : segment.offset + segment.file_size]
        if segment.kind == PT_NOTE and len(notes) >= _NOTE.size:
            *kind, entry = _NOTE.unpack_from(notes)
            if tuple(kind) == _ENTRY_NOTE:
                return int(entry), notes[_NOTE.size :]
    raise InputError(f"{where}: no base: nothing says where it is entered")


def _write(places: _Places, others: bytes, image: tuple[bytes, int], code: bytes) -> bytes:
    """The file: headers, notes, the packed image, with its size unpacked, and what unpacks it.

    The first segment keeps what comes with the machine out of the image's memory.
    """
    packed, size = image
    notes_at = HEADER_SIZE + 5 * SEGMENT_SIZE
    notes_size = _NOTE.size + len(others) + _PACKED_NOTE.size
    packed_at = round_up(notes_at + notes_size, _ALIGNMENT)
    code_at = round_up(packed_at + len(packed), _ALIGNMENT)
    notes = _NOTE.pack(*_ENTRY_NOTE, places.unpacker) + others
    notes += _PACKED_NOTE.pack(*_OWN_NOTE, packed_at, len(packed), size)

    def load(flags: int, offset: int, address: int, sizes: tuple[int, int]) -> bytes:
        return encode_segment(PT_LOAD, flags, (offset, address, address), sizes, 1)

    headers = (
        load(PF_R | PF_W, 0, places.image, (0, places.packed - places.image)),
        load(PF_R, packed_at, places.packed, (len(packed), len(packed))),
        load(PF_R | PF_X, code_at, places.unpacker, (len(code), len(code))),
        load(PF_R | PF_W, 0, places.stack, (0, _STACK)),
        encode_segment(PT_NOTE, PF_R, (notes_at, 0, 0), (len(notes), 0), 4),
    )
    header = _HEADER.pack(
        _IDENTITY, _ET_EXEC, _EM_X86_64, 1, places.unpacker, HEADER_SIZE, 0, 0, HEADER_SIZE,
        SEGMENT_SIZE, len(headers), 0, 0, 0,
    )  # fmt: skip
    start = b"".join([header, *headers, notes]).ljust(packed_at, b"\0")
    return (start + packed).ljust(code_at, b"\0") + code
