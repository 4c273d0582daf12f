# SPDX-License-Identifier: BSD-2-Clause
"""Builds in clean chroots: what sbuild and pbuilder have in common."""

from __future__ import annotations

import abc
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun.archive.builder import Job, Outcome
from rumprun.archive.envelope import make_envelope
from rumprun.archive.process_builder import ProcessBuilder, error_of, read_report
from rumprun.command import ADMINISTRATORS_PATH, Background, base_environment, last_lines
from rumprun.errors import SystemFault
from rumprun.source.convert import convert
from rumprun.source.naming import is_variant_name
from rumprun.variant.diagnose import diagnose

RESULT = "result"

# make names the status of our command in an envelope.
_STATUS = re.compile(
    r"^make: \*\*\* \[debian/rules:\d+: binary[a-z-]*\] Error (\d+)$", re.MULTILINE
)


@dataclass(frozen=True, kw_only=True)
class CleanOptions:
    """What is built in chroots.

    ``own`` are our packages, which the chroot's suite does not have; ``native`` also builds the
    source's own packages, from a converted source; ``build`` are options of ``rumpdeb build``
    for where only variants are built; ``recipes`` are where recipes are looked for first.
    """

    own: tuple[Path, ...] = ()
    native: bool = False
    build: tuple[str, ...] = ()
    recipes: Sequence[Path] = ()


def source_to_build(job: Job, options: CleanOptions) -> Path:
    """The ``.dsc`` of the source package that gives the variants of ``job``, made below it."""
    place = job.directory / "made"
    if options.native:
        return convert(job.dsc, output=place, recipes=options.recipes).dsc
    place.mkdir()
    return make_envelope(job, place, options=options.build, own=options.own)


def packages_of(directory: Path, options: CleanOptions) -> tuple[Path, ...]:
    """Those packages in ``directory``, where a build left its own, that were asked for."""
    debs = sorted(directory.glob("*.deb"))
    return tuple(deb for deb in debs if options.native or is_variant_name(deb.name.split("_")[0]))


def cause_of(said: str) -> str:
    """What a build that said ``said`` failed for, as far as that is known."""
    found = diagnose(said)
    return error_of(said) or (f"{found.name}: {found.line}" if found else "")


class CleanBuilder(ProcessBuilder):
    """Has a source package built in a chroot that gives the variants of another."""

    def __init__(self, options: CleanOptions) -> None:
        """``options`` are the same for all jobs."""
        super().__init__()
        self.options = options

    @abc.abstractmethod
    def words(self, dsc: Path, packages: Path, job: Job) -> list[str | Path]:
        """The command that builds ``dsc`` for ``job``, run where its packages are to appear.

        ``packages`` has what the chroot may install.
        """

    def start(self, job: Job) -> Background:
        """The process that builds the source package made for ``job``."""
        dsc = source_to_build(job, self.options)
        packages = job.directory / "packages"
        packages.mkdir()
        for deb in (*self.options.own, *job.variants):
            shutil.copyfile(deb, packages / deb.name)
        result = job.directory / RESULT
        result.mkdir()
        return Background(
            self.words(dsc, packages, job),
            output=job.log,
            log=job.directory / "said",
            cwd=result,
            env={
                **base_environment(),
                "PATH": ADMINISTRATORS_PATH,
                "DEB_BUILD_OPTIONS": f"nocheck parallel={job.jobs}",
            },
        )

    def outcome(self, job: Job, status: int) -> Outcome:
        """What has become of ``job``."""
        result = job.directory / RESULT
        packages = packages_of(result, self.options)
        if status == 0 and packages:
            return Outcome(packages=packages, report=read_report(result))
        said = job.log.read_text(encoding="utf-8", errors="replace")
        errors = (job.directory / "said").read_text(encoding="utf-8", errors="replace")
        why = cause_of(said) or last_lines(errors or said)
        inside = _STATUS.search(said)
        return Outcome(
            error=f"{self.name} ended with status {status}: {why}; see {job.log}",
            fatal=inside is not None and int(inside[1]) == SystemFault.exit_code,
        )
