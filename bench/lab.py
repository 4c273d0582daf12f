#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A lab's start, power-on to ``xl list``, and a domain's, with each release of Xen.

Writes bench/results/lab.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page

from rumprun import command
from rumprun.lab.launch import LabRequest, launch
from rumprun.lab.releases import NAMES
from rumprun.lab.xen import connect
from rumprun.target.descriptor import load_target
from rumprun.workdir import temporary_tree

RUMPDEB = Path(__file__).resolve().parents[1] / "rumpdeb"
GOAL = 15.0

_SOURCE = '#include <stdio.h>\nint main(void)\n{\n    puts("hello, world");\n    return 0;\n}\n'
_START_SECONDS = 300.0
_TICKS = os.sysconf("SC_CLK_TCK")

HOW = """\
`bench/lab.py --rounds {rounds}`, the releases in turns. To `xl list`: from the start of QEMU's
process to the answer of the first `xl list`, without KVM (TCG), 1536 MiB, what is booted in the
cache. QEMU's processor time up to then is the least that an idle machine would need: the difference
is waiting, on a busy machine for others. Command: all that `start_lab` does, from the request to
the same answer, with apt's lists looked at. Domain: a hello of board `pvh`,
from `xl create` to its exit status. Medians of {rounds}. Load average {load}
Goal: {goal:g} s to `xl list` on two idle processors."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One start; all in seconds."""

    power_on: float
    processor: float
    whole: float
    domain: float


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    arguments = parser.parse_args()
    before = os.getloadavg()[0]
    with temporary_tree() as scratch:
        image = bake_hello(scratch)
        # The first time fetches.
        for xen in NAMES:
            measure(xen, image)
        found: dict[str, list[Figures]] = {xen: [] for xen in NAMES}
        for _round in range(arguments.rounds):
            for xen in NAMES:
                found[xen].append(measure(xen, image))
    load = f"{before:.1f} before, {os.getloadavg()[0]:.1f} after."
    write_page(
        "lab",
        title="A lab's start",
        how=HOW.format(rounds=arguments.rounds, load=load, goal=GOAL),
        header=("Xen", "to xl list (s)", "of it QEMU's processor (s)", "command (s)", "domain (s)"),
        rows=[(xen, *cells(figures)) for xen, figures in found.items()],
    )


def cells(figures: list[Figures]) -> list[str]:
    """The medians, as the page has them."""
    names = ("power_on", "processor", "whole", "domain")
    return [f"{statistics.median(getattr(each, name) for each in figures):.1f}" for name in names]


def bake_hello(scratch: Path) -> Path:
    """An image of board ``pvh`` that says one line."""
    source, program, image = scratch / "hello.c", scratch / "hello", scratch / "image"
    source.write_text(_SOURCE, encoding="utf-8")
    command.run([load_target().tool("gcc"), "-O2", "-o", program, source])
    command.run([RUMPDEB, "bake", "--board", "pvh", "-o", image, program])
    return image


def measure(xen: str, image: Path) -> Figures:
    """Start a lab, and a domain in it."""
    asked = time.time()
    launched = launch(LabRequest(xen=xen, limit=_START_SECONDS * 2))
    try:
        lab = connect(launched, _START_SECONDS)
        lab.run("xl list")
        answered = time.time()
        power_on, processor = times_of(launched.process.pid)
        started = time.time()
        assert lab.boot(image).wait() == 0
        ended = time.time()
        lab.close()
    finally:
        launched.end()
    return Figures(
        power_on=power_on,
        processor=processor,
        whole=answered - asked,
        domain=ended - started,
    )


def times_of(parent: int) -> tuple[float, float]:
    """How long ago the one child of ``parent`` began, and its processor time, in seconds."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            said = path.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(said[1]) == parent:
                age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(said[19]) / _TICKS
                return age, (int(said[11]) + int(said[12])) / _TICKS
    raise AssertionError("QEMU is gone")


if __name__ == "__main__":
    main()
