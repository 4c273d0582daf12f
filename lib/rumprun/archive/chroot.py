# SPDX-License-Identifier: BSD-2-Clause
"""The clean systems that sbuild and pbuilder build in, made when they are missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rumprun import paths, ui
from rumprun.command import CommandFailed, run
from rumprun.errors import MissingError
from rumprun.source.apt_root import base_mirror
from rumprun.workdir import atomic_path

_TIMEOUT = 3600.0


@dataclass(frozen=True, kw_only=True)
class Chroot:
    """A tarball of a minimal system of ``suite``; ``mode`` is mmdebstrap's."""

    suite: str
    architecture: str
    mode: str

    @property
    def path(self) -> Path:
        """Where it is kept, for the next run."""
        return paths.cache() / "chroots" / f"{self.suite}-{self.architecture}-{self.mode}.tar"

    def ensure(self) -> Path:
        """Make it if it is missing.

        Raises :class:`MissingError` where mmdebstrap(1) cannot.
        """
        if not self.path.is_file():
            with ui.step(f"making a chroot of {self.suite}"), atomic_path(self.path) as partial:
                self._make(partial)
        return self.path

    def _make(self, destination: Path) -> None:
        words = ["mmdebstrap", "--variant=buildd", f"--mode={self.mode}", "--format=tar"]
        words += [f"--architectures={self.architecture}", self.suite, str(destination)]
        try:
            run([*words, base_mirror()], timeout=_TIMEOUT)
        except CommandFailed as error:
            raise MissingError(
                f"cannot make a chroot of {self.suite}: {error.message}",
                hint="unshare mode needs subordinate ids (subuid(5)), root mode needs root",
            ) from error
