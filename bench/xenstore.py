#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The stub domain beside dom0's two daemons: what a store serves in a second, size and start.

xenstore.py PROGRAM [--rounds N]: PROGRAM is the static xenstored that "rumpdeb build xen" gives.
Each store gets a lab of its own, in turns, so that all meet the same load. Clients are guests on
the pvh board, each with its own ring, and processes in dom0, which share that of dom0's kernel.
Writes bench/results/xenstore.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "integration"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page
from xenstore_machine import bake_store, compile_programs, put_programs

from rumprun.bake.board import BakeRequest, ProgramRequest, find_board
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.output import bake_image
from rumprun.lab.xen import Guest, Lab, LabError, LabRequest, start_lab
from rumprun.target.descriptor import load_target

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "bench-xenstore"
STORES = ("xenstored", "oxenstored", "stub domain")
KINDS = ("read", "write", "directory", "transaction", "watch")
CLIENTS = (1, 4, 16)
MILLISECONDS = 2000
GUEST_MEMORY = 4
LAB_SECONDS = 1500.0
# Times what all kinds take; who has not answered by then does not.
ALLOWED = 30
GOAL_BYTES = 350_000
GOAL_START = 0.5

# Of the archive's kernel, before its first program.
_INIT_RUNS = rb"Run /init as init process"

Rates = dict[tuple[str, int, str], list[float]]

HOW = """\
`bench/xenstore.py --rounds {rounds}`: requests a second, of all clients together, under Xen 4.17 in
QEMU without KVM, with one processor. Each store had a lab of its own, in turns; medians of
{rounds}. "guests" are domains on the pvh board, each with a ring of its own; "dom0" are processes
that open /dev/xen/xenbus, which dom0's kernel serves by its one ring. A transaction is four
requests; a watch is a write and the wait for its event. The last column is the stub domain over the
better daemon. The image is {size} bytes, compressed by gzip -9 (goal {goal}). It worked in
{memory} MB for all of this. The last row is the time in seconds, by dom0's clock, from
init-xenstore-domain to the first answer, and from `xl create` of a guest with the archive's kernel
(of the linux board) to its init; the ratio is of the two (goal {start}). Load average {load}"""


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--memory", type=int, default=4)
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    with prepared(options.program) as (image, client, programs):
        rates: Rates = {}
        for _ in range(options.rounds):
            for store in STORES:
                measure(store, image, client, programs, options.memory, rates)
        rows = [row(kind, where, clients, rates) for where in ("guests", "dom0")
                for clients in CLIENTS for kind in KINDS]  # fmt: skip
        load = f"{os.getloadavg()[2]:.1f}."
        rows.append(start_row(image, options.program, programs, options.memory))
        write_page(
            "xenstore",
            title="The Xenstore stub domain beside dom0's daemons",
            how=HOW.format(rounds=options.rounds, size=image.stat().st_size, goal=GOAL_BYTES,
                           memory=options.memory, start=GOAL_START, load=load),
            header=["clients", "request", *STORES, "ratio"],
            rows=rows,
        )  # fmt: skip


@contextlib.contextmanager
def prepared(program: Path) -> Iterator[tuple[Path, Path, Path]]:
    """The store's image, the clients' image, and the programs."""
    name = f"run-{time.time_ns()}"
    programs = compile_programs(WORK / name)
    client = WORK / name / "client-image"
    wanted = ProgramRequest(file=programs / "client", name="client", argv=("client", "guest"))
    bake_image(
        find_board("pvh"),
        BakeRequest(programs=(wanted,), target=load_target(), kernel_package=DEFAULT_PACKAGE),
        client,
    )
    yield bake_store(program, WORK / name / "store-image"), client, programs


def measure(
    store: str, image: Path, client: Path, programs: Path, memory: int, rates: Rates
) -> None:
    """One lab."""
    wanted: str | Path = image if store == "stub domain" else store
    request = LabRequest(store=wanted, store_memory=memory, limit=LAB_SECONDS)
    with start_lab(request) as lab:
        put_programs(lab, programs)
        guests: list[Guest] = []
        for clients in CLIENTS:
            words = f"/root/client local /dev/xen/xenbus {clients} {MILLISECONDS}"
            keep(store, "dom0", clients, lab, words, rates)
        for clients in CLIENTS:
            while len(guests) < clients:
                name = f"client-{len(guests)}"
                guests.append(lab.boot(client, name=name, memory=GUEST_MEMORY))
            ids = " ".join(str(guest.domid) for guest in guests)
            keep(store, "guests", clients, lab, f"/root/client guests {MILLISECONDS} {ids}", rates)


def keep(store: str, where: str, clients: int, lab: Lab, words: str, rates: Rates) -> None:
    """What the command prints."""
    try:
        said = lab.run(words, timeout=MILLISECONDS / 1000 * ALLOWED).stdout
    except LabError as error:
        print(store, where, clients, error, flush=True)
        return
    print(store, where, clients, said.replace("\n", ", "), flush=True)
    for line in said.splitlines():
        kind, _, rate = line.partition(" ")
        rates.setdefault((f"{clients} {where}", STORES.index(store), kind), []).append(float(rate))


def start_row(image: Path, program: Path, programs: Path, memory: int) -> list[str]:
    """How long until there is a store, and until there is a guest."""
    linux = programs / "linux-image"
    wanted = ProgramRequest(file=program, name="xenstored", argv=("xenstored", "--help"))
    request = BakeRequest(programs=(wanted,), target=load_target(), kernel_package=DEFAULT_PACKAGE)
    bake_image(find_board("linux"), request, linux)
    with start_lab(LabRequest(store="none", limit=LAB_SECONDS)) as lab:
        put_programs(lab, programs)
        lab.put(image, "/root/image")
        words = (
            f"init-xenstore-domain --kernel /root/image --memory {memory} >&2 && /root/client first"
        )
        said = lab.run(f"cat /proc/uptime; {words}; cat /proc/uptime", timeout=120).stdout.split()
        store = float(said[2]) - float(said[0])
    with start_lab(LabRequest(store="xenstored", limit=LAB_SECONDS)) as lab:
        begin = float(lab.run("cat /proc/uptime").stdout.split()[0])
        lab.boot(linux, name="linux", extra="loglevel=7").expect(_INIT_RUNS, timeout=240)
        kernel = float(lab.run("cat /proc/uptime").stdout.split()[0]) - begin
    cells = [f"{kernel:.1f} (a guest's kernel)", "", f"{store:.1f}"]
    return ["1", "start, seconds", *cells, f"{store / kernel:.2f}"]


def row(kind: str, where: str, clients: int, rates: Rates) -> list[str]:
    """One line of the table."""
    found = [rates.get((f"{clients} {where}", number, kind)) for number in range(len(STORES))]
    of = [statistics.median(each) if each else 0.0 for each in found]
    shown = [f"{rate:,.0f}" if rate else "no answer" for rate in of]
    return [f"{clients} {where}", kind, *shown, f"{of[2] / max(of[:2]):.2f}"]


if __name__ == "__main__":
    main()
