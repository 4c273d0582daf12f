# SPDX-License-Identifier: BSD-2-Clause
"""Variants that have a file in common, which dpkg would refuse to install together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from debian.debfile import DebFile

from rumprun.errors import InputError
from rumprun.source.relations import alternatives


@dataclass(frozen=True, kw_only=True)
class _Content:
    """What a package has: its names, real and virtual, those it conflicts with, its files."""

    name: str
    names: frozenset[str]
    conflicts: frozenset[str]
    files: frozenset[str]


def check_overwrites(debs: Iterable[Path], others: Iterable[Path]) -> None:
    """See that none of the new ``debs`` has a file of another or of one of ``others``.

    Packages that conflict may, as Policy 7.6.1 has it, and so may two versions of one package.
    Raises :class:`InputError` with the first file and both packages.
    """
    new = [_read(deb) for deb in debs]
    known = [_read(deb) for deb in others]
    for number, content in enumerate(new):
        for other in (*known, *new[:number]):
            common = content.files & other.files
            if common and content.name != other.name and not _exclude(content, other):
                raise InputError(
                    f"{content.name} would overwrite /{min(common)} of {other.name}",
                    hint="leave it out of one of them with a recipe, or let them conflict",
                )


def _exclude(one: _Content, other: _Content) -> bool:
    return bool(one.conflicts & other.names or other.conflicts & one.names)


def _read(deb: Path) -> _Content:
    """The md5sums of a package list all its files but links; they are small and near the start."""
    with DebFile(filename=str(deb)) as package:
        control = package.debcontrol()
        files = package.control.get_content("md5sums", encoding="utf-8", errors="surrogateescape")
    provides = (relation.name for relation in alternatives(control.get("Provides", "")))
    conflicts = (relation.name for relation in alternatives(control.get("Conflicts", "")))
    return _Content(
        name=control["Package"],
        names=frozenset({control["Package"], *provides}),
        conflicts=frozenset(conflicts),
        files=frozenset(line.split("  ", 1)[1] for line in (files or "").splitlines()),
    )
