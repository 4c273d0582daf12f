# SPDX-License-Identifier: BSD-2-Clause
"""Asks a debusine server for builds, each once, whatever happens to the answer."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from rumprun import ui
from rumprun.archive.builder import Job
from rumprun.archive.clean_builder import CleanOptions, source_to_build
from rumprun.archive.debusine.api import Api
from rumprun.archive.debusine.client import Refused, Unsure
from rumprun.archive.debusine.descriptions import source_package
from rumprun.archive.debusine.state import State, Submission
from rumprun.archive.debusine.supplies import Published, Supplies
from rumprun.errors import BuildError, SystemFault
from rumprun.workdir import remove_tree

TASK = "sbuild"

# How often, and after how many seconds, a request is made again that got no answer.
_TRIES = 6
_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """How the server is to build.

    ``environment`` names what is built in, for the identity of builds; ``published`` is where
    workers find the variants that were built before; without it, they get each as an artifact.
    """

    clean: CleanOptions
    architecture: str
    environment: str
    published: Published | None = None


class Submitter:
    """Makes work requests, and knows those that were made before."""

    def __init__(self, api: Api, state: State, supplies: Supplies, options: BuildOptions) -> None:
        """``state`` has what an earlier run has asked for."""
        self._api = api
        self._state = state
        self._supplies = supplies
        self._options = options
        self._stopped: set[str] = set()

    @property
    def environment(self) -> str:
        """What is built in."""
        return self._options.environment

    def prepare(self) -> None:
        """Send what all builds want, and see that the key is there."""
        self._supplies.environment()
        self._supplies.packages(self._options.clean.own)
        if self._options.published:
            self._options.published.as_task_data()

    def stop(self, source: str) -> None:
        """Ask for nothing more for ``source``."""
        self._stopped.add(source)

    def submit(self, job: Job) -> None:
        """See that there is one request for ``job``.

        One of an earlier run of ours for the same build is taken up, and one for another build
        of the source is ended.
        """
        known = self._state.submission(job.source)
        if known is not None and known.identity == job.identity:
            ui.note(f"{job.source}: going on with what {self._api.client.server.name} has of it")
            if known.request is None and not self._adopt(job.source, known):
                self._ask(job)
            return
        if known is not None and known.request is not None:
            self._api.abort(known.request)
        self._send(job)
        self._ask(job)

    def resubmit(self, job: Job, number: int, *, ask: bool) -> bool:
        """See that another request takes the place of ``number``, which has come to nothing.

        The server may have made one by itself; otherwise one is made if ``ask`` is set. Returns
        whether there is one.
        """
        known = self._state.submission(job.source)
        assert known is not None
        dead = known.dead if number in known.dead else (*known.dead, number)
        lost = dataclasses.replace(known, request=None, dead=dead)
        if self._adopt(job.source, lost):
            return True
        if not ask:
            return False
        ui.note(f"{job.source}: request {number} came to nothing, and is made again")
        self._state.submit(job.source, lost)
        self._ask(job)
        return True

    def _adopt(self, source: str, submission: Submission) -> bool:
        """Take up a request that the server has for ``submission``, if there is one."""
        found = self._api.find(
            submission.artifact, since=submission.made, but=frozenset(submission.dead)
        )
        if found is None:
            return False
        attempts = submission.attempts + (not submission.dead)
        taken = dataclasses.replace(submission, request=found.number, attempts=attempts)
        self._state.submit(source, taken)
        return True

    def _send(self, job: Job) -> None:
        """Send the source package."""
        remove_tree(job.directory / "made")
        dsc = source_to_build(job, self._options.clean)
        made = self._api.create_artifact(source_package(dsc))
        self._state.submit(
            job.source,
            Submission(identity=job.identity, artifact=made.number, made=made.made),
        )

    def _ask(self, job: Job) -> None:
        """Make the request for the source package that was sent."""
        try:
            self._ask_once(job)
        except Refused as error:
            if error.status != 400:
                raise
            # Artifacts expire, so what an earlier run has sent may be gone.
            self._supplies.forget((*self._options.clean.own, *job.variants))
            self._send(job)
            self._ask_once(job)

    def _ask_once(self, job: Job) -> None:
        """Make one request, even where the first has no answer."""
        submission = self._state.submission(job.source)
        assert submission is not None
        data = self._task_data(job, submission.artifact)
        for _attempt in range(_TRIES):
            if job.source in self._stopped:
                raise BuildError(f"{job.source} was given up")
            try:
                request = self._api.create_request(TASK, data)
            except Unsure as error:
                why = error
                time.sleep(_PAUSE_SECONDS)
                if self._adopt(job.source, submission):
                    return
            else:
                self._state.submit(
                    job.source,
                    dataclasses.replace(
                        submission, request=request.number, attempts=submission.attempts + 1
                    ),
                )
                return
        raise SystemFault(f"no build of {job.source} can be asked for: {why}")

    def _task_data(self, job: Job, artifact: int) -> dict[str, Any]:
        options = self._options
        debs = [*options.clean.own, *(() if options.published else job.variants)]
        more: dict[str, Any] = {}
        if options.published:
            more["extra_repositories"] = [options.published.as_task_data()]
        if options.clean.native:
            more["build_profiles"] = ["nocheck"]
        return {
            "input": {
                "source_artifact": artifact,
                "extra_binary_artifacts": self._supplies.packages(debs),
            },
            "build_architecture": options.architecture,
            "build_components": ["any", "all"] if options.clean.native else ["all"],
            "environment": self._supplies.environment(),
            **more,
        }
