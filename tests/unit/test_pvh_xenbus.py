# SPDX-License-Identifier: BSD-2-Clause
"""What the pvh board takes out of the xenstore's ring, on the host."""

from __future__ import annotations

import errno
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.host_build import BASE, OWN, build
from rumprun import command

READ, WATCH_EVENT, ERROR = 2, 15, 16
_HEAD = struct.Struct("<IIII")
_INDEX = struct.Struct("<I")


def message(kind: int, payload: bytes, request: int = 1, size: int | None = None) -> bytes:
    """A message as the store sends it; size: what its head says, if that is not so."""
    return _HEAD.pack(kind, request, 0, len(payload) if size is None else size) + payload


def put(data: bytes, piece: int = 200) -> bytes:
    """The steps of xenbus_fuzz.c that bring the data in: the base reads after each piece."""
    pieces = [data[i : i + piece] for i in range(0, len(data), piece)]
    return b"".join(b"p" + bytes([len(part)]) + part + b"r" for part in pieces)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See xenbus_fuzz.c."""
    sources = [OWN / "xenbus_fuzz.c", BASE / "xen" / "xenbus_ring.c"]
    return build(tmp_path_factory.mktemp("xenbus"), "reader", *sources, xen=True)


def play(reader: Path, steps: bytes) -> list[str]:
    """What the base read, and whether the ring was good to the end."""
    file = reader.parent / "steps"
    file.write_bytes(steps)
    return command.run([reader, file], timeout=30).stdout.splitlines()


def test_messages_come_in_whole(reader: Path) -> None:
    steps = put(
        message(READ, b"value", request=7)
        + message(WATCH_EVENT, b"control/shutdown\x0012\0", request=0)
        + message(ERROR, b"ENOENT\0")
        + message(READ, b"4294967295\0")
        + message(READ, b"", request=3)
    )
    assert play(reader, steps) == [
        f"2 7 0 5 value||-1|-{errno.EIO}",
        f"15 0 0 20 control/shutdown|12|-1|-{errno.EIO}",
        f"16 1 0 7 ENOENT||-1|-{errno.ENOENT}",
        f"2 1 0 11 4294967295||-1|-{errno.EIO}",
        f"2 3 0 0 ||-1|-{errno.EIO}",
        "good",
    ]


def test_the_longest_message_goes_around_the_ring(reader: Path) -> None:
    payload = b"x" * 4096
    assert play(reader, put(message(READ, payload))) == [
        f"2 1 0 4096 {payload.decode()}||-1|-{errno.EIO}",
        "good",
    ]


def test_a_message_without_memory_is_skipped_to_its_end(reader: Path) -> None:
    steps = b"m" + put(message(READ, b"y" * 3000) + message(READ, b"next"))
    assert play(reader, steps) == ["skipped 3000", f"2 1 0 4 next||-1|-{errno.EIO}", "good"]


@pytest.mark.parametrize(
    "steps",
    [
        put(message(READ, b"", size=4097)),
        put(message(READ, b"", size=0xFFFFFFFF)),
        b"i" + _INDEX.pack(1025) + b"r",
        b"c" + _INDEX.pack(1) + b"r",
        b"c" + _INDEX.pack(0x80000000) + b"r",
        put(message(READ, b"half", size=100)) + b"i" + _INDEX.pack(5000) + b"r",
    ],
)
def test_what_contradicts_itself_breaks_the_ring(reader: Path, steps: bytes) -> None:
    assert play(reader, steps) == ["broken"]


def test_indexes_may_overflow(reader: Path) -> None:
    start = _INDEX.pack(0xFFFFFFF0)
    steps = b"i" + start + b"c" + start + put(message(READ, b"over the end"))
    assert play(reader, steps) == [f"2 1 0 12 over the end||-1|-{errno.EIO}", "good"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("abc/", min_size=1, max_size=700), min_size=1, max_size=8),
    st.integers(1, 255),
)
def test_pieces_of_any_size_make_the_same(reader: Path, values: list[str], piece: int) -> None:
    data = b"".join(message(READ, text.encode(), request=i) for i, text in enumerate(values))
    said = play(reader, put(data, piece))
    assert [line.split("|")[0] for line in said[:-1]] == [
        f"2 {i} 0 {len(text)} {text}" for i, text in enumerate(values)
    ]
    assert said[-1] == "good"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_no_steps_are_too_much(reader: Path, steps: bytes) -> None:
    assert play(reader, steps)[-1] in ("good", "broken")
