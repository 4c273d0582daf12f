# SPDX-License-Identifier: BSD-2-Clause
"""The command ``rumpdeb``: finds the subcommand and runs it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType

from rumprun.cli.outcome import exit_status_of
from rumprun.version import VERSION

# Each is a module with HELP (one line), add_arguments(parser) and main(arguments) -> status. They
# are imported when they are wanted: all of them take longer than most of what they do.
SUBCOMMANDS = (
    "plan",
    "build",
    "publish",
    "convert",
    "audit",
    "explain",
    "diff",
    "bake",
    "run",
    "xl",
    "lab",
    "iso",
    "inspect",
    "new",
    "boards",
    "symbolize",
    "gdb",
    "targets",
    "toolchain",
    "recipes",
    "scan",
    "stale",
    "config",
    "farm",
)


def subcommand(name: str) -> ModuleType:
    """The module of the subcommand ``name``."""
    return importlib.import_module(f"rumprun.cli.{name}")


def make_parser(names: Iterable[str] = SUBCOMMANDS) -> argparse.ArgumentParser:
    """The command line of rumpdeb, as far as the subcommands ``names`` are concerned."""
    parser = argparse.ArgumentParser(
        prog="rumpdeb",
        description="Build static rumprun variants of Debian source packages, and images of them.",
    )
    parser.add_argument("--version", action="version", version=f"rumpdeb {VERSION}")
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    for name in names:
        module = subcommand(name)
        subparser = subparsers.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(subparser)
    return parser


def split_program_arguments(
    words: Sequence[str],
) -> tuple[list[str], tuple[str, ...] | None]:
    """Our own words, and what follows the first ``--`` where a program's arguments may stand.

    The second is None where there is no ``--``. argparse cannot do this: it drops every first
    ``--`` of each of its positional arguments, also one that is meant for the program.
    """
    ours = list(words)
    module = subcommand(ours[0]) if ours and ours[0] in SUBCOMMANDS else None
    if not getattr(module, "TAKES_PROGRAM_ARGUMENTS", False) or "--" not in ours:
        return ours, None
    place = ours.index("--")
    return ours[:place], tuple(ours[place + 1 :])


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit status says how it ended (see ``rumprun.errors``)."""
    words, program_arguments = split_program_arguments(sys.argv[1:] if argv is None else argv)
    wanted = words[:1] if words and words[0] in SUBCOMMANDS else SUBCOMMANDS
    arguments = make_parser(wanted).parse_args(words)
    arguments.program_arguments = program_arguments
    return exit_status_of(lambda: int(subcommand(arguments.subcommand).main(arguments)))
