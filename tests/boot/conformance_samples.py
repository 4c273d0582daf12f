# SPDX-License-Identifier: BSD-2-Clause
"""The conformance programs: how they are built, run on this Linux, and run in images."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

import pytest

from boot.boot_samples import BOOT_SECONDS, ROOT, compile_program
from rumprun import command
from rumprun.bake.board import BakeRequest, ProgramRequest, find_board
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.output import bake_image
from rumprun.bake.root import Entry
from rumprun.lab.qemu import RunRequest, run_image
from rumprun.target.descriptor import load_target

SOURCES = ROOT / "tests" / "conformance"
PROGRAMS = tuple(sorted(path.stem for path in SOURCES.glob("*.c") if path.stem != "check"))

# What an image has besides the program, as native-root makes it.
FILES = {"bin/data": Entry(content=b"small")}


def compile_conformance(name: str, directory: Path) -> Path:
    """The program called ``name``, static."""
    source = SOURCES / f"{name}.c"
    return compile_program(source, directory / name, SOURCES / "check.c", "-I", SOURCES)


def run_natively(program: Path, scratch: Path, *arguments: str) -> tuple[list[str], int]:
    """What ``program`` says in a root like an image's, and its status (128 and the signal).

    A skip where this machine gives no file systems of one's own.
    """
    words = ["unshare", "--mount"]
    if command.run([*words, "true"], check=False).returncode != 0:
        pytest.skip("no mount namespaces here")
    root = scratch / "root"
    root.mkdir(exist_ok=True)
    console = bytearray()
    ended = command.stream(
        [*words, SOURCES / "native-root", root, program, *arguments],
        sink=console.extend,
        timeout=BOOT_SECONDS,
        merge_errors=True,
    )
    status = ended.returncode if ended.returncode >= 0 else 128 - ended.returncode
    return console.decode().splitlines(), status


def bake_programs(board: str, programs: Iterable[Path], directory: Path, *arguments: str) -> Path:
    """An image of the programs, each with these arguments."""
    wanted = tuple(
        ProgramRequest(file=program, name=program.name, argv=(program.name, *arguments))
        for program in programs
    )
    request = BakeRequest(
        programs=wanted, target=load_target(), files=FILES, kernel_package=DEFAULT_PACKAGE
    )
    bake_image(find_board(board), request, directory)
    return directory


def run_in_image(
    image: Path, *, config: str | None = None, memory: int | None = None
) -> tuple[list[str], int]:
    """The console's lines, and the machine's status."""
    console = bytearray()
    request = RunRequest(timeout=BOOT_SECONDS, accelerator="tcg", config=config, memory=memory)
    ended = run_image(image, request, sink=console.extend)
    return console.decode(errors="replace").splitlines(), ended.status


def difference(expected: list[str], found: list[str]) -> str:
    """The lines in which ``found`` differs, to be read by people; empty where none does."""
    return "\n".join(difflib.unified_diff(expected, found, "linux", "board", lineterm="", n=1))
