# SPDX-License-Identifier: BSD-2-Clause
"""Builders that start a process for each job."""

from __future__ import annotations

import abc
import json
from pathlib import Path
from typing import Any

from rumprun.archive.builder import Job, Outcome
from rumprun.command import Background
from rumprun.errors import SystemFault

_ERROR = "error: "


class ProcessBuilder(abc.ABC):
    """Keeps the processes of its jobs; what is started, and what it means, is for others."""

    def __init__(self) -> None:
        """No job yet."""
        self._running: dict[str, tuple[Job, Background]] = {}

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The builder and its circumstances."""

    @abc.abstractmethod
    def start(self, job: Job) -> Background:
        """The process that builds ``job``."""

    @abc.abstractmethod
    def outcome(self, job: Job, status: int) -> Outcome:
        """What has become of ``job``, whose process ended with ``status``."""

    def submit(self, job: Job) -> None:
        """Start ``job``."""
        self._running[job.source] = job, self.start(job)

    def poll(self, source: str) -> Outcome | None:
        """The outcome of the job of ``source``; ``None`` while it runs."""
        job, process = self._running[source]
        status = process.poll()
        if status is None:
            return None
        del self._running[source]
        return self.outcome(job, status)

    def worker(self, source: str) -> str:  # noqa: ARG002
        """Nothing: all is built here."""
        return ""

    def abort(self, source: str) -> None:
        """End the job of ``source``."""
        _job, process = self._running.pop(source)
        process.kill()


def failure(said: str, status: int) -> Outcome:
    """The outcome of a build of ours that said ``said`` and ended with ``status``.

    Where the machine gave out, no other job will do better.
    """
    error = error_of(said) or f"ended with status {status}"
    return Outcome(error=error, fatal=status == SystemFault.exit_code)


def error_of(said: str) -> str:
    """What a command of ours that said ``said`` gave as its error, if anything."""
    place = said.rfind(f"\n{_ERROR}") + 1
    return said[place:].removeprefix(_ERROR).strip() if said[place:].startswith(_ERROR) else ""


def read_report(directory: Path) -> dict[str, Any] | None:
    """The report among the results in ``directory``, if there is one."""
    for path in directory.glob("*.json"):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    return None
