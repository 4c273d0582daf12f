# SPDX-License-Identifier: BSD-2-Clause
"""Builds under pbuilder(8), which needs root."""

from __future__ import annotations

import os
from pathlib import Path

from rumprun.archive.builder import Job
from rumprun.archive.chroot import Chroot
from rumprun.archive.clean_builder import RESULT, CleanBuilder, CleanOptions
from rumprun.archive.repository_index import write_flat_index
from rumprun.errors import UsageError

# pbuilder(8), HOOKS: run in the chroot before Build-Depends are installed. A bound directory has
# the same name inside.
_HOOK = """\
#!/bin/sh
set -e
echo 'deb [trusted=yes] file:{packages} ./' >/etc/apt/sources.list.d/rumprun.list
apt-get update
"""

# pbuilderrc(5): the chroot has apt, and nothing like aptitude.
_CONFIGURATION = 'PBUILDERSATISFYDEPENDSCMD="/usr/lib/pbuilder/pbuilder-satisfydepends-apt"\n'


class PbuilderBuilder(CleanBuilder):
    """Runs pbuilder for each job, with a hook that makes the packages known to apt."""

    def __init__(self, chroot: Chroot, options: CleanOptions) -> None:
        """The base tarball is made when it is needed."""
        super().__init__(options)
        self.chroot = chroot

    @property
    def name(self) -> str:
        """The builder and the suite."""
        return f"pbuilder {self.chroot.suite}"

    def prepare(self) -> None:
        """Make the base tarball if it is missing; raises :class:`UsageError` for all but root."""
        if os.geteuid() != 0:
            raise UsageError("pbuilder needs root", hint="use sudo, or --builder sbuild")
        self.chroot.ensure()

    def words(self, dsc: Path, packages: Path, job: Job) -> list[str | Path]:
        """As :meth:`CleanBuilder.words`."""
        write_flat_index(packages)
        directory = job.directory
        place = directory / "place"
        place.mkdir()
        hooks = directory / "hooks"
        hooks.mkdir()
        hook = hooks / "D05rumprun"
        hook.write_text(_HOOK.format(packages=packages), encoding="utf-8")
        hook.chmod(0o755)
        configuration = directory / "pbuilderrc"
        configuration.write_text(_CONFIGURATION, encoding="utf-8")
        words: list[str | Path] = ["pbuilder", "build", "--configfile", configuration]
        words += ["--basetgz", self.chroot.path, "--buildplace", place]
        words += ["--distribution", self.chroot.suite]
        words += ["--architecture", self.chroot.architecture]
        words += ["--buildresult", directory / RESULT, "--hookdir", hooks]
        words += ["--bindmounts", packages, "--debbuildopts", f"-j{job.jobs}"]
        return [*words, *([] if self.options.native else ["--binary-indep"]), dsc]
