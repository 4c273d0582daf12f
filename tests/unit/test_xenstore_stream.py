# SPDX-License-Identifier: BSD-2-Clause
"""The recorded stream is the same each time, and what is compared of its answers differs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from xenstore_stream import Type, make_stream, read_answers


def test_a_seed_is_a_stream() -> None:
    assert make_stream(1, 300) == make_stream(1, 300)
    assert make_stream(1, 300) != make_stream(2, 300)


def test_every_request_is_in_it() -> None:
    stream = make_stream(1, 10_000)
    words = [line.split() for line in stream]
    sent = {int(each[2]) for each in words if each[0] == "q"}
    assert sent >= set(Type) - {Type.TRANSACTION_START}
    assert {each[0] for each in words} == set("bdinqs")
    assert sum(each[0] in "qs" for each in words) >= 10_000


def test_answers_that_differ_are_seen() -> None:
    stream = ["q 1 2 0 61", "q 1 22 0 61"]
    first = "e 1 6100\na 1 2 0 78\na 2 22 0 323000\n"
    assert read_answers(stream, first) == read_answers(stream, first.replace("323000", "333000"))
    assert read_answers(stream, first) == read_answers(stream, "e 1 6100\n" + first)
    for other in (first.replace(" 78", " 79"), first.replace("e 1 6100\n", "")):
        assert read_answers(stream, first) != read_answers(stream, other)
