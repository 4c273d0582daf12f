# SPDX-License-Identifier: BSD-2-Clause
"""The program table: every argument arrives byte for byte, or is refused."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake.image import Program
from rumprun.bake.table import LIMIT, MOST_PROGRAMS, encode_table
from rumprun.errors import InputError


def make_program(
    argv: tuple[str, ...] = ("hello",), env: tuple[tuple[str, str], ...] = ()
) -> Program:
    return Program(name="hello", path="/bin/hello", argv=argv, env=env, size=1, sha256="0" * 64)


def decode(table: bytes) -> list[tuple[bytes, bytes, list[bytes], list[bytes]]]:
    """What boards/linux/table.c does, written down a second time."""
    assert table.endswith(b"\0")
    magic, count, *rest = table[:-1].split(b"\0")
    assert magic == b"rumprun-table 2"
    programs = []
    for _ in range(int(count)):
        name, path, argc, envc, *rest = rest
        argv, rest = rest[: int(argc)], rest[int(argc) :]
        env, rest = rest[: int(envc)], rest[int(envc) :]
        programs.append((name, path, argv, env))
    assert rest == []
    return programs


# Any bytes but NUL, as Python presents the words of a command line.
words = st.binary(max_size=40).filter(lambda word: b"\0" not in word).map(os.fsdecode)
names = words.filter(lambda name: name and "=" not in name)


@given(st.lists(words, min_size=1), st.dictionaries(names, words))
def test_everything_arrives(argv: list[str], env: dict[str, str]) -> None:
    programs = [make_program(tuple(argv), tuple(env.items())), make_program(("second",))]
    (name, path, got_argv, got_env), second = decode(encode_table(programs))
    assert (name, path) == (b"hello", b"/bin/hello")
    assert second == (b"hello", b"/bin/hello", [b"second"], [])
    assert got_argv == [os.fsencode(word) for word in argv]
    assert got_env == [os.fsencode(f"{name}={value}") for name, value in env.items()]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (make_program(()), "no argv"),
        (make_program(("hello", "a\0b")), "NUL"),
        (make_program(env=(("A", "\0"),)), "NUL"),
        (make_program(env=(("A=B", "c"),)), "no name"),
        (make_program(env=(("", "c"),)), "no name"),
        (make_program(("hello", "x" * LIMIT)), "bytes of arguments"),
    ],
)
def test_refused(program: Program, message: str) -> None:
    with pytest.raises(InputError, match=message):
        encode_table([program])


@pytest.mark.parametrize("count", [0, MOST_PROGRAMS + 1])
def test_too_few_and_too_many(count: int) -> None:
    with pytest.raises(InputError, match=f"1 to {MOST_PROGRAMS} fit|{count} programs"):
        encode_table([make_program()] * count)
