# SPDX-License-Identifier: BSD-2-Clause
"""The sources that a user names on a command line: archive names, or local .dsc files."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from rumprun.source.apt import fetch
from rumprun.source.dsc import unpack

DSC = ".dsc"


def add_source_arguments(parser: argparse.ArgumentParser, *, nargs: str = "+") -> None:
    """Declare the sources, and the options that say where they come from."""
    parser.add_argument(
        "sources",
        nargs=nargs,
        metavar="SOURCE",
        help="a source package of the archive, NAME=VERSION, NAME/SUITE, or a .dsc file",
    )
    add_archive_arguments(parser, "take sources from")


def add_archive_arguments(parser: argparse.ArgumentParser, use: str) -> None:
    """Declare which archive is meant; ``use`` says what is done with the suite."""
    parser.add_argument("--suite", help=f"{use} this suite, such as bookworm")
    parser.add_argument(
        "--enable-deb-src",
        action="store_true",
        help="without a deb-src line: use the machine's deb lines for sources, in private",
    )


def add_offline_argument(parser: argparse.ArgumentParser) -> None:
    """Declare that nothing is to be refreshed."""
    parser.add_argument(
        "--offline", action="store_true", help="refresh no index, use what is there"
    )


def add_recipe_argument(parser: argparse.ArgumentParser) -> None:
    """Declare where recipes are looked for first."""
    parser.add_argument(
        "--recipe",
        type=Path,
        action="append",
        default=[],
        metavar="FILE|DIR",
        help="look here for recipes first; may be given more than once",
    )


def add_output_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare where the results go; ``what`` says which they are."""
    parser.add_argument(
        "--output",
        "-o",
        type=Path,
        default=Path(),
        metavar="DIR",
        help=f"where {what} (default: here)",
    )


def add_build_arguments(parser: argparse.ArgumentParser, limited: str, *, minutes: float) -> None:
    """Declare how a source's rules are run; ``minutes`` is the limit for each ``limited``."""
    parser.add_argument(
        "--jobs", "-j", type=int, default=os.cpu_count() or 1, help="commands to run at once"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=minutes,
        metavar="MINUTES",
        help=f"limit for each {limited} (default: %(default)s)",
    )
    parser.add_argument(
        "--install-deps",
        action="store_true",
        help="install missing Build-Depends on this machine with apt-get (needs root)",
    )


def locate_dsc(name: str, arguments: argparse.Namespace, directory: Path) -> Path:
    """The .dsc that ``name`` means; one of the archive is fetched into ``directory``."""
    if name.endswith(DSC):
        return Path(name)
    directory.mkdir(parents=True, exist_ok=True)
    return fetch(
        name,
        destination=directory,
        suite=arguments.suite,
        enable_deb_src=arguments.enable_deb_src,
        offline=getattr(arguments, "offline", False),
    )


def fetch_choices(arguments: argparse.Namespace, directory: Path) -> None:
    """Put a .dsc, fetched into ``directory``, in the place of a word that chooses a version.

    Those are ``NAME=VERSION`` and ``NAME/SUITE``. An index has the newest version of its own
    suite only, so a plan needs the source itself.
    """
    arguments.sources = [
        str(locate_dsc(word, arguments, directory / str(number)))
        if re.search("[=/]", word) and not word.endswith(DSC)
        else word
        for number, word in enumerate(arguments.sources)
    ]


def unpack_source(name: str, arguments: argparse.Namespace, directory: Path) -> Path:
    """The unpacked tree of the source that ``name`` means, below ``directory``."""
    dsc = locate_dsc(name, arguments, directory)
    return unpack(dsc, directory / "tree")
