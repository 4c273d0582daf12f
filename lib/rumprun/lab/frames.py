# SPDX-License-Identifier: BSD-2-Clause
"""The frames between a lab's host and its dom0; lab/frame.h has the other side of it.

As in RFC 1055 (SLIP), END is before and after each frame and nowhere in it: a reader that comes in
late, or meets half a frame of one that was killed, is right again with the next END. Inside are
type, job, payload and a CRC-32.
"""

from __future__ import annotations

import enum
import struct
import zlib
from dataclasses import dataclass
from typing import Final

# FRAME_PAYLOAD in lab/frame.h.
PAYLOAD_LIMIT: Final = 16384

_END = b"\xc0"
_ESCAPE = b"\xdb"
_ESCAPED_END = b"\xdb\xdc"
_ESCAPED_ESCAPE = b"\xdb\xdd"

_HEADER = struct.Struct("<BI")
_CHECK = struct.Struct("<I")


class Type(enum.IntEnum):
    """enum frame_type of lab/frame.h, which says what each is."""

    HELLO = 1
    INPUT = 2
    START = 3
    KILL = 4
    SIZE = 5
    WELCOME = 16
    STATE = 17
    OUTPUT = 18
    ERRORS = 19
    EXIT = 20


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A frame; ``type`` may be one that we do not know."""

    type: int
    job: int
    payload: bytes


def encode(frame: Frame) -> bytes:
    """The frame as it goes over the wire; its payload has :data:`PAYLOAD_LIMIT` bytes at most."""
    assert len(frame.payload) <= PAYLOAD_LIMIT
    whole = _HEADER.pack(frame.type, frame.job) + frame.payload
    whole += _CHECK.pack(zlib.crc32(whole))
    escaped = whole.replace(_ESCAPE, _ESCAPED_ESCAPE).replace(_END, _ESCAPED_END)
    return _END + escaped + _END


class Decoder:
    """Makes frames of what arrives in pieces of any size; what is no frame is left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that end in ``data``."""
        *whole, self._rest = (self._rest + data).split(_END)
        # A peer that never ends a frame must not fill our memory.
        self._rest = self._rest[: 4 * PAYLOAD_LIMIT]
        return [frame for frame in map(_decode, whole) if frame is not None]


def _decode(escaped: bytes) -> Frame | None:
    unescaped = escaped.replace(_ESCAPED_END, _END).replace(_ESCAPED_ESCAPE, _ESCAPE)
    if len(unescaped) < _HEADER.size + _CHECK.size:
        return None
    whole, check = unescaped[: -_CHECK.size], unescaped[-_CHECK.size :]
    if _CHECK.pack(zlib.crc32(whole)) != check:
        return None
    number, job = _HEADER.unpack_from(whole)
    return Frame(type=number, job=job, payload=whole[_HEADER.size :])
