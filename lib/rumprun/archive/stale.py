# SPDX-License-Identifier: BSD-2-Clause
"""Packages in a repository that were built from, or have in them, what the archive has newer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    variants its build uses.
    """

    source: str
    packages: tuple[str, ...]
    outdated: tuple[Outdated, ...]
    below: tuple[str, ...]


def find_stale(repository: Repository, archive: Lookup) -> tuple[Stale, ...]:
    """What of ``repository`` is to be built again, in an order to do it in."""
    records = repository.records()
    found: dict[str, Stale] = {}
    for name in _in_order(records):
        record = records[name]
        below = tuple(sorted(set(record.used) & set(found)))
        outdated = _outdated(record, repository.packages(record), archive)
        if below or outdated:
            names = tuple(Path(stored.file).name.partition("_")[0] for stored in record.packages)
            found[name] = Stale(source=name, packages=names, outdated=outdated, below=below)
    return tuple(found.values())


def _in_order(records: Mapping[str, Record]) -> list[str]:
    used = {name: sorted(set(record.used) & set(records)) for name, record in records.items()}
    return list(TopologicalSorter(used).static_order())


def _outdated(record: Record, debs: Iterable[Path], archive: Lookup) -> tuple[Outdated, ...]:
    embedded = {record.source: record.version}
    for deb in debs:
        contents = read_contents(deb)
        embedded.update((*contents.static_built_using, *contents.built_using))
    found = []
    for name, version in sorted(embedded.items()):
        source = archive.source(name)
        if source is not None and Version(source.version) > Version(version):
            found.append(Outdated(source=name, version=version, current=source.version))
    return tuple(found)
