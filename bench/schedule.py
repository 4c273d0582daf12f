#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Schedule plans of 10, 100 and 1,000 sources with a simulated builder, and compare with bounds.

The graphs are made at random, layer upon layer, like closures: most sources need a few of the
layers below. Durations are drawn from what builds of libraries take, a few long ones among many
short ones. No plan can be done in less time than the longer of two bounds: the critical path, and
the total work divided by the number of jobs. The time to plan is measured too.
"""

from __future__ import annotations

import argparse
import heapq
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page

from rumprun.archive.model import Need, Node
from rumprun.archive.order import in_order
from rumprun.archive.schedule import Schedule

SIZES = (10, 100, 1000)
JOBS = (2, 4, 16)
GOAL = 1.15

HOW = """\
`bench/schedule.py --rounds {rounds}`: medians and worst of {rounds} random graphs of each size,
with a simulated builder. Makespan is divided by the better of the two lower bounds, the critical
path and total work / jobs; goal: at most {goal}. Planning is the ordering of the graph, circles
included, and the schedule's own time: goal, under 2 s for 1,000 sources."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One size and number of jobs: ratios of makespan to bound, and seconds of planning."""

    size: int
    jobs: int
    ratio: float
    worst: float
    planning: float


def make_graph(size: int, random_source: random.Random) -> dict[str, Node]:
    """A closure of ``size`` sources; a few needs lead upwards and make circles."""
    names = [f"n{number:04}" for number in range(size)]
    nodes = {}
    for number, name in enumerate(names):
        count = min(number, random_source.choice((0, 1, 2, 3, 5)))
        below = random_source.sample(names[:number], count)
        needs = [Need(library=f"lib{other}-dev", source=other, required=True) for other in below]
        if random_source.random() < 0.02 and number + 1 < size:
            above = random_source.choice(names[number + 1 :])
            needs.append(Need(library=f"lib{above}-dev", source=above, required=False))
        nodes[name] = Node(
            source=name, version="1", digest="", variants=(), needs=tuple(needs), because=""
        )
    return nodes


def simulate(schedule: Schedule, seconds: dict[str, float], jobs: int) -> float:
    """How long all takes where ``jobs`` sources are built side by side."""
    now, running = 0.0, list[tuple[float, str]]()
    while True:
        while len(running) < jobs and (name := schedule.take()) is not None:
            heapq.heappush(running, (now + seconds[name], name))
        if not running:
            return now
        now, name = heapq.heappop(running)
        schedule.done(name)


def measure(size: int, jobs: int, rounds: int) -> Row:
    """Run ``rounds`` graphs of one size."""
    ratios, plannings = [], []
    for seed in range(rounds):
        random_source = random.Random(f"{size}.{seed}")  # noqa: S311 (no secret)
        nodes = make_graph(size, random_source)
        seconds = {name: random_source.lognormvariate(3.3, 0.9) for name in nodes}
        started = time.monotonic()
        ordered = in_order(nodes)
        needs = {node.source: sorted({need.source for need in node.needs}) for node in ordered}
        schedule = Schedule(needs, seconds)
        makespan = simulate(schedule, seconds, jobs)
        plannings.append(time.monotonic() - started)
        bound = max(schedule.longest, sum(seconds.values()) / jobs)
        ratios.append(makespan / bound)
    return Row(
        size=size,
        jobs=jobs,
        ratio=statistics.median(ratios),
        worst=max(ratios),
        planning=statistics.median(plannings),
    )


def write(rows: Sequence[Row], rounds: int) -> None:
    """Write the result page."""
    write_page(
        "schedule",
        title="Schedules against what no schedule can beat",
        how=HOW.format(rounds=rounds, goal=GOAL),
        header=("sources", "jobs", "makespan / bound", "worst", "planning (s)"),
        rows=[
            (str(r.size), str(r.jobs), f"{r.ratio:.3f}", f"{r.worst:.3f}", f"{r.planning:.3f}")
            for r in rows
        ],
    )


def main() -> int:
    """Measure all sizes and write the page; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=21, help="graphs of each size")
    arguments = parser.parse_args()
    rows = [measure(size, jobs, arguments.rounds) for size in SIZES for jobs in JOBS]
    write(rows, arguments.rounds)
    return 0 if all(row.ratio <= GOAL and row.planning < 2.0 for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
