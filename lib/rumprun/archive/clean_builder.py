# SPDX-License-Identifier: BSD-2-Clause
"""Builds of converted sources in clean chroots: what sbuild and pbuilder have in common."""

from __future__ import annotations

import abc
import shutil
from collections.abc import Sequence
from pathlib import Path

from rumprun.archive.builder import Job, Outcome
from rumprun.archive.chroot import Chroot
from rumprun.command import Background, base_environment, last_lines
from rumprun.source.convert import convert
from rumprun.source.naming import is_variant_name
from rumprun.variant.diagnose import diagnose

RESULT = "result"

# Administrators' tools are not in a user's PATH.
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class CleanBuilder(abc.ABC):
    """Converts a source and has it built in a chroot; the source's own packages may be left."""

    def __init__(self, chroot: Chroot, *, own: Sequence[Path], native: bool) -> None:
        """``own`` are our packages, which the chroot's suite does not have.

        ``native`` also builds the source's own packages.
        """
        self.chroot = chroot
        self.own = tuple(own)
        self.native = native
        self._running: dict[str, tuple[Job, Background]] = {}

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The builder and the suite."""

    @abc.abstractmethod
    def words(self, dsc: Path, packages: Path, job: Job) -> list[str | Path]:
        """The command that builds ``dsc`` for ``job``, run where its packages are to appear.

        ``packages`` has what the chroot may install.
        """

    def prepare(self) -> None:
        """Make the chroot if it is missing."""
        self.chroot.ensure()

    def submit(self, job: Job) -> None:
        """Convert the source and start its build."""
        converted = convert(job.dsc, output=job.directory / "converted")
        packages = job.directory / "packages"
        packages.mkdir()
        for deb in (*self.own, *job.variants):
            shutil.copyfile(deb, packages / deb.name)
        result = job.directory / RESULT
        result.mkdir()
        process = Background(
            self.words(converted.dsc, packages, job),
            output=job.log,
            log=job.directory / "said",
            cwd=result,
            env={
                **base_environment(),
                "PATH": _PATH,
                "DEB_BUILD_OPTIONS": f"nocheck parallel={job.jobs}",
            },
        )
        self._running[job.source] = job, process

    def poll(self, source: str) -> Outcome | None:
        """The outcome of the job of ``source``; ``None`` while it runs."""
        job, process = self._running[source]
        status = process.poll()
        if status is None:
            return None
        del self._running[source]
        said = job.log.read_text(encoding="utf-8", errors="replace")
        debs = sorted((job.directory / RESULT).glob("*.deb"))
        packages = [deb for deb in debs if self.native or is_variant_name(deb.name.split("_")[0])]
        if status == 0 and packages:
            return Outcome(packages=tuple(packages))
        errors = (job.directory / "said").read_text(encoding="utf-8", errors="replace")
        found = diagnose(said)
        why = f"{found.name}: {found.line}" if found else last_lines(errors or said)
        return Outcome(error=f"{self.name} ended with status {status}: {why}; see {job.log}")

    def abort(self, source: str) -> None:
        """End the job of ``source``."""
        _job, process = self._running.pop(source)
        process.kill()
