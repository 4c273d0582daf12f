# SPDX-License-Identifier: BSD-2-Clause
"""Builds under sbuild(1), in its unshare mode, which needs no root."""

from __future__ import annotations

import os
from pathlib import Path

from rumprun.archive.builder import Job
from rumprun.archive.clean_builder import RESULT, CleanBuilder
from rumprun.errors import UsageError


class SbuildBuilder(CleanBuilder):
    """Runs sbuild for each job."""

    @property
    def name(self) -> str:
        """The builder and the suite."""
        return f"sbuild {self.chroot.suite}"

    def prepare(self) -> None:
        """Make the chroot if it is missing; raises :class:`UsageError` for root."""
        if os.geteuid() == 0:
            raise UsageError(
                "sbuild's unshare mode is not for root",
                hint="run this as a user with subordinate ids (subuid(5)), or use pbuilder",
            )
        super().prepare()

    def words(self, dsc: Path, packages: Path, job: Job) -> list[str | Path]:
        """As :meth:`CleanBuilder.words`."""
        kinds = ["--arch-all", *([] if self.options.native else ["--no-arch-any"])]
        return [
            *("sbuild", "--chroot-mode=unshare", f"--chroot={self.chroot.path}"),
            *(f"--dist={self.chroot.suite}", f"--arch={self.chroot.architecture}", *kinds),
            *("--no-run-lintian", "--no-run-piuparts", "--no-run-autopkgtest"),
            *("--nolog", "--verbose", f"--build-dir={job.directory / RESULT}"),
            *(f"--extra-package={packages}", dsc),
        ]
