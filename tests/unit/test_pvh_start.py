# SPDX-License-Identifier: BSD-2-Clause
"""What the pvh board reads of the start info, on the host."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.host_build import BASE, OWN, build
from rumprun import command

MAGIC = 0x336EC578
RAM, RESERVED = 1, 2
_INFO = struct.Struct("<IIIIQQQQII")
_ENTRY = struct.Struct("<QQII")
_MODULE = struct.Struct("<QQQQ")

Entry = tuple[int, int, int]


def start_info(
    entries: list[Entry],
    *,
    magic: int = MAGIC,
    version: int = 1,
    words: bytes = b"console=ttyS0\0",
    modules: tuple[tuple[int, int], ...] = (),
) -> bytes:
    """Memory from address 0 on: the start info, its memory map, modules and words."""
    table = b"".join(_ENTRY.pack(start, size, kind, 0) for start, size, kind in entries)
    listed = b"".join(_MODULE.pack(start, size, 0, 0) for start, size in modules)
    modules_at = _INFO.size + len(table)
    words_at = modules_at + len(listed)
    info = _INFO.pack(
        magic, version, 0, len(modules), modules_at, words_at, 0xE0000, _INFO.size, len(entries), 0
    )
    return info + table + listed + words


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See start_fuzz.c."""
    sources = [OWN / "start_fuzz.c", BASE / "start_parse.c"]
    return build(tmp_path_factory.mktemp("start"), "reader", *sources, xen=True)


def read(reader: Path, memory: bytes) -> tuple[bool, list[str]]:
    """Whether the start info is taken; and what is said."""
    file = reader.parent / "memory"
    file.write_bytes(memory)
    done = command.run([reader, file], timeout=30, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0, done.stdout.splitlines()


def test_what_a_pc_says_is_read(reader: Path) -> None:
    memory = start_info(
        [(0x100000, 0x700000, RAM), (0, 0x9FC00, RAM), (0x9FC00, 0x400, RESERVED)],
        modules=((0x300000, 0x1234),),
    )
    assert read(reader, memory) == (
        True,
        [
            "memory 0 9fc00",
            "memory 100000 800000",
            "module 300000 301234",
            "words console=ttyS0",
        ],
    )


def test_ranges_that_overlap_or_touch_are_one(reader: Path) -> None:
    memory = start_info([(0, 0x1000, RAM), (0x3000, 0x1000, RAM), (0x1000, 0x2800, RAM)])
    assert read(reader, memory)[1][0] == "memory 0 4000"


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        (b"", "the start info is outside of memory"),
        (start_info([(0, 4096, RAM)], magic=0x1BADB002), "no start info: this is no PVH boot"),
        (start_info([(0, 4096, RAM)], version=0), "no memory map"),
        (start_info([]), "no memory map"),
        (start_info([(0, 4096, RESERVED)]), "no memory at all"),
        (start_info([(1 << 60, 4096, RAM)]), "an entry of the memory map is too large"),
        (start_info([(4096, (1 << 64) - 1, RAM)]), "an entry of the memory map is too large"),
        (start_info([(i << 20, 4096, RAM) for i in range(65)]), "too many ranges of memory"),
        (start_info([(0, 4096, RAM)], words=b"endless"), "the command line is outside of memory"),
        (start_info([(0, 4096, RAM)], modules=((0, 0),) * 9), "too many boot modules"),
        (start_info([(0, 4096, RAM)], modules=((1, 1 << 63),)), "a boot module is too large"),
        (start_info([(0, 4096, RAM)] * 2)[: _INFO.size + 30],
         "the memory map is outside of memory"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(reader: Path, memory: bytes, message: str) -> None:
    assert read(reader, memory) == (False, [message])


_ENTRIES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 12), st.sampled_from([RAM, RESERVED])),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(_ENTRIES)
def test_the_ranges_are_the_pages_of_the_map(reader: Path, entries: list[Entry]) -> None:
    usable = {
        page for start, size, kind in entries if kind == RAM for page in range(start, start + size)
    }
    scaled = [(start << 12, size << 12, kind) for start, size, kind in entries]
    taken, lines = read(reader, start_info(scaled))
    assert taken == bool(usable)
    found = [
        [int(word, 16) for word in line.split()[1:]] for line in lines if line.startswith("memory ")
    ]
    pages = [page for start, end in found for page in range(start >> 12, end >> 12)]
    assert sorted(usable) == pages
