# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb stale``: what of a repository is older than the archive, and what to build again."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from rumprun.archive.repository import Repository
from rumprun.archive.stale import Stale, find_stale
from rumprun.archive.suite import Catalogue, suite_index
from rumprun.cli.sources import add_archive_arguments, add_offline_argument
from rumprun.errors import MissingError
from rumprun.target.descriptor import load_target

HELP = "list what in a repository has older sources in it than the archive, in build order"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument("repository", type=Path, metavar="DIR", help="made by 'build --repo'")
    add_archive_arguments(parser, "compare with")
    add_offline_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def main(arguments: argparse.Namespace) -> int:
    """List what is stale; that something is, is no failure."""
    if not (arguments.repository / "builds").is_dir():
        raise MissingError(
            f"{arguments.repository}: no repository of builds", hint="'build --repo' makes one"
        )
    target = load_target()
    archive = Catalogue(
        lambda: suite_index(
            arguments.suite,
            target.dpkg_architecture,
            wanted="the sources to compare with",
            enable_deb_src=arguments.enable_deb_src,
            offline=arguments.offline,
        )
    )
    found = find_stale(Repository(path=arguments.repository.absolute()), archive)
    if arguments.json:
        print(json.dumps([dataclasses.asdict(item) for item in found], indent=2))
    else:
        for item in found:
            print("\n".join(_lines(item)))
        if found:
            print(f"to build again, in this order: {' '.join(item.source for item in found)}")
    return 0


def _lines(item: Stale) -> Iterator[str]:
    built_by = f" (built by {item.worker})" if item.worker else ""
    yield f"{item.source}: {', '.join(item.packages)}{built_by}"
    for outdated in item.outdated:
        yield f"  has {outdated.source} {outdated.version}, the archive {outdated.current}"
    if item.below:
        yield f"  uses {', '.join(item.below)}, to be built again before"
