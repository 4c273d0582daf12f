# SPDX-License-Identifier: BSD-2-Clause
"""What the packages in a repository say of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from debian.debfile import DebFile

from rumprun.source.relations import alternatives


@dataclass(frozen=True, kw_only=True)
class Contents:
    """One package: its name, and the sources that are in it or were used, with their versions."""

    name: str
    static_built_using: tuple[tuple[str, str], ...]
    built_using: tuple[tuple[str, str], ...]


def read_contents(deb: Path) -> Contents:
    """What ``deb`` has in the fields Static-Built-Using and Built-Using (Policy 7.8)."""
    with DebFile(filename=str(deb)) as package:
        control = package.debcontrol()
    return Contents(
        name=control["Package"],
        static_built_using=_versions(control.get("Static-Built-Using", "")),
        built_using=_versions(control.get("Built-Using", "")),
    )


def _versions(field: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (relation.name, relation.version[1])
        for relation in alternatives(field)
        if relation.version is not None
    )
