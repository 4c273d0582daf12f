#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What it costs that programs say what was linked into them: links with the record and without.

Both are the same link; the driver leaves no record in a program that is called conftest. Writes
bench/results/link_record.md.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page
from wrapper_overhead import write_sources

from rumprun import command, workdir
from rumprun.target.descriptor import Target, load_target

GOAL = 1.05
_FILES_PER_PROGRAM = 10
_MAIN = "int main(void) { return 0; }\n"


@dataclass(frozen=True, kw_only=True)
class Round:
    """Seconds of processor time: to compile a program's files, and for both ways to link it."""

    compiled: float
    recorded: float
    plain: float

    @property
    def ratio(self) -> float:
        """Compiling and linking with the record, by the same without it."""
        return (self.compiled + self.recorded) / (self.compiled + self.plain)


def spent(argv: Sequence[str | Path], directory: Path) -> float:
    """Run ``argv``; the processor time of it and its children, which other load hardly changes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command.run(argv, cwd=directory)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(target: Target, rounds: int) -> list[Round]:
    """Compile once in each round, and link in both ways in turns.

    Raises CommandFailed where a file does not compile.
    """
    found = []
    compiler = target.tool("gcc")
    with workdir.temporary_tree() as work:
        sources = write_sources(work, _FILES_PER_PROGRAM)
        (work / "main.c").write_text(_MAIN, encoding="utf-8")
        sources.append(work / "main.c")
        objects = [source.with_suffix(".o") for source in sources]
        for number in range(rounds):
            compiled = sum(spent([compiler, "-O2", "-g", "-c", name], work) for name in sources)
            times = {"program": 0.0, "conftest": 0.0}
            for output in list(times)[:: 1 if number % 2 else -1]:
                times[output] = spent([compiler, "-o", output, *objects], work)
            found.append(
                Round(compiled=compiled, recorded=times["program"], plain=times["conftest"])
            )
    return found


def main() -> int:
    """Measure, write the page, and say whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    arguments = parser.parse_args()
    results = measure(load_target(), arguments.rounds)
    compiled, recorded, plain = (
        statistics.median(getattr(each, name) for each in results)
        for name in ("compiled", "recorded", "plain")
    )
    ratio = statistics.median(each.ratio for each in results)
    write_page(
        "link_record",
        title="Cost of the record of what was linked",
        how=f"`bench/link_record.py --rounds {len(results)}`: a program of {_FILES_PER_PROGRAM + 1}"
        f" generated C files, compiled, and\nlinked with the record and without it, in turns;"
        f" medians of the processor time in ms.\nGoal: compiling and linking take at most"
        f" {GOAL - 1:.0%} more.",
        header=("compile", "link with the record", "link without", "ratio of the sums"),
        rows=[(*(f"{value * 1000:.1f}" for value in (compiled, recorded, plain)), f"{ratio:.3f}")],
    )
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
