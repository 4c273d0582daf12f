# SPDX-License-Identifier: BSD-2-Clause
"""Programs moved to addresses of their own; that they then run is tested where they are booted."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake.rebase import is_movable, rebase
from rumprun.errors import InputError
from unit.test_bake_program import ET_DYN, ET_EXEC, elf

BASE = 1 << 32
RELATIVE, IRELATIVE, GLOB_DAT = 8, 37, 6
RELA, RELASZ, RELR, STRTAB, FLAGS = 7, 8, 36, 5, 30

PT_LOAD, PT_DYNAMIC, PT_GNU_STACK = 1, 2, 0x6474E551
HEADER, SEGMENT = 64, 56
DYNAMIC_AT = HEADER + 3 * SEGMENT
TAG_COUNT = 5
RELA_AT = DYNAMIC_AT + 16 * TAG_COUNT


def program(*relocations: tuple[int, int, int], tag: int = STRTAB) -> bytes:
    """A program of one segment, loaded at 0x1000, with relocations (offset, type, addend)."""
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", ET_DYN, 62, 1, 0x1080, HEADER, 0, 0, HEADER, SEGMENT, 3, 0, 0, 0
    )
    size = RELA_AT + 24 * len(relocations)
    at = DYNAMIC_AT + 0x1000
    segments = [
        (PT_LOAD, 5, 0, 0x1000, 0x1000, size, size, 4096),
        (PT_DYNAMIC, 6, DYNAMIC_AT, at, at, 16 * TAG_COUNT, 16 * TAG_COUNT, 8),
        (PT_GNU_STACK, 6, 0, 0, 0, 0, 0, 16),
    ]
    tags = [(RELA, RELA_AT + 0x1000), (RELASZ, 24 * len(relocations)), (tag, 0x1234), (FLAGS, 8)]
    return (
        header
        + b"".join(struct.pack("<IIQQQQQQ", *segment) for segment in segments)
        + b"".join(struct.pack("<qQ", *pair) for pair in [*tags, (0, 0)])
        + b"".join(struct.pack("<QQq", *entry) for entry in relocations)
    )


def test_all_addresses_move() -> None:
    before = program((0x2000, RELATIVE, 0x1100), (0x2008, IRELATIVE, 0x1200), (0, 0, 0))
    after = rebase(before, BASE, name="x")
    assert len(after) == len(before)
    assert struct.unpack_from("<H", after, 16) == (ET_EXEC,)
    assert struct.unpack_from("<Q", after, 24) == (BASE + 0x1080,)
    addresses = [struct.unpack_from("<QQ", after, HEADER + SEGMENT * i + 16) for i in range(3)]
    dynamic = BASE + 0x1000 + DYNAMIC_AT
    assert addresses == [(BASE + 0x1000, BASE + 0x1000), (dynamic, dynamic), (0, 0)]
    tags = [struct.unpack_from("<qQ", after, DYNAMIC_AT + 16 * i) for i in range(TAG_COUNT)]
    assert tags == [
        (RELA, BASE + RELA_AT + 0x1000),
        (RELASZ, 72),
        (STRTAB, BASE + 0x1234),
        (FLAGS, 8),
        (0, 0),
    ]
    assert [struct.unpack_from("<QQq", after, RELA_AT + 24 * i) for i in range(3)] == [
        (BASE + 0x2000, RELATIVE, BASE + 0x1100),
        (BASE + 0x2008, IRELATIVE, BASE + 0x1200),
        (0, 0, 0),
    ]


def test_only_what_the_kernel_places_is_movable() -> None:
    assert is_movable(program())
    assert not is_movable(elf(kind=ET_EXEC))
    assert not is_movable(b"\x7fELF")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (program((0x2000, GLOB_DAT, 0)), "relocation type 6"),
        (program(tag=RELR), "RELR"),
        (program((0x2000, RELATIVE, 0))[:-8], "damaged"),
        (program()[:90], "damaged"),
    ],
)
def test_what_cannot_be_moved_is_told(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"x: .*{message}"):
        rebase(content, BASE, name="x")


@given(st.data())
def test_any_damage_is_an_error_of_ours(data: st.DataObject) -> None:
    content = bytearray(program((0x2000, RELATIVE, 0x1100)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        assert len(rebase(bytes(content), BASE, name="x")) == len(content)
