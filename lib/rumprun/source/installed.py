# SPDX-License-Identifier: BSD-2-Clause
"""Which installed packages own files, and what sources those were built from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from rumprun.command import run
from rumprun.source.relations import exact_versions

_FIELDS = ("binary:Package", "source:Package", "source:Version", "Built-Using")
_QUERY = "\\t".join(f"${{{field}}}" for field in (*_FIELDS, "Static-Built-Using")) + "\\n"

# What dpkg-query takes for a pattern (glob(7)).
_PATTERN = frozenset("*?[\\")


@dataclass(frozen=True, kw_only=True)
class InstalledPackage:
    """A package of this machine: its source, and those that its two fields name, by version."""

    source: str
    source_version: str
    built_using: tuple[tuple[str, str], ...]
    static_built_using: tuple[tuple[str, str], ...]


def owners_of(files: Iterable[Path]) -> dict[Path, InstalledPackage]:
    """The installed packages that own ``files``; a file that nobody owns is left out."""
    names = sorted({str(file) for file in files if not _PATTERN & set(str(file))})
    if not names:
        return {}
    # dpkg-query fails where a file is nobody's, and still answers for the others.
    answer = run(["dpkg-query", "--search", *names], check=False)
    owners: dict[Path, str] = {}
    for line in answer.stdout.splitlines():
        owner, _, path = line.rpartition(": ")
        if not line.startswith("diversion "):
            owners[Path(path)] = owner.split(", ")[0].strip()
    packages = packages_named(set(owners.values()))
    return {path: packages[name] for path, name in owners.items() if name in packages}


def packages_named(names: Collection[str]) -> dict[str, InstalledPackage]:
    """The installed packages ``names``, as dpkg calls them; :class:`CommandFailed` for others."""
    if not names:
        return {}
    found: dict[str, InstalledPackage] = {}
    listing = run(["dpkg-query", "-W", "-f", _QUERY, *sorted(names)])
    for line in listing.stdout.splitlines():
        name, source, version, built_using, static = line.split("\t")
        package = InstalledPackage(
            source=source,
            source_version=version,
            built_using=exact_versions(built_using),
            static_built_using=exact_versions(static),
        )
        # dpkg --search names the architecture of packages that can be there several times.
        found[name] = package
    return found
