# SPDX-License-Identifier: BSD-2-Clause
"""The C side of the program table, run on the build machine against the Python side."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot.boot_samples import HERE, ROOT, compile_program
from rumprun import command
from rumprun.bake.image import Program
from rumprun.bake.table import encode_table

pytestmark = pytest.mark.integration

OWN_FAILURE = 125


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    board = ROOT / "boards" / "linux"
    return compile_program(
        HERE / "table_reader.c",
        tmp_path_factory.mktemp("reader") / "reader",
        board / "table.c",
        board / "file.c",
        ROOT / "boards" / "common" / "table.c",
        f"-I{board}",
        f"-I{ROOT / 'boards' / 'common'}",
    )


def read(reader: Path, table: Path) -> command.Completed:
    return command.run([reader, table], timeout=10, check=False)


def test_reads_what_python_writes(reader: Path, tmp_path: Path) -> None:
    argv = ("hello", "", "a b", "\u00fc", "\n", "12", "x" * 100_000)
    env = (("A", ""), ("B", "=c= d"))
    table = tmp_path / "table"
    program = Program(name="hello", path="/bin/hello", argv=argv, env=env, size=1, sha256="0" * 64)
    other = Program(name="b", path="/bin/b", argv=("c",), env=(), size=1, sha256="0" * 64)
    table.write_bytes(encode_table([program, other]))
    ended = read(reader, table)
    expected = ["hello", "/bin/hello", *(f"A{word}" for word in argv), "EA=", "EB==c= d"]
    expected += ["b", "/bin/b", "Ac"]
    assert ended.returncode == 0
    assert ended.stdout == "".join(f"{word}\0" for word in expected)


GOOD = b"rumprun-table 2\0001\0x\0/bin/x\0002\0001\0x\0y\0E=1\0"


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_every_truncation_is_refused(reader: Path, tmp_path: Path, length: int) -> None:
    table = tmp_path / "table"
    table.write_bytes(GOOD)
    assert read(reader, table).returncode == 0
    table.write_bytes(GOOD[:length])
    assert read(reader, table).returncode == OWN_FAILURE


@pytest.mark.parametrize(
    "content",
    [
        GOOD + b"more\0",
        GOOD.replace(b"table 2", b"table 1"),
        GOOD.replace(b"\0001\0x\0/", b"\0000\0x\0/"),
        GOOD.replace(b"\0001\0x\0/", b"\0002\0x\0/"),
        GOOD.replace(b"\0001\0x\0/", b"\00065\0x\0/"),
        GOOD.replace(b"\0002\0", b"\0000\0"),
        GOOD.replace(b"\0002\0", b"\0-1\0"),
        GOOD.replace(b"\0002\0", b"\0+2\0"),
        GOOD.replace(b"\0002\0", b"\0002x\0"),
        GOOD.replace(b"\0002\0", b"\0\0"),
        GOOD.replace(b"\0002\0", b"\00018446744073709551618\0"),
        GOOD.replace(b"\0002\0", b"\0009999999\0"),
        bytes(9 << 20),
    ],
)
def test_damage_is_refused(reader: Path, tmp_path: Path, content: bytes) -> None:
    table = tmp_path / "table"
    table.write_bytes(content)
    ended = read(reader, table)
    assert ended.returncode == OWN_FAILURE
    assert "table" in ended.stderr


def test_absent(reader: Path, tmp_path: Path) -> None:
    ended = read(reader, tmp_path / "table")
    assert ended.returncode == OWN_FAILURE
    assert "No such file" in ended.stderr
