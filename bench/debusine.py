#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds on a debusine farm of this machine, what faults do to them, and a large plan simulated.

Needs the farm's root, which ``rumpdeb farm up`` makes and keeps, a directory with our own packages
and, for the comparison with sbuild, a user with subordinate ids.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from debusine_simulation import Simulated, simulate
from result_page import write_page

from rumprun.archive.debusine.client import Client
from rumprun.archive.debusine.configuration import read_server
from rumprun.archive.debusine.farm import SERVER, Farm
from rumprun.archive.repository import Repository
from rumprun.command import Background, base_environment, run
from rumprun.workdir import temporary_tree

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 7200.0

HOW = """\
`bench/debusine.py {words}`. *Simulation*: {size} sources on {workers} workers of a simulated
server, times divided by {factor:g} (`bench/debusine_simulation.py`); the bound is the longer of
critical path and total work / workers. *Farm*: {sources} and what they need, built on `rumpdeb
farm up --workers {farm_workers}` with nothing at hand; *own share* is what a source took from its
start to its end here beside the time between request and end on the server. *Faults* happen in such
runs; each has to end with all sources built, and none twice."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run that came to its end: wall seconds, and the records of the sources."""

    seconds: float
    states: dict[str, str]
    requests: int


class Run:
    """``rumpdeb build --builder debusine`` on the farm, as a process of its own."""

    def __init__(self, place: Path, arguments: argparse.Namespace, *options: str) -> None:
        self.place = place
        place.mkdir(exist_ok=True)
        self.started = time.monotonic()
        words: list[str | Path] = [ROOT / "rumpdeb", "build", *arguments.sources, "--json"]
        words += ["--enable-deb-src", "--offline", "--repo", place / "repo"]
        words += ["--builder", "debusine", "--debusine-config", Farm().config]
        words += ["--extra-package", arguments.own, *options]
        self.process = Background(
            words, output=place / "rows.json", log=place / "log", env=base_environment()
        )

    def until(self, text: str, *logs: Path) -> None:
        """Wait until one of ``logs`` has ``text``."""
        self._wait(lambda: any(text in log.read_text(errors="replace") for log in logs))

    def until_it_builds(self) -> None:
        """Wait until a worker builds."""
        self.until("Executing: sbuild", *Farm().logs.glob("worker-*.log"))

    def end(self) -> Ended:
        """Wait for its end."""
        self._wait(lambda: self.process.poll() is not None)
        rows = json.loads((self.place / "rows.json").read_text(encoding="utf-8"))
        return Ended(
            seconds=time.monotonic() - self.started,
            states={row["source"]: row["state"] for row in rows},
            requests=len(requests_in(self.place)),
        )

    def _wait(self, ready: Callable[[], bool]) -> None:
        until = time.monotonic() + LIMIT
        while not ready():
            if time.monotonic() > until:
                raise TimeoutError(f"see {self.place}/log")
            time.sleep(0.5)


def requests_in(place: Path) -> list[int]:
    """The work requests that a run has made, those that came to nothing included."""
    found: list[int] = []
    for path in (place / "repo" / "debusine").glob("*.json"):
        for item in json.loads(path.read_text(encoding="utf-8"))["submissions"].values():
            found += [item["request"], *item["dead"]]
    return found


def processes(words: Sequence[str]) -> list[int]:
    """The processes of the farm whose command line has all of ``words``."""
    root = Farm().root.stat()
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            place = (directory / "root").stat()
            said = (directory / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        same = (place.st_dev, place.st_ino) == (root.st_dev, root.st_ino)
        if same and all(word in said for word in words):
            found.append(int(directory.name))
    return found


def kill(*words: str, by: int = signal.SIGKILL) -> None:
    """Send the farm's processes that ``words`` are about a signal."""
    chosen = processes(words)
    assert chosen, f"no process with {words}"
    for process in chosen:
        os.kill(process, by)


def worker_killed(started: Run) -> None:
    """Kill -9 while it builds; the farm starts it again, as systemd would."""
    started.until_it_builds()
    kill("python3", "debusine-worker")


def worker_lost(started: Run) -> None:
    """It stops while it builds, and does not come back before its build was taken from it."""
    started.until_it_builds()
    kill("python3", "debusine-worker", by=signal.SIGSTOP)
    started.until("does not end, and is aborted", started.place / "log")
    kill("python3", "debusine-worker")


def server_restarted(started: Run) -> None:
    """Kill -9 of the server and what schedules, while a build runs."""
    started.until_it_builds()
    kill("gunicorn")
    kill("celery")


def client_killed(started: Run) -> None:
    """Kill -9 of the command itself."""
    started.until_it_builds()
    os.kill(started.process.pid, signal.SIGKILL)


FAULTS: dict[str, tuple[Callable[[Run], None], tuple[str, ...]]] = {
    "none": (lambda _run: None, ()),
    "worker killed": (worker_killed, ()),
    "worker lost": (worker_lost, ("--stuck-after", "0.5")),
    "server killed": (server_restarted, ()),
    "client killed": (client_killed, ()),
}


def try_fault(name: str, place: Path, arguments: argparse.Namespace) -> Ended:
    """Run the plan with the fault ``name`` in it."""
    apply, options = FAULTS[name]
    for log in Farm().logs.glob("worker-*.log"):
        log.write_text("", encoding="utf-8")
    started = Run(place, arguments, *options)
    apply(started)
    if name in ("client killed", "worker lost"):
        started.process.kill()
        # What the limit was for is over; and the killed client has to be another.
        started = Run(place, arguments)
    return started.end()


def own_shares(place: Path) -> list[float]:
    """For each source, what it took beside what the server had it for."""
    client = Client(read_server(Farm().config, name=SERVER))
    shares = []
    repository = Repository(path=place / "repo")
    for path in (place / "repo" / "debusine").glob("*.json"):
        submissions = json.loads(path.read_text(encoding="utf-8"))["submissions"]
        for source, record in repository.records().items():
            row = client.get(f"work-request/{submissions[source]['request']}/")
            begin = dt.datetime.fromisoformat(row["created_at"])
            end = dt.datetime.fromisoformat(row["completed_at"])
            shares.append(record.seconds - (end - begin).total_seconds())
    return shares


def compare(place: Path, arguments: argparse.Namespace) -> float:
    """Wall seconds of the same plan under sbuild on this machine."""
    words: list[str | Path] = [ROOT / "rumpdeb", "build", *arguments.sources, "--enable-deb-src"]
    words += ["--offline", "--repo", place / "repo", "--builder", "sbuild"]
    words += ["--jobs", str(arguments.farm_workers), "--extra-package", arguments.own]
    started = time.monotonic()
    run(words, timeout=LIMIT)
    return time.monotonic() - started


def main() -> int:
    """Measure what is asked for, and write the page; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sources", nargs="*", default=["libpng1.6"])
    parser.add_argument("--own", type=Path, help="the directory of our packages, for the farm")
    parser.add_argument("--faults", nargs="*", choices=list(FAULTS), default=list(FAULTS))
    parser.add_argument("--sbuild", action="store_true", help="compare with sbuild; not as root")
    parser.add_argument("--farm-workers", type=int, default=2, help="workers of the farm")
    parser.add_argument("--port", type=int, default=8870, help="the farm's port")
    parser.add_argument("--size", type=int, default=1000, help="sources of the simulation; 0: none")
    parser.add_argument("--workers", type=int, default=50, help="workers of the simulation")
    parser.add_argument("--factor", type=float, default=10.0, help="what its times are divided by")
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    good = True
    if arguments.size:
        found = simulate(size=arguments.size, workers=arguments.workers, factor=arguments.factor)
        rows += simulated_rows(found)
        good = found.makespan <= 1.2 * found.bound and found.memory <= 200 * 1e6
    if arguments.own:
        more, whole = farm_rows(arguments)
        rows += more
        good = good and whole
    write_page(
        "debusine",
        title="Builds on debusine",
        how=HOW.format(words=" ".join(sys.argv[1:]), **vars(arguments)),
        header=("what", "figure", "goal"),
        rows=rows,
    )
    return 0 if good else 1


def simulated_rows(found: Simulated) -> list[tuple[str, ...]]:
    """The lines of the simulation."""
    return [
        ("simulation: makespan", f"{found.makespan:.0f} s", ""),
        ("makespan / bound", f"{found.makespan / found.bound:.3f}", "at most 1.2"),
        ("client's memory", f"{found.memory / 1e6:.0f} MB", "at most 200 MB"),
        ("requests a second", f"{found.per_second:.2f}", "at most 5"),
        ("in the busiest ten seconds", f"{found.busiest:.2f}", ""),
        ("requests", str(found.requests), ""),
    ]


def farm_rows(arguments: argparse.Namespace) -> tuple[list[tuple[str, ...]], bool]:
    """The lines of the farm, started for this; and whether all was built, and once."""
    rows: list[tuple[str, ...]] = []
    whole = True
    farm = Farm()
    started = time.monotonic()
    farm.up(workers=arguments.farm_workers, port=arguments.port)
    took = time.monotonic() - started
    rows.append(("farm up, its root cached", f"{took:.0f} s", "at most 180 s"))
    try:
        with temporary_tree() as work:
            for name in arguments.faults:
                place = work / name.replace(" ", "-")
                ended = try_fault(name, place, arguments)
                built = sum(state == "built" for state in ended.states.values())
                kept = sum(state == "unchanged" for state in ended.states.values())
                whole = whole and built + kept == len(ended.states)
                said = f"{built} built, {kept} kept, {ended.requests} requests"
                wanted = f"{len(ended.states)} sources"
                rows.append((f"farm: {name}", f"{ended.seconds:.0f} s; {said}", wanted))
                if name == "none":
                    share = statistics.median(own_shares(place))
                    rows.append(("own share of a source", f"{share:.1f} s", "at most 5 s"))
            if arguments.sbuild:
                took = compare(work / "sbuild", arguments)
                rows.append(("the same under sbuild", f"{took:.0f} s", ""))
    finally:
        farm.down()
    return rows, whole


if __name__ == "__main__":
    sys.exit(main())
