# SPDX-License-Identifier: BSD-2-Clause
"""What the packages in a repository say of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rumprun.source.deb import read_control
from rumprun.source.relations import exact_versions


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
    control = read_control(deb)
    return Contents(
        name=control.name,
        source=control.source,
        source_version=control.source_version,
        static_built_using=exact_versions(control.fields.get("Static-Built-Using", "")),
        built_using=exact_versions(control.fields.get("Built-Using", "")),
    )
