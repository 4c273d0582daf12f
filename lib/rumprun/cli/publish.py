# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb publish``: packages built elsewhere, added to a repository of builds."""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

from rumprun.archive.contents import read_contents
from rumprun.archive.record import Record
from rumprun.archive.repository import Repository
from rumprun.errors import InputError, MissingError

HELP = "add packages built elsewhere, such as our own, to a repository of builds"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument(
        "packages", nargs="+", type=Path, metavar="DEB", help="a package, or all in a directory"
    )
    parser.add_argument(
        "--repo",
        type=Path,
        required=True,
        metavar="DIR",
        help="the apt repository, made if need be",
    )
    parser.add_argument("--key", help="sign the repository with this key of gpg's")
    parser.add_argument(
        "--wait", action="store_true", help="where another command holds the repository, wait"
    )


def main(arguments: argparse.Namespace) -> int:
    """Add the packages, those of one source together, in place of what that source has there."""
    by_source: dict[tuple[str, str], list[Path]] = {}
    for deb in packages_in(arguments.packages):
        contents = read_contents(deb)
        by_source.setdefault((contents.source, contents.source_version), []).append(deb)
    sources = [source for source, _version in by_source]
    for source in sources:
        if sources.count(source) > 1:
            raise InputError(f"packages of two versions of {source}", hint="give those of one")
    repository = Repository(path=arguments.repo.absolute(), key=arguments.key)
    with repository.held(wait=arguments.wait):
        for (source, version), debs in by_source.items():
            repository.add(_record(source, version, debs), debs)
        repository.publish()
    print(repository.source_entry)
    return 0


def packages_in(places: Iterable[Path]) -> tuple[Path, ...]:
    """The packages that ``places`` are or, for directories, have in them.

    Raises :class:`MissingError` for a place that is not there.
    """
    found: list[Path] = []
    for place in places:
        found += sorted(place.glob("*.deb")) if place.is_dir() else [place]
    for deb in found:
        if not deb.is_file():
            raise MissingError(f"{deb}: no such file", hint="give packages, or a directory of them")
    return tuple(found)


def _record(source: str, version: str, debs: Iterable[Path]) -> Record:
    """A record whose identity is what the packages are: nobody knows what went into them."""
    hashed = hashlib.sha256()
    for deb in sorted(debs):
        hashed.update(hashlib.sha256(deb.read_bytes()).digest())
    return Record(
        source=source,
        version=version,
        identity=hashed.hexdigest(),
        packages=(),
        seconds=0.0,
        finished=round(time.time(), 3),
    )
