# SPDX-License-Identifier: BSD-2-Clause
"""What the packages in a repository say of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from debian.arfile import ArError
from debian.debfile import DebError, DebFile

from rumprun.errors import InputError
from rumprun.source.relations import alternatives


@dataclass(frozen=True, kw_only=True)
class Contents:
    """One package: its name and source, and what was linked in or used, with versions."""

    name: str
    source: str
    source_version: str
    static_built_using: tuple[tuple[str, str], ...]
    built_using: tuple[tuple[str, str], ...]


def read_contents(deb: Path) -> Contents:
    """What ``deb`` says in its control file: Policy 5.6.1 for the source, 7.8 for what it used.

    Raises :class:`InputError` for a file that is no Debian package.
    """
    try:
        with DebFile(filename=str(deb)) as package:
            control = package.debcontrol()
        name, version = control["Package"], control["Version"]
    except (ArError, DebError, KeyError, OSError, ValueError, EOFError) as error:
        raise InputError(f"{deb}: no Debian package: {error}", hint="remove it") from error
    source, _, source_version = control.get("Source", name).partition(" ")
    return Contents(
        name=name,
        source=source,
        source_version=source_version.strip("()") or version,
        static_built_using=_versions(control.get("Static-Built-Using", "")),
        built_using=_versions(control.get("Built-Using", "")),
    )


def _versions(field: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (relation.name, relation.version[1])
        for relation in alternatives(field)
        if relation.version is not None
    )
