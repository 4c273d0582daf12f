# SPDX-License-Identifier: BSD-2-Clause
"""Builds on this machine itself, each in a process of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rumprun import paths
from rumprun.archive.builder import Job, Outcome
from rumprun.archive.process_builder import ProcessBuilder, failure, read_report
from rumprun.command import Background, base_environment


class LocalBuilder(ProcessBuilder):
    """Runs ``rumpdeb build --only-named`` for each job."""

    def __init__(self, options: tuple[str, ...] = ()) -> None:
        """``options`` are further words for the command, such as ``--check``."""
        super().__init__()
        self._options = options

    @property
    def name(self) -> str:
        """Nothing but this machine tells one local build from another."""
        return "local"

    def prepare(self) -> None:
        """Nothing to make ready."""

    def start(self, job: Job) -> Background:
        """The process that builds ``job``."""
        output = job.directory / "output"
        output.mkdir()
        variants = job.directory / "variants"
        variants.mkdir()
        for deb in job.variants:
            (variants / deb.name).symlink_to(deb)
        words: list[str | Path] = [paths.DATA / "rumpdeb", "build", "--only-named", "--json"]
        words += ["--variants", variants, "--output", output, "--jobs", str(job.jobs)]
        words += [*self._options, job.dsc]
        return Background(
            words,
            output=job.directory / "packages.json",
            log=job.directory / "said",
            env={**base_environment(), **_passed_on()},
        )

    def outcome(self, job: Job, status: int) -> Outcome:
        """What has become of ``job``; its log is written."""
        output = job.directory / "output"
        said = (job.directory / "said").read_text(encoding="utf-8", errors="replace")
        with job.log.open("w", encoding="utf-8") as log:
            for part in sorted(output.glob("*.build")):
                log.write(part.read_text(encoding="utf-8", errors="replace"))
            log.write(said)
        if status != 0:
            return failure(said, status)
        packages = json.loads((job.directory / "packages.json").read_text(encoding="utf-8"))
        return Outcome(packages=tuple(map(Path, packages)), report=read_report(output))


def _passed_on() -> dict[str, str]:
    """What of the environment has a meaning for a build of ours."""
    names = ("DEB_BUILD_OPTIONS", "DH_VERBOSE")
    return {
        name: value
        for name, value in os.environ.items()
        if name in names or name.startswith("RUMPRUN_")
    }
