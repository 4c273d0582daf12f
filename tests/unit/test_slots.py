# SPDX-License-Identifier: BSD-2-Clause
"""Where the programs of board ``pvh`` are, and what cannot be one of them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from rumprun.bake.board import ProgramRequest
from rumprun.bake.slots import SLOT_SIZE, place_programs, slot_start
from rumprun.errors import InputError
from rumprun.target.descriptor import load_target
from unit.test_bake_program import ET_DYN, ET_EXEC, elf

PT_LOAD = 1
X, W, R = 1, 2, 4


def with_segments(*segments: tuple[int, int, int], kind: int = ET_DYN) -> bytes:
    """A program with segments of flags, address and size."""
    header = bytearray(elf(kind=kind)[:64])
    struct.pack_into("<H", header, 56, len(segments))
    return bytes(header) + b"".join(
        struct.pack("<IIQQQQQQ", PT_LOAD, flags, 0, address, address, 0, size, 4096)
        for flags, address, size in segments
    )


def place(tmp_path: Path, *contents: bytes) -> list[bytes]:
    requests = []
    for number, content in enumerate(contents, 1):
        path = tmp_path / f"p{number}"
        path.write_bytes(content)
        requests.append(ProgramRequest(file=path, name=path.name, argv=(path.name,)))
    return place_programs(requests, [""] * len(requests), load_target(), tmp_path)


def first_address(content: bytes) -> int:
    return int(struct.unpack_from("<Q", content, 64 + 16)[0])


def test_each_program_has_a_slot_by_its_place(tmp_path: Path) -> None:
    movable = with_segments((R | X, 0x1000, 10), (R | W, 0x3000, 10))
    fixed = with_segments((R | X, 0x400000, 10), kind=ET_EXEC)
    first, second, third = place(tmp_path, movable, fixed, movable)
    assert first_address(first) == SLOT_SIZE + 0x1000
    assert second == fixed
    assert first_address(third) == 3 * SLOT_SIZE + 0x1000
    starts = [slot_start(content) for content in (movable, first, second, third, b"")]
    assert starts == [0, SLOT_SIZE, 0, 3 * SLOT_SIZE, 0]


def test_there_is_room_for_one_fixed_program(tmp_path: Path) -> None:
    fixed = with_segments((R | X, 0x400000, 10), kind=ET_EXEC)
    with pytest.raises(InputError, match="p1 and p2 are linked to fixed addresses") as caught:
        place(tmp_path, fixed, fixed)
    assert "without -no-pie" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (with_segments((R | W | X, 0x1000, 10)), "memory to write and to execute, at 0x1000"),
        (with_segments((R | X, 0x1000, 10), (R | W, 0x1800, 10)), "share the page at 0x1000"),
        (with_segments((R | X, 0x2000, 10), (R | W, 0x1000, 10)), "share the page at 0x1000"),
        (with_segments((R | X, 0x1000, 10), kind=ET_EXEC), "linked to 0x1000"),
        (with_segments((R | X, SLOT_SIZE, 10), kind=ET_EXEC), "linked to 0x10000000000"),
        (with_segments((R | X, 0x1000, SLOT_SIZE)), "linked to 0x1000"),
        (b"\x7fELF" + bytes(100), "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_base_would_not_load_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=f"p1: .*{message}"):
        place(tmp_path, content)
