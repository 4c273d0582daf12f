# SPDX-License-Identifier: BSD-2-Clause
"""What builds on the server need beside their source: environment, packages, repository."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rumprun import ui
from rumprun.archive.chroot import Chroot
from rumprun.archive.debusine.api import Api, Description
from rumprun.archive.debusine.descriptions import binary_package, system_tarball
from rumprun.archive.debusine.state import State
from rumprun.archive.repository import SUITE
from rumprun.archive.repository_index import COMPONENT
from rumprun.command import run, stream
from rumprun.digest import sha256_of
from rumprun.errors import MissingError
from rumprun.source.apt_root import base_mirror
from rumprun.workdir import atomic_path

_XZ_SECONDS = 1800.0


@dataclass(frozen=True, kw_only=True)
class Published:
    """Our repository as workers reach it: its ``url``, and the ``key`` that signs it."""

    url: str
    key: str

    def as_task_data(self) -> dict[str, Any]:
        """What debusine wants for ``extra_repositories``.

        Raises :class:`MissingError` where gpg does not have the key.
        """
        return {
            "url": self.url,
            "suite": SUITE,
            "components": [COMPONENT],
            "signing_key": _exported(self.key),
        }


@functools.cache
def _exported(key: str) -> str:
    said = run(["gpg", "--batch", "--armor", "--export", key], hint="install gpg").stdout
    if not said:
        raise MissingError(f"gpg has no key {key!r}", hint="see 'gpg --list-keys'")
    return said


class Supplies:
    """Artifacts that many builds use, each sent to the server once."""

    def __init__(self, api: Api, state: State, chroot: Chroot, environment: str | None) -> None:
        """``environment`` is a lookup of the server's; without it, ``chroot`` is sent."""
        self._api = api
        self._state = state
        self._chroot = chroot
        self._environment = environment
        self._lock = threading.Lock()
        self._digests: dict[Path, str] = {}

    def environment(self) -> str | int:
        """What names the build environment in task data."""
        given = self._environment
        if given is not None:
            return int(given) if given.isdecimal() else given
        return self._sent(_compressed(self._chroot), self._describe_environment)

    def packages(self, debs: Iterable[Path]) -> list[int]:
        """The artifacts that have ``debs``, each once."""
        return list(dict.fromkeys(self._sent(deb, binary_package) for deb in debs))

    def forget(self, debs: Iterable[Path]) -> None:
        """Send ``debs`` and the environment again when they are next wanted.

        For when the server does not have an artifact any longer.
        """
        files = [*debs, *(() if self._environment else (_compressed(self._chroot),))]
        known = (self._state.file(self._digest(file)) for file in files)
        self._state.forget_files(number for number in known if number is not None)

    def _describe_environment(self, tarball: Path) -> Description:
        return system_tarball(
            tarball,
            suite=self._chroot.suite,
            architecture=self._chroot.architecture,
            mirror=base_mirror(),
        )

    def _sent(self, file: Path, describe: Any) -> int:
        # Another build may want the same file at the same time.
        with self._lock:
            digest = self._digest(file)
            number = self._state.file(digest)
            if number is None:
                number = self._api.create_artifact(describe(file)).number
                self._state.keep_files([digest], number)
            return number

    def _digest(self, file: Path) -> str:
        if file not in self._digests:
            self._digests[file] = sha256_of(file)
        return self._digests[file]


def _compressed(chroot: Chroot) -> Path:
    """The tarball of ``chroot`` as debusine's executors want it.

    xz is what they unpack; -1 takes a tenth of the time of what mmdebstrap itself would take,
    and a tenth more space.
    """
    plain = chroot.ensure()
    packed = plain.with_name(f"{plain.name}.xz")
    if not packed.is_file() or packed.stat().st_mtime < plain.stat().st_mtime:
        with (
            ui.step(f"compressing {plain.name}"),
            atomic_path(packed) as partial,
            partial.open("wb") as file,
        ):
            stream(["xz", "-1", "-T0", "-c", plain], sink=file.write, timeout=_XZ_SECONDS)
    return packed
