# SPDX-License-Identifier: BSD-2-Clause
"""The same programs on this Linux and on the boards: they are to say the same, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot.conformance_samples import (
    PROGRAMS,
    bake_programs,
    compile_conformance,
    difference,
    run_in_image,
    run_natively,
)

pytestmark = pytest.mark.boot

CHECKS = 600

# Where the pvh board is to differ, as its documentation says: program and check, to its answer.
DIFFERENCES = {
    # Writable and executable exclude each other.
    ("memory", "mprotect to write and execute"): "Permission denied",
    ("memory", "mmap to write and execute"): "Permission denied",
    # Files on tmpfs keep what they have until they are cut off.
    ("files", "punching a hole"): "Not supported",
}

# What the base says on the console of a call that it does not have.
ABSENT = "rumprun: wrong: no system call 999"

# The kernel is the linux board's own, so a few show that programs find there what they expect.
ON_LINUX = ("files", "network", "signals", "threads")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All of them, built."""
    directory = tmp_path_factory.mktemp("conformance")
    return {name: compile_conformance(name, directory) for name in PROGRAMS}


@pytest.fixture(scope="module")
def native(
    programs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[list[str], int]]:
    """What each says on this Linux."""
    scratch = tmp_path_factory.mktemp("native")
    return {name: run_natively(program, scratch) for name, program in programs.items()}


def expected_on_pvh(program: str, lines: list[str]) -> list[str]:
    expected = []
    for line in lines:
        name, _colon, _value = line.partition(": ")
        other = DIFFERENCES.get((program, name))
        expected.append(f"{name}: {other}" if other else line)
    return expected


def test_there_are_many_checks(native: dict[str, tuple[list[str], int]]) -> None:
    assert all(status == (7 if name == "system" else 0) for name, (_, status) in native.items())
    assert all(": " in line for lines, _status in native.values() for line in lines)
    assert sum(len(lines) for lines, _status in native.values()) >= CHECKS
    said = {(name, line.partition(": ")[0]) for name in native for line in native[name][0]}
    assert DIFFERENCES.keys() <= said


@pytest.mark.parametrize("name", PROGRAMS)
def test_pvh_agrees_with_linux(
    board_root: Path,
    programs: dict[str, Path],
    native: dict[str, tuple[list[str], int]],
    tmp_path: Path,
    name: str,
) -> None:
    assert board_root.is_dir()
    image = bake_programs("pvh", [programs[name]], tmp_path / "image")
    lines, status = run_in_image(image, memory=64)
    lines = [line for line in lines if line != ABSENT]
    assert difference(expected_on_pvh(name, native[name][0]), lines) == ""
    assert status == native[name][1]


@pytest.mark.parametrize("name", ON_LINUX)
def test_the_linux_board_agrees_with_linux(
    board_root: Path,
    programs: dict[str, Path],
    native: dict[str, tuple[list[str], int]],
    tmp_path: Path,
    name: str,
) -> None:
    assert board_root.is_dir()
    image = bake_programs("linux", [programs[name]], tmp_path / "image")
    lines, status = run_in_image(image)
    assert difference(native[name][0], lines) == ""
    assert status == native[name][1]
