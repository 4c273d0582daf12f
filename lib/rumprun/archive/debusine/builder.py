# SPDX-License-Identifier: BSD-2-Clause
"""Builds on a debusine server and its workers.

The server schedules and runs what is asked for; this sends a source package for each job when
all that it uses is there, and fetches what comes of it.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from rumprun import ui
from rumprun.archive.builder import Job, Outcome
from rumprun.archive.debusine.api import Api
from rumprun.archive.debusine.documents import WorkRequest
from rumprun.archive.debusine.results import Results, worker_of
from rumprun.archive.debusine.state import State
from rumprun.archive.debusine.submit import Submitter
from rumprun.archive.debusine.watch import Action, Watch, decide
from rumprun.errors import RumprunError, SystemFault

# Requests that one job gets; what kills each worker that it meets is not to go on for ever.
_MOST_ATTEMPTS = 3

_AT_ONCE = 4
_ABORT_SECONDS = 10.0


@dataclass(kw_only=True)
class _Build:
    """A job on its way: ``task`` is what a thread does for it; without one, the server builds."""

    job: Job
    task: Future[Outcome | None] | None = None


class DebusineBuilder:
    """Has jobs built by the server that ``api`` is for."""

    def __init__(
        self, api: Api, state: State, submitter: Submitter, results: Results, *, stuck_after: float
    ) -> None:
        """What runs for more than ``stuck_after`` seconds is taken from its worker."""
        self._api = api
        self._state = state
        self._submitter = submitter
        self._results = results
        self._stuck_after = stuck_after
        self._watch = Watch(api)
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="debusine")
        self._builds: dict[str, _Build] = {}
        self._lost = False

    @property
    def name(self) -> str:
        """The builder and its environment; which server it is has no influence on packages."""
        return f"debusine {self._submitter.environment}"

    def prepare(self) -> None:
        """See that the server can be used, and that it has what all builds want."""
        self._api.check()
        self._submitter.prepare()

    def submit(self, job: Job) -> None:
        """Have ``job`` built, or go on with it where an earlier run of ours left it."""
        build = _Build(job=job)
        build.task = self._pool.submit(self._begin, job)
        self._builds[job.source] = build

    def worker(self, source: str) -> str:
        """The worker that has the job of ``source``, by its number on the server."""
        number = self._number(source)
        sight = self._watch.seen(number) if number is not None else None
        return worker_of(sight.request) if sight and sight.request else ""

    def poll(self, source: str) -> Outcome | None:
        """The outcome of the job of ``source``; ``None`` while it is on its way.

        Raises :class:`SystemFault` where the server is out of reach. What it builds it goes on
        with, and the next run takes that up.
        """
        build = self._builds[source]
        try:
            outcome = self._step(build)
        except SystemFault:
            self._lost = True
            self._api.client.give_up()
            raise
        except RumprunError as error:
            outcome = Outcome(error=str(error))
        if outcome is not None:
            self._end(build, outcome)
        return outcome

    def abort(self, source: str) -> None:
        """End the job of ``source``, unless it is the server that we lost."""
        build = self._builds.pop(source)
        if self._lost:
            return
        self._api.client.hurry(_ABORT_SECONDS)
        self._submitter.stop(source)
        if build.task is not None and not build.task.cancel():
            wait([build.task], timeout=_ABORT_SECONDS)
        number = self._number(source)
        try:
            if number is not None:
                self._api.abort(number)
            self._state.forget(source)
        except RumprunError as error:
            ui.warn(f"{source} may go on at {self._api.client.server.name}: {error}")

    def _begin(self, job: Job) -> None:
        self._submitter.submit(job)

    def _step(self, build: _Build) -> Outcome | None:
        """Go on with ``build`` as far as that is possible now."""
        source = build.job.source
        if build.task is not None:
            if not build.task.done():
                return None
            task, build.task = build.task, None
            outcome = task.result()
            if outcome is not None:
                return outcome
        number = self._number(source)
        assert number is not None
        self._watch.follow(number)
        sight = self._watch.look(number)
        if sight is None:
            return None
        action = decide(sight, limit=self._stuck_after)
        if action is not Action.WAIT:
            self._watch.drop(number)
        if action is Action.FETCH:
            assert sight.request is not None
            build.task = self._pool.submit(self._fetch, build.job, sight.request)
        elif action is Action.FAILED:
            build.task = self._pool.submit(self._failure, build.job, number)
        elif action in (Action.AGAIN, Action.STUCK):
            build.task = self._pool.submit(self._again, build.job, number, action)
        return None

    def _fetch(self, job: Job, request: WorkRequest) -> Outcome | None:
        """The packages; ``None`` where they are gone and are built again."""
        outcome = self._results.fetch(job, request)
        return outcome or self._again(job, request.number, Action.AGAIN)

    def _failure(self, job: Job, number: int) -> Outcome:
        return self._results.failure(job, number)

    def _again(self, job: Job, number: int, action: Action) -> Outcome | None:
        """See that another request does what ``number`` did not; ``None`` where one does."""
        if action is Action.STUCK:
            ui.warn(f"{job.source}: request {number} does not end, and is aborted")
            self._api.abort(number)
        submission = self._state.submission(job.source)
        attempts = submission.attempts if submission else 0
        if self._submitter.resubmit(job, number, ask=attempts < _MOST_ATTEMPTS):
            return None
        return self._results.failure(job, number)

    def _end(self, build: _Build, outcome: Outcome) -> None:
        """``build`` is over. What was built stays known, until the run has a record of it."""
        source = build.job.source
        del self._builds[source]
        number = self._number(source)
        if number is not None:
            self._watch.drop(number)
        if outcome.error is not None:
            self._state.forget(source)

    def _number(self, source: str) -> int | None:
        submission = self._state.submission(source)
        return submission.request if submission else None
