# SPDX-License-Identifier: BSD-2-Clause
"""What programs say of themselves is read, and nothing else is believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.contributions import (
    SECTION,
    Contributions,
    LinkedFile,
    Source,
    contributions_text,
    parse_contributions,
    read_contributions,
    resolved,
)
from rumprun.errors import InputError
from unit.contribution_samples import program, program_of

ZLIB = Source(name="zlib", version="1:1.2.13.dfsg-1")
SAID = Contributions(
    own=64,
    source=Source(name="hello", version=None),
    linked=(
        LinkedFile(file="/usr/lib/gcc/x86_64-linux-gnu/12/libgcc.a", bytes=5, crc32="00bde77f"),
        LinkedFile(file="lib/libz.a", bytes=900, crc32="ffffffff", source=ZLIB),
        LinkedFile(file="libown.a", bytes=0),
    ),
)


def test_reads_back(tmp_path: Path) -> None:
    assert parse_contributions(contributions_text(SAID).encode(), where="p") == SAID
    path = tmp_path / "p"
    path.write_bytes(program_of(SAID))
    assert read_contributions(path) == SAID
    assert SAID.bytes == 969


def test_what_the_driver_writes() -> None:
    text = (
        b'{"format":1,"own":690,"linked":[{"bytes":4332,"crc32":"7eeeca93","file":"lib/libc.a"},'
        b'{"bytes":1,"file":"libf.a"}]}\n'
    )
    assert parse_contributions(text, where="p") == Contributions(
        own=690,
        linked=(
            LinkedFile(file="lib/libc.a", bytes=4332, crc32="7eeeca93"),
            LinkedFile(file="libf.a", bytes=1),
        ),
    )


def test_a_program_that_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes(program((".text", b"code")))
    assert read_contributions(path) is None


def test_only_what_is_unknown_is_resolved() -> None:
    other = Source(name="gcc-12", version="12.2.0-14")
    found = resolved(SAID, lambda file: other if "gcc" in file.file else None)
    assert [file.source for file in found.linked] == [other, ZLIB, None]


def changed(**values: Any) -> bytes:
    return json.dumps(json.loads(contributions_text(SAID)) | values).encode()


FILE = {"bytes": 1, "file": "lib/libz.a"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"7" * 10_000,
        b" " * (5 << 20),
        b"null",
        changed(format=2),
        changed(own=-1),
        changed(own=1 << 80),
        changed(own=1.5),
        changed(own="1"),
        changed(more=1),
        changed(source={"name": "../etc", "version": "1"}),
        changed(source={"name": "zlib", "version": "1 <script>"}),
        changed(linked=[FILE | {"file": ""}]),
        changed(linked=[FILE | {"file": "a\nb"}]),
        changed(linked=[FILE | {"file": "\x1b[2J"}]),
        changed(linked=[FILE | {"bytes": None}]),
        changed(linked=[FILE | {"crc32": "xyz"}]),
        changed(linked=[FILE] * 70_000),
    ],
)
def test_nonsense_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=SECTION):
        parse_contributions(content, where="p")


def test_more_than_the_file_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes(program_of(Contributions(own=1 << 40)))
    with pytest.raises(InputError, match="more than"):
        read_contributions(path)


@given(st.binary(max_size=200))
def test_any_content_is_refused_in_one_way(content: bytes) -> None:
    with pytest.raises(InputError):
        parse_contributions(content, where="p")


@given(st.integers(0, 4600), st.binary(min_size=1, max_size=16))
def test_damaged_programs_are_refused_in_one_way(
    tmp_path_factory: pytest.TempPathFactory, place: int, damage: bytes
) -> None:
    data = program_of(SAID, filler=0)
    place %= len(data)
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data[:place] + damage + data[place + len(damage) :])
    try:
        read_contributions(path)
    except InputError:
        return
