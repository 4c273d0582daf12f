# SPDX-License-Identifier: BSD-2-Clause
"""The chroots of schroot(1), which an administrator sets up for sbuild."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rumprun import ui
from rumprun.command import ADMINISTRATORS_PATH, CommandFailed, base_environment, run
from rumprun.errors import MissingError
from rumprun.source.apt_root import base_mirror
from rumprun.workdir import temporary_tree

# Where sbuild-createchroot(8) is told to put tarballs by its own manual.
_PLACE = Path("/srv/chroot")
_TIMEOUT = 3600.0


@dataclass(frozen=True, kw_only=True)
class Schroot:
    """The chroot that sbuild looks for when it is told ``suite`` and ``architecture`` only."""

    suite: str
    architecture: str

    @property
    def name(self) -> str:
        """The name that schroot knows it by."""
        return f"{self.suite}-{self.architecture}-sbuild"

    def ensure(self) -> None:
        """Have root's sbuild-createchroot(8) make it if schroot does not know it.

        Raises :class:`MissingError` where that is not possible.
        """
        known = run(["schroot", "--info", "--chroot", f"chroot:{self.name}"], check=False)
        if known.returncode == 0:
            return
        with temporary_tree() as work:
            words = self._words(work / "chroot")
            if os.geteuid() != 0:
                shown = " ".join(words).replace(str(work / "chroot"), "$(mktemp -d)")
                raise MissingError(f"schroot has no {self.name}", hint=f"have root run '{shown}'")
            with ui.step(f"making the chroot {self.name} of schroot"):
                self._make(words)

    def _words(self, directory: Path) -> list[str]:
        tarball = _PLACE / f"{self.name}.tar.gz"
        words = ["sbuild-createchroot", f"--arch={self.architecture}"]
        words += [f"--make-sbuild-tarball={tarball}", self.suite, str(directory)]
        return [*words, base_mirror()]

    def _make(self, words: list[str]) -> None:
        _PLACE.mkdir(parents=True, exist_ok=True)
        environment = {**base_environment(), "PATH": ADMINISTRATORS_PATH}
        try:
            run(words, env=environment, timeout=_TIMEOUT)
        except CommandFailed as error:
            raise MissingError(
                f"cannot make the chroot {self.name}: {error.message}",
                hint="sbuild-createchroot needs debootstrap and the package schroot",
            ) from error
