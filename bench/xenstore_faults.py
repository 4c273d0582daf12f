#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What guests do to a store: long runs against dom0's C xenstored and the stub domain.

xenstore_faults.py PROGRAM [--only PART...]: PROGRAM is the static xenstored that "rumpdeb build
xen" gives. Writes bench/results/xenstore_faults.md.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "integration"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page
from xenstore_machine import bake_store, compile_programs, put_programs
from xenstore_stream import Answer, make_stream, read_answers

from rumprun.errors import RumprunError
from rumprun.lab.xen import Lab, LabRequest, start_lab

WORK = Path(__file__).resolve().parents[1] / "build" / "bench-xenstore-faults"
STORES = ("xenstored", "stub domain")
LIVES = 1000
REQUESTS = 10_000
SEED = 1
FULL_MEMORY = 4
FULL_DOMAINS = 3
LAB_SECONDS = 3600.0

HOW = """\
`bench/xenstore_faults.py`, with the programs in `tests/xenstore`, under Xen 4.17 in QEMU without
KVM: the same against dom0's C xenstored and the stub domain. "ok" is that the offender was cut off
or refused, that another domain and dom0 were served meanwhile, and that nothing was left of it.
Memory is what /proc/meminfo of the stub domain says is free, and xenstored's VmRSS in dom0, before
and after; "full" ran with {full} MB. The last two are faults of Xen 4.17's C xenstored itself,
wherever it runs: see doc/xenstore-tests.md."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all parts need."""

    image: Path
    programs: Path

    def lab(self, store: str, memory: int = 8) -> LabRequest:
        """A lab with that store."""
        wanted: str | Path = store if store in ("xenstored", "oxenstored") else self.image
        return LabRequest(store=wanted, store_memory=memory, limit=LAB_SECONDS)


def main() -> None:
    """Run the parts, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--only", nargs="*", default=list(PARTS))
    options = parser.parse_args()
    place = WORK / f"run-{time.time_ns()}"
    programs = compile_programs(place)
    bench = Bench(
        image=bake_store(options.program, place / "image", watch=programs / "memory"),
        programs=programs,
    )
    rows = [row for name in options.only for row in PARTS[name](bench)]
    write_page(
        "xenstore_faults",
        title="What guests do to a store",
        how=HOW.format(full=FULL_MEMORY),
        header=["what", *STORES],
        rows=rows,
    )


def stream(bench: Bench) -> list[list[str]]:
    """10,000 requests, and whether all answers are the same."""
    lines = make_stream(SEED, REQUESTS)
    answers: dict[str, list[Answer]] = {}
    times = {}
    for store in STORES:
        with start_lab(bench.lab(store)) as lab:
            put_programs(lab, bench.programs)
            lab.put("\n".join([*lines, ""]).encode(), "/root/ops")
            begin = time.monotonic()
            lab.run("/root/stream /root/ops > /share/out", timeout=1800)
            times[store] = f"{time.monotonic() - begin:.0f} s"
            answers[store] = read_answers(lines, (lab.share / "out").read_text())
    first, second = (answers[store] for store in STORES)
    pairs = list(zip(first, second, strict=False))
    differ = sum(a != b for a, b in pairs) + abs(len(first) - len(second))
    what = f"a stream of {REQUESTS:,} requests: messages, of which differ"
    return [
        [what, f"{len(first):,}", f"{len(second):,}, {differ} differ"],
        ["the time that it took", *(times[store] for store in STORES)],
    ]


def faults(bench: Bench) -> list[list[str]]:
    """All that faults.c has."""
    said: dict[str, list[str]] = {}
    for store in STORES:
        with start_lab(bench.lab(store)) as lab:
            put_programs(lab, bench.programs)
            ended = lab.run("/root/faults all", timeout=1800, check=False)
            print(store, ended, flush=True)
            said[store] = ended.stdout.splitlines()
    names = [line.removeprefix("ok ") for line in said[STORES[0]] if line.startswith("ok ")]
    return [[name, *("ok" if f"ok {name}" in said[store] else "failed" for store in STORES)]
            for name in names]  # fmt: skip


def free_memory(lab: Lab, store: str) -> int:
    """In KiB: free of the stub domain, or the size of the daemon, below zero."""
    if store == "xenstored":
        words = "grep VmRSS /proc/$(pidof xenstored)/status"
        return -int(lab.run(words).stdout.split()[1])
    time.sleep(3)
    logs = [path.read_bytes() for path in (lab.directory / "guests").glob("*Xenstore*")]
    return int(re.findall(rb"free (\d+)\r?\n", b"".join(logs))[-1])


def lives(bench: Bench) -> list[list[str]]:
    """1,000 guests, and what they leave."""
    cells = []
    for store in STORES:
        with start_lab(bench.lab(store)) as lab:
            put_programs(lab, bench.programs)
            lab.run("/root/lives lives 50", timeout=600)
            before = free_memory(lab, store)
            begin = time.monotonic()
            lab.run(f"/root/lives lives {LIVES}", timeout=3000)
            took = time.monotonic() - begin
            after = free_memory(lab, store)
            cells.append(f"{abs(before)} KiB, then {abs(after)} KiB; {took:.0f} s")
            print(store, cells, flush=True)
    return [[f"{LIVES:,} guests' lives", *cells]]


def full(bench: Bench) -> list[list[str]]:
    """Guests that write as much as they may, in little memory."""
    cells = []
    for store in STORES:
        with start_lab(bench.lab(store, memory=FULL_MEMORY)) as lab:
            put_programs(lab, bench.programs)
            ended = lab.run(f"/root/lives fill {FULL_DOMAINS}", timeout=1800, check=False)
            print(store, ended, flush=True)
            show_consoles(lab)
            counts = re.findall(r"wrote (\d+) nodes, then (\w+)", ended.stdout)
            shown = ", ".join(f"{count} {why}" for count, why in counts)
            cells.append(f"{shown}: {'all there' if ended.status == 0 else 'failed'}")
    return [[f"{FULL_DOMAINS} guests fill the store, full", *cells]]


def show_consoles(lab: Lab) -> None:
    """The last words of the stub domain, where there is one."""
    for log in sorted((lab.directory / "guests").glob("*Xenstore*")):
        print(log.read_bytes()[-500:].decode(errors="replace"))


def known(bench: Bench) -> list[list[str]]:
    """What ends xenstored 4.17.5, in a lab of its own for each store."""
    cells = []
    for store in (*STORES, "oxenstored"):
        with start_lab(bench.lab(store)) as lab:
            put_programs(lab, bench.programs)
            with contextlib.suppress(RumprunError):
                print(lab.run("/root/faults reset", timeout=60, check=False), flush=True)
            asked = lab.run("timeout 20 xenstore-exists /tool", timeout=60, check=False)
            cells.append("the store ended" if asked.status else "served on")
            show_consoles(lab)
        print("reset", store, cells[-1], flush=True)
    return [[f"known: reset (oxenstored: {cells[2]})", *cells[:2]]]


PARTS: dict[str, Callable[[Bench], list[list[str]]]] = {
    "stream": stream, "faults": faults, "lives": lives, "full": full, "known": known,
}  # fmt: skip


if __name__ == "__main__":
    main()
