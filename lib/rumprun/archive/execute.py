# SPDX-License-Identifier: BSD-2-Clause
"""Carry out a plan: what is unchanged stays, the rest is built, side by side, in order."""

from __future__ import annotations

import enum
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rumprun.archive.builder import Builder, Job, Outcome
from rumprun.archive.identity import Circumstances, identity_of
from rumprun.archive.model import Node, Plan
from rumprun.archive.record import Record
from rumprun.archive.repository import Repository
from rumprun.archive.schedule import Schedule
from rumprun.errors import RumprunError, SystemFault
from rumprun.source.dsc import read_dsc
from rumprun.source.recipe import Recipe
from rumprun.workdir import remove_tree

# What a source is thought to take, in seconds, where none of the plan was ever built.
_GUESS = 60.0
_POLL_SECONDS = 0.1


class State(enum.Enum):
    """What has become of a source."""

    WAITING = "waiting"
    RUNNING = "running"
    KEPT = "unchanged"
    BUILT = "built"
    FAILED = "failed"


@dataclass(kw_only=True)
class Progress:
    """One source on its way; times are seconds since the start of the run.

    ``version`` is what is built: the mirror may have another than the plan's. ``worker`` is the
    machine that builds it, where there are several.
    """

    node: Node
    expected: float
    state: State = State.WAITING
    version: str = ""
    worker: str = ""
    started: float | None = None
    ended: float | None = None
    record: Record | None = None


class Observer(Protocol):
    """Who is told how a run goes on."""

    def changed(self, source: str, run: Mapping[str, Progress]) -> None:
        """The state of ``source`` has changed."""

    def tick(self, run: Mapping[str, Progress], schedule: Schedule) -> None:
        """Some time has gone by."""


@dataclass(frozen=True, kw_only=True)
class Executor:
    """What a run needs.

    ``locate`` gives the ``.dsc`` of a node, fetched if need be, into an empty directory;
    ``recipe_for`` gives a source's recipe by its name and version; ``work`` is an empty
    directory; ``at_once`` is how many sources are built side by side, and how many commands they
    may run at once, all together. With ``in_flight``, that many are, on machines that decide on
    the commands themselves.
    """

    plan: Plan
    repository: Repository
    builder: Builder
    circumstances: Circumstances
    locate: Callable[[Node, Path], Path]
    recipe_for: Callable[[str, str], Recipe | None]
    work: Path
    at_once: int
    observer: Observer
    in_flight: int | None = None
    run: dict[str, Progress] = field(default_factory=dict)
    _identities: dict[str, str] = field(default_factory=dict)

    def execute(self) -> Mapping[str, Progress]:
        """Build what has changed; returns how each source of the plan fared.

        Raises :class:`SystemFault` where the machine gives out; what is done by then stays.
        """
        before = self.repository.records()
        self.run.update(_progress(self.plan, {**self.repository.failures(), **before}))
        schedule = Schedule(
            {node.source: sorted({n.source for n in node.needs}) for node in self.plan.nodes},
            {name: item.expected for name, item in self.run.items()},
        )
        started = time.monotonic()
        running: dict[str, Job] = {}
        taken: str | None = None
        try:
            while not all(item.ended is not None for item in self.run.values()):
                most = self.in_flight or self.at_once
                while len(running) < most and (taken := schedule.take()) is not None:
                    jobs = self._share(len(running) + schedule.ready + 1)
                    job = self._begin(taken, before, time.monotonic() - started, jobs)
                    if job is None:
                        schedule.done(taken)
                    else:
                        running[taken] = job
                for name in self._finished(running, started):
                    schedule.done(name)
                self.observer.tick(self.run, schedule)
                time.sleep(_POLL_SECONDS if running else 0.0)
        finally:
            for name in running:
                self.builder.abort(name)
        return self.run

    def _share(self, crowd: int) -> int:
        """The commands for one of a ``crowd``: all where it is alone; 0 leaves it to others."""
        return 0 if self.in_flight else -(-self.at_once // min(self.at_once, crowd))

    def _begin(self, name: str, before: Mapping[str, Record], now: float, jobs: int) -> Job | None:
        """Start the build of ``name``; ``None`` where there is nothing to build, or no source."""
        item = self.run[name]
        item.started = now
        used = self._used(item.node)
        recipe = self.recipe_for(name, item.node.version)
        identity = identity_of(item.node, recipe, used, self.circumstances)
        self._identities[name] = identity
        known = before.get(name)
        if known is not None and known.identity == identity and self.repository.is_whole(known):
            self._end(name, State.KEPT, known, now)
            return None
        directory = self.work / name
        directory.mkdir()
        item.state = State.RUNNING
        self.observer.changed(name, self.run)
        try:
            job = self._job(item.node, directory, jobs, recipe)
            self.builder.submit(job)
        except SystemFault:
            raise
        except RumprunError as error:
            self._fail(name, str(error), now)
            return None
        return job

    def _job(self, node: Node, directory: Path, jobs: int, recipe: Recipe | None) -> Job:
        place = directory / "source"
        place.mkdir()
        dsc = self.locate(node, place)
        version = self.run[node.source].version = read_dsc(dsc).version
        return Job(
            source=node.source,
            version=version,
            dsc=dsc,
            variants=self._variants(node),
            directory=directory,
            log=self.repository.log_of(node.source, self._identities[node.source]),
            jobs=jobs,
            tools=node.tools,
            recipe=recipe,
            identity=self._identities[node.source],
        )

    def _used(self, node: Node) -> dict[str, str]:
        """The builds whose variants that of ``node`` uses, its direct needs, by source."""
        return {
            need.source: self._identities[need.source]
            for need in node.needs
            if self.run[need.source].state in (State.KEPT, State.BUILT)
        }

    def _variants(self, node: Node) -> tuple[Path, ...]:
        """The packages of all that ``node`` needs, and of what those need."""
        found: dict[str, None] = {}
        waiting = [need.source for need in node.needs]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = None
                waiting += [need.source for need in self.run[name].node.needs]
        records = (self.run[name].record for name in sorted(found))
        return tuple(
            file
            for record in records
            if record is not None and record.succeeded
            for file in self.repository.packages(record)
        )

    def _finished(self, running: dict[str, Job], started: float) -> list[str]:
        """Take in what has ended, and publish it together: that takes the longer the more is there.

        Nothing that needs it has been started by then.
        """
        ended: list[str] = []
        try:
            for name in list(running):
                outcome = self.builder.poll(name)
                if outcome is None:
                    self.run[name].worker = self.builder.worker(name)
                    continue
                job = running.pop(name)
                ended.append(name)
                self._take_in(name, outcome, time.monotonic() - started)
                remove_tree(job.directory)
        finally:
            if any(self.run[name].state is State.BUILT for name in ended):
                self.repository.publish()
        return ended

    def _take_in(self, name: str, outcome: Outcome, now: float) -> None:
        self.run[name].worker = outcome.worker
        if outcome.error is None:
            record = self.repository.add(self._record(name, now, outcome), outcome.packages)
            self._end(name, State.BUILT, record, now)
        else:
            self._fail(name, outcome.error, now, outcome)

    def _fail(self, name: str, error: str, now: float, outcome: Outcome | None = None) -> None:
        record = self._record(name, now, outcome or Outcome(), error=error)
        self.repository.add_failure(record)
        self._end(name, State.FAILED, record, now)
        if outcome is not None and outcome.fatal:
            raise SystemFault(error)

    def _end(self, name: str, state: State, record: Record, now: float) -> None:
        item = self.run[name]
        item.state, item.record, item.ended = state, record, now
        self.observer.changed(name, self.run)

    def _record(
        self, name: str, now: float, outcome: Outcome, *, error: str | None = None
    ) -> Record:
        item = self.run[name]
        return Record(
            source=name,
            version=item.version or item.node.version,
            identity=self._identities[name],
            packages=(),
            used=self._used(item.node),
            seconds=round(now - (item.started or 0.0), 3),
            finished=round(time.time(), 3),
            error=error,
            report=outcome.report,
            worker=outcome.worker,
        )


def _progress(plan: Plan, records: Mapping[str, Record]) -> dict[str, Progress]:
    """All waiting; what each took last time is what it is thought to take."""
    known = [records[node.source].seconds for node in plan.nodes if node.source in records]
    guess = statistics.median(known) if known else _GUESS
    return {
        node.source: Progress(
            node=node,
            expected=records[node.source].seconds if node.source in records else guess,
        )
        for node in plan.nodes
    }
