# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board's memory of a program, and what it reads of a program's file, on the host."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from boards.host_build import BASE, OWN, build
from rumprun import command

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
R, RX, RW, RWX = 4, 5, 6, 7
ET_EXEC, ET_DYN = 2, 3
FILE_SIZE = 0x3000

Segment = tuple[int, int, int, int, int, int]

# Type, flags, offset, address, size in the file, size in memory.
GOOD: list[Segment] = [
    (PT_LOAD, R, 0, 0x400000, 0x800, 0x800),
    (PT_LOAD, RX, 0x1000, 0x401000, 0x900, 0x900),
    (PT_LOAD, RW, 0x2010, 0x403010, 0x200, 0x5000),
    (PT_DYNAMIC, RW, 0x2010, 0x403010, 0x100, 0x100),
]


@pytest.fixture(scope="module")
def space_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See space_model.c."""
    sources = [OWN / "space_model.c", OWN / "memory_shim.c"]
    base = [BASE / "space.c", BASE / "space_move.c", BASE / "fault.c"]
    return build(tmp_path_factory.mktemp("space"), "model", *sources, *base)


@pytest.fixture(scope="module")
def elf_fuzz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See elf_fuzz.c."""
    directory = tmp_path_factory.mktemp("elf")
    return build(directory, "fuzz", OWN / "elf_fuzz.c", BASE / "elf_parse.c")


@pytest.mark.parametrize("seed", range(1, 7))
@pytest.mark.parametrize("failures", [0, 6])
def test_a_space_is_as_its_model(space_model: Path, seed: int, failures: int) -> None:
    command.run([space_model, seed, 10000, failures], timeout=120)


def program(
    segments: list[Segment], *, kind: int = ET_DYN, machine: int = 62, entry: int = 0x401010
) -> bytes:
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", identity, kind, machine, 1, entry, 64, 0, 0, 64, 56, len(segments),
        0, 0, 0,
    )  # fmt: skip
    table = b"".join(
        struct.pack("<IIQQQQQQ", type_, flags, offset, address, address, size, memory, 4096)
        for type_, flags, offset, address, size, memory in segments
    )
    return (header + table).ljust(FILE_SIZE, b"\0")


def verdict(tool: Path, directory: Path, content: bytes, damaged: int = 0) -> str:
    file = directory / "program"
    file.write_bytes(content)
    return command.run([tool, file, 1, damaged], timeout=120).stdout.strip()


@pytest.mark.parametrize(
    ("segments", "kind"), [(GOOD, ET_DYN), (GOOD, ET_EXEC), (GOOD[:3], ET_EXEC)]
)
def test_a_program_is_taken(
    elf_fuzz: Path, tmp_path: Path, segments: list[Segment], kind: int
) -> None:
    assert verdict(elf_fuzz, tmp_path, program(segments, kind=kind)) == "taken"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(program(GOOD)[:63], id="short header"),
        pytest.param(program(GOOD)[:200], id="short table"),
        pytest.param(program(GOOD, machine=3), id="another machine"),
        pytest.param(program(GOOD, kind=1), id="no program"),
        pytest.param(program(GOOD, entry=0x400010), id="starts in data"),
        pytest.param(program(GOOD[:3]), id="movable, but nothing to relocate it by"),
        pytest.param(program([]), id="nothing"),
        pytest.param(program([(PT_INTERP, R, 0, 0, 8, 8), *GOOD]), id="needs a loader"),
        pytest.param(program(GOOD[1:]), id="headers are not in memory"),
        pytest.param(program([GOOD[1], GOOD[0], *GOOD[2:]]), id="out of order"),
        pytest.param(program([GOOD[0], (PT_LOAD, RWX, *GOOD[1][2:]), *GOOD[2:]]), id="W and X"),
        pytest.param(
            program([*GOOD[:2], (PT_LOAD, RW, 0x1910, 0x401910, 8, 8), GOOD[3]]), id="one page, two"
        ),
        pytest.param(
            program([*GOOD, (PT_LOAD, RW, 0x2000, 0x500000, 0x1001, 0x1001)]), id="beyond the file"
        ),
        pytest.param(
            program([*GOOD, (PT_LOAD, RW, 1 << 63, 1 << 46, 1 << 63, 1 << 63)]), id="wraps"
        ),
        pytest.param(program([*GOOD, (PT_LOAD, RW, 0, 0x7FFFFFFFF000, 0, 0x1000)]), id="too high"),
        pytest.param(program([*GOOD, (PT_LOAD, RW, 8, 0x500000, 8, 8)]), id="not aligned"),
        pytest.param(program([*GOOD, (PT_LOAD, RW, 0, 0x500000, 9, 8)]), id="more than all"),
        pytest.param(program([*GOOD, (PT_LOAD, R, 0, 0x500000, 8, 9)]), id="zeros, read-only"),
    ],
)
def test_a_file_is_refused(elf_fuzz: Path, tmp_path: Path, content: bytes) -> None:
    assert verdict(elf_fuzz, tmp_path, content) == "refused"


def test_damage_does_no_harm(elf_fuzz: Path, tmp_path: Path) -> None:
    assert verdict(elf_fuzz, tmp_path, program(GOOD), 300000) == "taken"
