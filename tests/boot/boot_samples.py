# SPDX-License-Identifier: BSD-2-Clause
"""How the boot tests make programs and images, and boot them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from rumprun import command
from rumprun.bake.board import BakeRequest, ProgramRequest
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.errors import MissingError
from rumprun.lab.qemu import Ended, RunRequest, run_image
from rumprun.target.descriptor import load_target

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# The slowest machine that we know boots in 20 s while it builds something else.
BOOT_SECONDS = 120.0


def compile_program(source: Path, destination: Path, *more: str | Path) -> Path:
    """Link a static program with the target's own compiler; a skip where that was not built."""
    try:
        compiler = load_target().tool("gcc")
    except MissingError as error:
        pytest.skip(str(error))
    command.run(
        [compiler, "-std=c11", "-D_DEFAULT_SOURCE", "-O1", "-o", destination, source, *more],
        timeout=120,
    )
    return destination


def make_request(program: Path, *arguments: str) -> BakeRequest:
    """A request with the archive's kernel and nothing unusual."""
    name = program.name
    wanted = ProgramRequest(
        file=program, name=name, argv=(name, *arguments), env=(("GREETING", "hello world"),)
    )
    return BakeRequest(programs=(wanted,), target=load_target(), kernel_package=DEFAULT_PACKAGE)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a boot gave: the whole console, and how it ended."""

    console: bytes
    ended: Ended


def boot(directory: Path, *arguments: str, baked: bool = False) -> Outcome:
    """Boot an image to its end, always emulated: the same on every machine."""
    console = bytearray()
    request = RunRequest(
        arguments=None if baked else arguments, timeout=BOOT_SECONDS, accelerator="tcg"
    )
    ended = run_image(directory, request, sink=console.extend)
    return Outcome(console=bytes(console), ended=ended)
