# SPDX-License-Identifier: BSD-2-Clause
"""Only static programs for the target are baked; the message says what else a file is."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rumprun.bake.program import check_program, program_name
from rumprun.errors import InputError, MissingError
from rumprun.target.descriptor import load_target

TARGET = load_target()

ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
EM_X86_64, EM_AARCH64 = 62, 183
PT_LOAD, PT_INTERP = 1, 3


def elf(
    *,
    kind: int = ET_EXEC,
    machine: int = EM_X86_64,
    entry: int = 0x401000,
    interpreter: bytes = b"",
) -> bytes:
    """A small ELF file: header, program headers, and the interpreter's name behind them."""
    segments = 2 if interpreter else 1
    name_at = 64 + 56 * segments
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 1, entry, 64, 0, 0, 64, 56, segments, 0, 0, 0
    )
    load = struct.pack("<IIQQQQQQ", PT_LOAD, 5, 0, 0x400000, 0x400000, 256, 256, 4096)
    size = len(interpreter)
    interp = struct.pack("<IIQQQQQQ", PT_INTERP, 4, name_at, 0, 0, size, size, 1)
    return header + load + (interp + interpreter if interpreter else b"")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "program"


@pytest.mark.parametrize("kind", [ET_EXEC, ET_DYN])
def test_static_is_accepted(program: Path, kind: int) -> None:
    program.write_bytes(elf(kind=kind))
    check_program(program, TARGET)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"#! /bin/sh -e\necho\n", "a script for /bin/sh -e"),
        (b"#!\xff", "a script for"),
        (b"MZ\x90\0", "not an ELF file"),
        (b"\x7fELF", "damaged ELF"),
        (elf()[:70], "damaged ELF"),
        (elf(machine=EM_AARCH64), "EM_AARCH64"),
        (elf(kind=ET_REL), "ET_REL"),
        (elf(kind=ET_DYN, interpreter=b"/lib64/ld-linux-x86-64.so.2\0"), "ld-linux-x86-64"),
        (elf(kind=ET_DYN, entry=0), "without an entry point"),
    ],
)
def test_refused(program: Path, content: bytes, message: str) -> None:
    program.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        check_program(program, TARGET)
    assert caught.value.hint


def test_absent(program: Path) -> None:
    with pytest.raises(MissingError, match="no such program"):
        check_program(program, TARGET)
    program.mkdir()
    with pytest.raises(InputError, match="a directory"):
        check_program(program, TARGET)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_damage_never_escapes(program: Path, data: st.DataObject) -> None:
    content = bytearray(elf(kind=ET_DYN, interpreter=b"/lib/ld\0"))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    program.write_bytes(content)
    with contextlib.suppress(InputError):
        check_program(program, TARGET)


@pytest.mark.parametrize("name", ["hello", "qemu-system-x86_64", "a.out", "g++"])
def test_names(name: str) -> None:
    assert program_name(Path("/x") / name) == name


@pytest.mark.parametrize("name", ["a b", "-x", ".hidden", "\u00fc", "x" * 200])
def test_names_refused(name: str) -> None:
    with pytest.raises(InputError, match="no name"):
        program_name(Path("/x") / name)
