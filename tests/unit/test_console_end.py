# SPDX-License-Identifier: BSD-2-Clause
"""The end of a machine that only its console tells."""

from __future__ import annotations

import pytest

from rumprun.lab.console_end import ConsoleEnd

HALT = b"rump kernel halting...\r\nunmounting done\r\nhalted"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b'=== main() of "x" returned 3 ===\r\n\r\n=== ERROR: _exit(3) called ===\r\n', 3),
        (b"=== _exit(0) called ===\r\n", 0),
        (b"=== ERROR: _exit(-1) called ===\r\n", 255),
        (b"=== ERROR: _exit(7) called ===\r\n\r\n=== _exit(0) called ===\r\n", 7),
        (b"nothing of the kind\r\n", None),
    ],
)
def test_the_one_that_failed_counts(said: bytes, status: int | None) -> None:
    end = ConsoleEnd()
    assert not end.feed(said)
    assert end.status is None
    assert end.feed(HALT)
    assert end.status == status


def test_in_pieces_of_any_size() -> None:
    end = ConsoleEnd()
    halted = [end.feed(bytes([byte])) for byte in b"=== _exit(5) called ===\n" + HALT]
    assert halted == [False] * (len(halted) - 1) + [True]
    assert end.status == 5


def test_a_program_that_says_halted_does_not_end_the_machine() -> None:
    assert not ConsoleEnd().feed(b"\r\nhalted\r\nI am halted\r\n")


def test_a_panic_ends_it_without_a_status() -> None:
    end = ConsoleEnd()
    assert end.feed(b"x\r\nPANIC: out of memory\r\nhalted\r\n")
    assert end.status is None
