# SPDX-License-Identifier: BSD-2-Clause
"""Builds on this machine itself, each in a process of its own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rumprun import paths
from rumprun.archive.builder import Job, Outcome
from rumprun.command import Background, base_environment
from rumprun.errors import SystemFault

_FAILED = "error: "


@dataclass(frozen=True, kw_only=True)
class LocalBuilder:
    """Runs ``rumpdeb build --only-named`` for each job.

    ``options`` are further words for it, such as ``--check``.
    """

    options: tuple[str, ...] = ()
    _running: dict[str, tuple[Job, Background]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Nothing but this machine tells one local build from another."""
        return "local"

    def prepare(self) -> None:
        """Nothing to make ready."""

    def submit(self, job: Job) -> None:
        """Start ``job``."""
        output = job.directory / "output"
        output.mkdir()
        variants = job.directory / "variants"
        variants.mkdir()
        for deb in job.variants:
            (variants / deb.name).symlink_to(deb)
        words: list[str | Path] = [paths.DATA / "rumpdeb", "build", "--only-named", "--json"]
        words += ["--variants", variants, "--output", output, "--jobs", str(job.jobs)]
        words += [*self.options, job.dsc]
        process = Background(
            words,
            output=job.directory / "packages.json",
            log=job.directory / "said",
            env={**base_environment(), **_passed_on()},
        )
        self._running[job.source] = job, process

    def poll(self, source: str) -> Outcome | None:
        """The outcome of the job of ``source``; ``None`` while it runs."""
        job, process = self._running[source]
        status = process.poll()
        if status is None:
            return None
        del self._running[source]
        output = job.directory / "output"
        said = (job.directory / "said").read_text(encoding="utf-8", errors="replace")
        with job.log.open("w", encoding="utf-8") as log:
            for part in sorted(output.glob("*.build")):
                log.write(part.read_text(encoding="utf-8", errors="replace"))
            log.write(said)
        if status != 0:
            fatal = status == SystemFault.exit_code
            return Outcome(error=error_of(said) or f"ended with status {status}", fatal=fatal)
        packages = json.loads((job.directory / "packages.json").read_text(encoding="utf-8"))
        return Outcome(packages=tuple(map(Path, packages)), report=_report(output))

    def abort(self, source: str) -> None:
        """End the job of ``source``."""
        _job, process = self._running.pop(source)
        process.kill()


def error_of(said: str) -> str:
    """What a command of ours that said ``said`` gave as its error, if anything."""
    place = said.rfind(f"\n{_FAILED}") + 1
    return said[place:].removeprefix(_FAILED).strip() if said[place:].startswith(_FAILED) else ""


def _report(output: Path) -> dict[str, Any] | None:
    for path in output.glob("*.json"):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    return None


def _passed_on() -> dict[str, str]:
    """What of the environment has a meaning for a build of ours."""
    names = ("DEB_BUILD_OPTIONS", "DH_VERBOSE")
    return {
        name: value
        for name, value in os.environ.items()
        if name in names or name.startswith("RUMPRUN_")
    }
