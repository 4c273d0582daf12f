# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb gdb``: breaks in programs of an image, by their names."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest

from boot.boot_samples import HERE, ROOT, compile_program, make_request
from rumprun import command
from rumprun.bake.board import find_board
from rumprun.bake.output import bake_image
from rumprun.bake.symbolize import Symbolizer
from rumprun.bake.symbols import build_id_file, build_id_of

pytestmark = pytest.mark.boot


@pytest.fixture(scope="module")
def two_programs(board_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of crasher, and then of the same program again, called other."""
    assert board_root.is_dir()
    place = tmp_path_factory.mktemp("debug")
    crasher = compile_program(HERE / "crasher.c", place / "crasher", "-O2", "-g")
    request = make_request(crasher)
    argv = ("other", "behind", "crasher")
    other = dataclasses.replace(request.programs[0], name="other", argv=argv)
    both = dataclasses.replace(request, programs=(*request.programs, other))
    bake_image(find_board("linux"), both, place / "image")
    return place / "image"


def debug(
    directory: Path, console: Path, *orders: str, symbols: Path | None = None
) -> command.Completed:
    environment = command.base_environment() | {
        name: os.environ[name]
        for name in ("RUMPRUN_BOARD_ROOT", "RUMPRUN_TOOLCHAIN_ROOT")
        if name in os.environ
    }
    words = [ROOT / "rumpdeb", "gdb", directory, "--console", console]
    words += ["--debug", symbols] if symbols else []
    words += ["--", "-nx", "-batch"]
    for order in orders:
        words += ["-ex", order]
    return command.run(words, env=environment, timeout=300, check=False)


def test_a_break_in_a_program_stops_there_and_nowhere_else(
    two_programs: Path, tmp_path: Path
) -> None:
    ended = debug(
        two_programs,
        tmp_path / "console",
        "rumprun-break other main",
        "continue",
        'printf "%d %s %s %s\\n", argc, argv[0], argv[1], argv[2]',
        "bt",
        "info program",
        "continue",
    )
    # The first program has the same main, which ran to its end without a stop.
    assert "\n3 other behind crasher\n" in ended.stdout, ended.stdout + ended.stderr
    assert ended.stdout.count("Breakpoint 1, ") == 1
    assert "the image ended with status 0" in ended.stderr


def test_a_plain_break_stops_in_every_program(two_programs: Path, tmp_path: Path) -> None:
    ended = debug(
        two_programs,
        tmp_path / "console",
        "break main",
        "continue",
        'printf "first %s\\n", argv[0]',
        "continue",
        'printf "then %s\\n", argv[0]',
        "info symbol $pc",
    )
    assert "\nfirst crasher\n" in ended.stdout, ended.stdout + ended.stderr
    assert "\nthen other\n" in ended.stdout
    assert ended.returncode == 0


def test_mistakes_are_told(two_programs: Path, tmp_path: Path) -> None:
    ended = debug(two_programs, tmp_path / "console", "rumprun-break nothing main")
    assert "no program nothing; there are: crasher, other" in ended.stderr
    ended = debug(two_programs, tmp_path / "console", "rumprun-break other")
    assert "rumprun-break PROGRAM LOCATION" in ended.stderr


def test_symbols_may_be_in_a_package_of_their_own(board_root: Path, tmp_path: Path) -> None:
    """As dh_strip makes it: unwind tables stay in the program, names go."""
    assert board_root.is_dir()
    whole = compile_program(HERE / "crasher.c", tmp_path / "whole", "-O2", "-g")
    build_id = build_id_of(whole.read_bytes())
    assert build_id
    symbols = tmp_path / "dbgsym" / "usr/lib/debug" / build_id_file(build_id)
    symbols.parent.mkdir(parents=True)
    command.run(["objcopy", "--only-keep-debug", whole, symbols])
    program = tmp_path / "crasher"
    command.run(["strip", "-o", program, whole])
    bake_image(find_board("linux"), make_request(program, "write"), tmp_path / "image")
    console = tmp_path / "console"
    orders = ("break innermost", "continue", "bt", "continue")
    ended = debug(tmp_path / "image", console, *orders, symbols=tmp_path / "dbgsym")
    frames = re.findall(r"^#\d .*?(\w+) \(", ended.stdout, re.MULTILINE)
    assert frames[:3] == ["innermost", "middle", "outermost"], ended.stdout + ended.stderr
    assert "the image ended with status 139" in ended.stderr
    # The report is about the moved program, and is understood all the same.
    symbolizer = Symbolizer({"crasher": whole})
    lines = [symbolizer.line(line) for line in console.read_bytes().splitlines()]
    assert any(b" innermost at " in line for line in lines), lines
