# SPDX-License-Identifier: BSD-2-Clause
"""Crash reports with names in them; addr2line itself is asked where images are booted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake import symbolize
from rumprun.bake.symbolize import Place, Range, Symbolizer, parse_places


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ("main\n/s/a.c:12\n", [("main", "/s/a.c:12")]),
        ("main\n/s/a.c:12 (discriminator 3)\n", [("main", "/s/a.c:12")]),
        ("raise\n??:?\n", [("raise", "")]),
        ("__restore_sigs\n:?\n", [("__restore_sigs", "")]),
        ("sift\nqsort.lo:?\n", [("sift", "")]),
        ("f\n/s/a.c:0\n", [("f", "")]),
        ("??\n??:0\n", []),
        ("", []),
        ("in\n/s/a.c:1\nout\n/s/b.c:2\n", [("in", "/s/a.c:1"), ("out", "/s/b.c:2")]),
        ("std::vector<int>::at(unsigned long)\n/s/a.cc:1\n",
         [("std::vector<int>::at(unsigned long)", "/s/a.cc:1")]),
    ],
)  # fmt: skip
def test_what_addr2line_says(said: str, places: list[tuple[str, str]]) -> None:
    found = parse_places(said)
    assert found == tuple(Place(function=name, location=where) for name, where in places)


@pytest.fixture
def symbolizer(monkeypatch: pytest.MonkeyPatch) -> Symbolizer:
    places = {
        "10": (Place(function="main", location="a.c:1"),),
        "20": (Place(function="in", location="a.c:2"), Place(function="out", location="")),
        "30": (),
    }
    monkeypatch.setattr(symbolize, "_look_up", lambda _path, address: places[address])
    return Symbolizer({"hello": Path("/x"), "g++": Path("/y")})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"rumprun:   #0 hello+0x10\n", b"rumprun:   #0 hello+0x10 main at a.c:1\n"),
        (b"rumprun:   #0 hello+0x10\r\n", b"rumprun:   #0 hello+0x10 main at a.c:1\r\n"),
        (b"rumprun:   #0 hello+0x200000010\n",
         b"rumprun:   #0 hello+0x200000010 main at a.c:1\n"),
        (b"rumprun:   #0 hello+0x10", b"rumprun:   #0 hello+0x10 main at a.c:1"),
        (b"half a line rumprun:   #2 hello+0x10\n",
         b"half a line rumprun:   #2 hello+0x10 main at a.c:1\n"),
        (b"rumprun:   #3 hello+0x10 (a guess)\n",
         b"rumprun:   #3 hello+0x10 (a guess) main at a.c:1\n"),
        (b"rumprun:   #1 g+++0x20\n",
         b"rumprun:   #1 g+++0x20 in at a.c:2\nrumprun:      inlined into out\n"),
    ],
)  # fmt: skip
def test_frames_get_names(symbolizer: Symbolizer, line: bytes, expected: bytes) -> None:
    assert symbolizer.line(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"rumprun:   #0 other+0x10\n",
        b"rumprun:   #0 hello+0x30\n",
        b"rumprun:   #0 0x10\n",
        b"rumprun:   #0 hello+0x10000000000000000000\n"[:20] + b"\n",
        b"#0 hello+0x10\n",
        b"rumprun: exit status 3\n",
    ],
)
def test_other_lines_pass(symbolizer: Symbolizer, line: bytes) -> None:
    assert symbolizer.line(line) == line


@given(st.binary())
def test_any_bytes_pass(line: bytes) -> None:
    assert Symbolizer({}).line(line) == line


def test_a_place_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def look_up(_path: Path, address: str) -> tuple[Place, ...]:
        asked.append(address)
        return ()

    monkeypatch.setattr(symbolize, "_look_up", look_up)
    symbolizer = Symbolizer({"hello": Path("/x")})
    for _ in range(3):
        symbolizer.line(b"rumprun:   #0 hello+0x10\n")
    assert asked == ["10"]


TERA = 1 << 40
RANGES = (
    Range(start=0xFFFFFFFF80000000, end=1 << 64, offset=0, file=Path("/base")),
    Range(start=TERA, end=2 * TERA, offset=TERA, file=Path("/x")),
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"rumprun: crash: hello: signal 11, code 1, address 0x123456, at 0x10000000010\n",
         (b"rumprun: crash: hello: signal 11, code 1, address 0x123456, at 0x10000000010\n"
         b"rumprun:      0x10000000010 is main at a.c:1\n")),
        (b"rumprun:   called from 0xffffffff80100020\r\n",
         (b"rumprun:   called from 0xffffffff80100020\r\n"
         b"rumprun:      0xffffffff80100020 is in at a.c:2\r\n"
         b"rumprun:      inlined into out\r\n")),
        (b"rumprun: twice 0x10000000010 0x10000000010",
         (b"rumprun: twice 0x10000000010 0x10000000010\n"
         b"rumprun:      0x10000000010 is main at a.c:1")),
        (b"rumprun: data 0x10000000030\n", b"rumprun: data 0x10000000030\n"),
        (b"rumprun: elsewhere 0x20000000010\n", b"rumprun: elsewhere 0x20000000010\n"),
        (b"a program says 0x10000000010\n", b"a program says 0x10000000010\n"),
        (b"rumprun: 0x1000000001000000000\n", b"rumprun: 0x1000000001000000000\n"),
    ],
)  # fmt: skip
def test_addresses_tell_whose_they_are(
    monkeypatch: pytest.MonkeyPatch, line: bytes, expected: bytes
) -> None:
    places = {
        ("/x", "10"): (Place(function="main", location="a.c:1"),),
        ("/x", "30"): (),
        ("/base", "ffffffff80100020"): (
            Place(function="in", location="a.c:2"), Place(function="out", location=""),
        ),
    }  # fmt: skip
    monkeypatch.setattr(symbolize, "_look_up", lambda path, address: places[str(path), address])
    assert Symbolizer({}, RANGES).line(line) == expected
    assert Symbolizer({}).line(line) == line
