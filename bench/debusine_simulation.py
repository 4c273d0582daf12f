# SPDX-License-Identifier: BSD-2-Clause
"""A plan of 1,000 sources on 50 workers of a simulated debusine server, in less than real time.

The client is the real one, with its threads, files and index of the repository, but that source
packages are at hand: making an envelope is the work of dpkg-source. The server is that of the
contract tests, in a process of its own: a request waits for a free worker, and has been
built after a time drawn at random. All times are divided by a factor, and the five requests a
second are multiplied by it; what the client itself computes is not, so it weighs that much more.
"""

from __future__ import annotations

import argparse
import gzip
import heapq
import io
import json
import random
import resource
import sys
import tarfile
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from schedule import make_graph

from rumprun.archive import execute
from rumprun.archive.builder import Job
from rumprun.archive.chroot import Chroot
from rumprun.archive.clean_builder import CleanOptions
from rumprun.archive.debusine import submit, watch
from rumprun.archive.debusine.api import Api
from rumprun.archive.debusine.builder import DebusineBuilder
from rumprun.archive.debusine.client import Client, Manners
from rumprun.archive.debusine.configuration import Server
from rumprun.archive.debusine.results import Results
from rumprun.archive.debusine.state import State
from rumprun.archive.debusine.submit import BuildOptions, Submitter
from rumprun.archive.debusine.supplies import Supplies
from rumprun.archive.execute import Executor, Progress
from rumprun.archive.identity import Circumstances
from rumprun.archive.model import Node, Plan
from rumprun.archive.order import in_order
from rumprun.archive.repository import Repository
from rumprun.archive.schedule import Schedule
from rumprun.command import Background
from rumprun.workdir import temporary_tree
from unit.debusine_http import served
from unit.debusine_server import FakeDebusine, Work

# Seconds that the farm of bench/debusine.py takes beside the build itself: chroot, Build-Depends,
# transfer; and what one of its replies takes.
OVERHEAD = 45.0
LATENCY = 0.05

PER_SECOND = 5.0

# Over how long the most requests a second are counted.
BUSIEST_SECONDS = 10.0
_START_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What came of a simulation; times in its own seconds, ``memory`` in bytes."""

    makespan: float
    bound: float
    requests: int
    per_second: float
    busiest: float
    memory: int


class TimedDebusine(FakeDebusine):
    """A server whose workers take their time."""

    def __init__(self, seconds: Mapping[str, float], workers: int, factor: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._factor = factor
        self._free = [0.0] * workers
        self._waiting: deque[Work] = deque()
        self._running: list[tuple[float, int, Work]] = []
        self.latency = LATENCY / factor
        self.plan = self._queue
        self.give = lambda work: {
            f"{self._name(work)}-rumprun-dev_1_all.deb": make_deb(f"{self._name(work)}-rumprun-dev")
        }

    def _name(self, work: Work) -> str:
        files = self.artifacts[work.task_data["input"]["source_artifact"]]["files"]
        return str(next(iter(files))).partition("_")[0]

    def _queue(self, work: Work) -> list[str]:
        self._pass_time()
        work.status = "pending"
        self._waiting.append(work)
        self._pass_time()
        return []

    def advance(self, work: Work) -> None:
        """Time goes by for all requests together."""
        del work
        self._pass_time()

    def _pass_time(self) -> None:
        now = time.monotonic()
        while True:
            if self._waiting and self._free and (not self._running or self._free[0] <= now):
                free = heapq.heappop(self._free)
                work = self._waiting.popleft()
                begin = max(free, now) if free == 0.0 else max(free, self._arrival(work))
                end = begin + self._seconds[self._name(work)] / self._factor
                work.status, work.worker = "running", len(self._running) + 1
                heapq.heappush(self._running, (end, work.number, work))
            elif self._running and self._running[0][0] <= now:
                end, _number, work = heapq.heappop(self._running)
                heapq.heappush(self._free, end)
                work.status, work.result = "completed", "success"
                self._finish(work)
            else:
                return

    def _arrival(self, work: Work) -> float:
        age = time.time() - work.made.timestamp()
        return time.monotonic() - age


def make_deb(name: str) -> bytes:
    """A package of that name with nothing in it (deb(5))."""
    control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n"
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _packed({"./control": control.encode()}),
        "data.tar.gz": _packed({}),
    }
    parts = [b"!<arch>\n"]
    for member, content in members.items():
        parts.append(f"{member:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode())
        parts.append(content + b"\n" * (len(content) % 2))
    return b"".join(parts)


def _packed(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def make_plan(size: int) -> tuple[Plan, dict[str, float]]:
    """A closure of ``size`` sources, and the seconds that each takes a worker."""
    source = random.Random(f"debusine.{size}")  # noqa: S311 (no secret)
    nodes = in_order(make_graph(size, source))
    seconds = {node.source: OVERHEAD + source.lognormvariate(3.3, 0.9) for node in nodes}
    return Plan(target="musl", suite="sid", asked=(nodes[-1].source,), nodes=nodes), seconds


class Silent:
    """Sees nothing."""

    def changed(self, source: str, run: Mapping[str, Progress]) -> None:
        """Nothing is shown."""

    def tick(self, run: Mapping[str, Progress], schedule: Schedule) -> None:
        """Nothing is shown."""


def simulate(*, size: int, workers: int, factor: float) -> Simulated:
    """Run the plan; the server is another process."""
    with temporary_tree() as work:
        words = [sys.executable, __file__, str(size), str(workers), str(factor), str(work)]
        process = Background(words, output=None, log=work / "log")
        try:
            server = _server(work)
            started = time.monotonic()
            _client(work, server, size, workers, factor)
            took = (time.monotonic() - started) * factor
            (work / "stop").touch()
            figures = _read(work / "figures.json")
        finally:
            process.kill()
    plan, seconds = make_plan(size)
    needs = {node.source: sorted({need.source for need in node.needs}) for node in plan.nodes}
    bound = max(Schedule(needs, seconds).longest, sum(seconds.values()) / workers)
    return Simulated(
        makespan=took,
        bound=bound,
        requests=figures["requests"],
        per_second=figures["requests"] / took,
        busiest=figures["busiest"],
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _client(work: Path, server: Server, size: int, workers: int, factor: float) -> None:
    # The source package is what was located.
    submit.source_to_build = _as_it_is  # type: ignore[attr-defined]
    watch._SECONDS /= factor  # noqa: SLF001 (time is divided)
    watch._SECONDS_ALL /= factor  # noqa: SLF001 (the same)
    api = Api(Client(server, Manners(per_second=PER_SECOND * factor)))
    state = State(work / "state", server)
    clean = CleanOptions()
    environment = "debian/match:codename=bookworm"
    chroot = Chroot(suite="bookworm", architecture="amd64", mode="root")
    options = BuildOptions(clean=clean, architecture="amd64", environment=environment)
    submitter = Submitter(api, state, Supplies(api, state, chroot, environment), options)
    builder = DebusineBuilder(api, state, submitter, Results(api, state, clean), stuck_after=1e6)
    builder.prepare()
    plan, _seconds = make_plan(size)
    (work / "run").mkdir()
    ended = Executor(
        plan=plan,
        repository=Repository(path=work / "repository"),
        builder=builder,
        circumstances=Circumstances(target="t", builder=builder.name),
        locate=_make_source,
        recipe_for=lambda _name, _version: None,
        work=work / "run",
        at_once=1,
        in_flight=workers + 5,
        observer=Silent(),
    ).execute()
    failed = [item for item in ended.values() if item.state is not execute.State.BUILT]
    assert not failed, failed[0].record
    assert len(ended) == size


def _as_it_is(job: Job, _options: CleanOptions) -> Path:
    return job.dsc


def _make_source(node: Node, directory: Path) -> Path:
    tarball = directory / f"{node.source}_1.tar.gz"
    tarball.write_bytes(_packed({f"{node.source}/x": b"x"}))
    dsc = directory / f"{node.source}_1.dsc"
    files = f"{'0' * 32} {tarball.stat().st_size} {tarball.name}"
    dsc.write_text(
        f"Format: 3.0 (native)\nSource: {node.source}\nVersion: 1\nFiles:\n {files}\n",
        encoding="utf-8",
    )
    return dsc


def _server(work: Path) -> Server:
    return Server(**_read(work / "server.json"))


def _read(path: Path) -> dict[str, Any]:
    until = time.monotonic() + _START_SECONDS
    while not path.is_file() and time.monotonic() < until:
        time.sleep(0.05)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def serve() -> None:
    """The server's process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("size", type=int)
    parser.add_argument("workers", type=int)
    parser.add_argument("factor", type=float)
    parser.add_argument("work", type=Path)
    arguments = parser.parse_args()
    _plan, seconds = make_plan(arguments.size)
    fake = TimedDebusine(seconds, arguments.workers, arguments.factor)
    with served(fake) as server:
        _write(arguments.work / "server.json", vars(server))
        while not (arguments.work / "stop").exists():
            time.sleep(0.2)
    window = deque[float]()
    busiest = 0
    for arrival in fake.arrived:
        window.append(arrival)
        while window[0] < arrival - BUSIEST_SECONDS / arguments.factor:
            window.popleft()
        busiest = max(busiest, len(window))
    figures = {"requests": len(fake.arrived), "busiest": busiest / BUSIEST_SECONDS}
    _write(arguments.work / "figures.json", figures)


def _write(path: Path, document: Mapping[str, object]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(dict(document)), encoding="utf-8")
    partial.rename(path)


if __name__ == "__main__":
    serve()
