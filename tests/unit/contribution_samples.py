# SPDX-License-Identifier: BSD-2-Clause
"""Programs that say what was linked into them, without a linker."""

from __future__ import annotations

import struct

from rumprun.contributions import SECTION, Contributions, contributions_text

_HEADER = 64
_SECTION = struct.Struct("<IIQQQQIIQQ")
_PROGBITS, _STRTAB = 1, 3


def program(*sections: tuple[str, bytes], filler: int = 4096) -> bytes:
    """A static executable for x86-64 of ``filler`` bytes, and with ``sections``."""
    names = b"\0"
    body = bytes(filler)
    headers = [_SECTION.pack(*[0] * 10)]
    for name, content in (*sections, (".shstrtab", b"")):
        place = len(names)
        names += name.encode() + b"\0"
        data = content or names
        kind = _PROGBITS if content else _STRTAB
        offset = _HEADER + len(body)
        headers.append(_SECTION.pack(place, kind, 0, 0, offset, len(data), 0, 0, 1, 0))
        body += data
    start = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        *(2, 62, 1, 0x400000, 0, _HEADER + len(body), 0, _HEADER, 56, 0, 64),
        *(len(headers), len(headers) - 1),
    )
    return start + body + b"".join(headers)


def program_of(contributions: Contributions, *, filler: int = 4096) -> bytes:
    """A program that says ``contributions`` of itself."""
    return program((SECTION, contributions_text(contributions).encode()), filler=filler)
