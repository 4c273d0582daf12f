# SPDX-License-Identifier: BSD-2-Clause
"""The index of a suite: this machine's own, or another of the same mirror."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from rumprun import ui
from rumprun.archive.index import Index, IndexFile, open_index
from rumprun.archive.model import ArchivePackage, ArchiveSource
from rumprun.errors import MissingError
from rumprun.source.apt_errors import NotOnMirror
from rumprun.source.apt_root import AptRoot, private_root, suite_root, system_root

# What the pockets of a suite add to its name (https://wiki.debian.org/StableUpdates).
_POCKETS = ("", "-updates", "-security")


class Catalogue:
    """The sources and packages of an index that is opened at the first look.

    ``local`` are sources by name that come before those of the index, such as a ``.dsc`` that
    the user gave; with ``local_will_do``, an index that cannot be had is done without.
    """

    def __init__(
        self,
        opener: Callable[[], Index],
        local: dict[str, ArchiveSource] | None = None,
        *,
        local_will_do: bool = False,
    ) -> None:
        """``opener`` gives the index, or raises what the look-up is to raise."""
        self._opener = opener
        self._local = local or {}
        self._local_will_do = local_will_do

    def source(self, name: str) -> ArchiveSource | None:
        """The source ``name``: the local one, or the newest of the suite."""
        local = self._local.get(name)
        if local is not None or self._index is None:
            return local
        return self._index.source(name)

    def package(self, name: str) -> ArchivePackage | None:
        """The binary package ``name``, or the first that provides it."""
        return self._index.package(name) if self._index is not None else None

    def suggestion(self, name: str) -> str:
        """What a user who asks for the source ``name``, which there is not, may have meant."""
        return self._index.suggestion(name) if self._index is not None else "check the name"

    @functools.cached_property
    def _index(self) -> Index | None:
        try:
            return self._opener()
        except MissingError as error:
            if not self._local_will_do:
                raise
            ui.warn(f"what the sources need is not built, but used where it is at hand: {error}")
            return None


def suite_index(
    suite: str | None,
    architecture: str,
    *,
    wanted: str,
    enable_deb_src: bool,
    offline: bool,
) -> Index:
    """The index of ``suite``, or of all that apt's own entries have where it is ``None``.

    A suite that apt does not know is looked for on the mirror of the distribution's own entries.
    ``architecture`` is that of the binary packages to look at; ``wanted`` is what they are
    looked at for, for the message. Raises :class:`MissingError` where
    apt has no sources, or the mirror no such suite.
    """
    sources = private_root(offline=offline) if enable_deb_src else system_root(wanted=wanted)
    packages = AptRoot()
    if suite is not None and suite not in _names(packages):
        sources = packages = _other_suite(suite, packages, offline=offline)
    files = [
        IndexFile(path=Path(target["Filename"]), kind=kind)
        for kind, root in (("Sources", sources), ("Packages", packages))
        for target in root.kept_targets(kind)
        if _is_of(target, suite) and target.get("Architecture", architecture) == architecture
    ]
    return open_index(files, doing=suite or "the archive")


def _other_suite(suite: str, own: AptRoot, *, offline: bool) -> AptRoot:
    """The view of ``suite``, which ``own`` does not have."""
    try:
        return suite_root(suite, offline=offline)
    except NotOnMirror as error:
        known = ", ".join(sorted(_names(own)))
        raise MissingError(
            f"the mirror has no suite {suite!r}", hint=f"apt knows {known}"
        ) from error


def _names(root: AptRoot) -> frozenset[str]:
    """All names of the suites that ``root`` has packages of."""
    return frozenset(
        target[field]
        for target in root.kept_targets("Packages")
        for field in ("Release", "Codename", "Suite")
        if target.get(field)
    )


def _is_of(target: dict[str, str], suite: str | None) -> bool:
    if suite is None:
        return True
    wanted = {f"{suite}{pocket}" for pocket in _POCKETS}
    return any(target.get(field) in wanted for field in ("Release", "Codename", "Suite"))
