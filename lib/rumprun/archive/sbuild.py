# SPDX-License-Identifier: BSD-2-Clause
"""Builds under sbuild(1): in its unshare mode, which needs no root, or with schroot(1)."""

from __future__ import annotations

import os
from pathlib import Path

from rumprun.archive.builder import Job
from rumprun.archive.chroot import Chroot
from rumprun.archive.clean_builder import RESULT, CleanBuilder, CleanOptions
from rumprun.archive.schroot import Schroot
from rumprun.errors import UsageError


class SbuildBuilder(CleanBuilder):
    """Runs sbuild for each job, in a tarball of ours or in a chroot that schroot knows."""

    def __init__(self, chroot: Chroot | Schroot, options: CleanOptions) -> None:
        """The chroot is made when it is needed."""
        super().__init__(options)
        self.chroot = chroot

    @property
    def name(self) -> str:
        """The builder and the suite."""
        return f"sbuild {self.chroot.suite}"

    def prepare(self) -> None:
        """Make the chroot if it is missing; raises :class:`UsageError` for root without schroot."""
        if isinstance(self.chroot, Chroot) and os.geteuid() == 0:
            raise UsageError(
                "sbuild's unshare mode is not for root",
                hint="run this as a user with subordinate ids (subuid(5)), give --chroot-mode"
                " schroot, or use pbuilder",
            )
        self.chroot.ensure()

    def words(self, dsc: Path, packages: Path, job: Job) -> list[str | Path]:
        """As :meth:`CleanBuilder.words`."""
        kinds = ["--arch-all", *([] if self.options.native else ["--no-arch-any"])]
        return [
            *("sbuild", *self._place()),
            *(f"--dist={self.chroot.suite}", f"--arch={self.chroot.architecture}", *kinds),
            *("--no-run-lintian", "--no-run-piuparts", "--no-run-autopkgtest"),
            *("--nolog", "--verbose", f"--build-dir={job.directory / RESULT}"),
            *(f"--extra-package={packages}", dsc),
        ]

    def _place(self) -> tuple[str, str]:
        if isinstance(self.chroot, Schroot):
            return "--chroot-mode=schroot", f"--chroot={self.chroot.name}"
        return "--chroot-mode=unshare", f"--chroot={self.chroot.path}"
