# SPDX-License-Identifier: BSD-2-Clause
"""Packages in a repository that were built from, or have in them, what the archive has newer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from debian.debian_support import Version

from rumprun.archive.closure import Lookup
from rumprun.archive.contents import read_contents
from rumprun.archive.record import Record
from rumprun.archive.repository import Repository


@dataclass(frozen=True, kw_only=True)
class Outdated:
    """One source that is in a package, and its versions there and in the archive."""

    source: str
    version: str
    current: str


@dataclass(frozen=True, kw_only=True)
class Stale:
    """A source to build again: for what is ``outdated`` in its packages, or ``below`` it.

    ``packages`` are those that it has in the repository; ``below`` are the stale sources whose
    variants its build uses; ``worker`` is the machine that built it, where there are several.
    """

    source: str
    packages: tuple[str, ...]
    outdated: tuple[Outdated, ...]
    below: tuple[str, ...]
    worker: str = ""


def find_stale(repository: Repository, archive: Lookup) -> tuple[Stale, ...]:
    """What of ``repository`` is to be built again, in an order to do it in.

    A package that came from elsewhere, such as an image, comes after the sources that it has in it.
    """
    records = repository.records()
    embedded = {name: _embedded(record, repository) for name, record in records.items()}
    used = {
        name: sorted((set(record.used) or set(embedded[name]) - {name}) & set(records))
        for name, record in records.items()
    }
    found: dict[str, Stale] = {}
    for name in TopologicalSorter(used).static_order():
        below = tuple(source for source in used[name] if source in found)
        outdated = _outdated(embedded[name], archive)
        if below or outdated:
            stored = records[name].packages
            names = tuple(Path(package.file).name.partition("_")[0] for package in stored)
            found[name] = Stale(
                source=name,
                packages=names,
                outdated=outdated,
                below=below,
                worker=records[name].worker,
            )
    return tuple(found.values())


def _embedded(record: Record, repository: Repository) -> dict[str, str]:
    """The sources that are in the packages of ``record``, with their versions."""
    found = {record.source: record.version}
    for deb in repository.packages(record):
        contents = read_contents(deb)
        found.update((*contents.static_built_using, *contents.built_using))
    return found


def _outdated(embedded: Mapping[str, str], archive: Lookup) -> tuple[Outdated, ...]:
    found = []
    for name, version in sorted(embedded.items()):
        source = archive.source(name)
        if source is not None and Version(source.version) > Version(version):
            found.append(Outdated(source=name, version=version, current=source.version))
    return tuple(found)
