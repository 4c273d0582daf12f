# SPDX-License-Identifier: BSD-2-Clause
"""The command ``rumpdeb``: finds the subcommand and runs it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType

from rumprun.cli import (
    audit,
    bake,
    build,
    convert,
    diff,
    explain,
    plan,
    recipes,
    run,
    scan,
    targets,
)
from rumprun.cli.outcome import exit_status_of
from rumprun.version import VERSION

# Each is a module with HELP (one line), add_arguments(parser) and main(arguments) -> status.
SUBCOMMANDS: dict[str, ModuleType] = {
    "plan": plan,
    "build": build,
    "convert": convert,
    "audit": audit,
    "explain": explain,
    "diff": diff,
    "bake": bake,
    "run": run,
    "targets": targets,
    "recipes": recipes,
    "scan": scan,
}


def make_parser() -> argparse.ArgumentParser:
    """The whole command line of rumpdeb."""
    parser = argparse.ArgumentParser(
        prog="rumpdeb",
        description="Build static rumprun variants of Debian source packages, and images of them.",
    )
    parser.add_argument("--version", action="version", version=f"rumpdeb {VERSION}")
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    for name, module in SUBCOMMANDS.items():
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
    module = SUBCOMMANDS.get(ours[0]) if ours else None
    if not getattr(module, "TAKES_PROGRAM_ARGUMENTS", False) or "--" not in ours:
        return ours, None
    place = ours.index("--")
    return ours[:place], tuple(ours[place + 1 :])


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit status says how it ended (see ``rumprun.errors``)."""
    words, program_arguments = split_program_arguments(sys.argv[1:] if argv is None else argv)
    arguments = make_parser().parse_args(words)
    arguments.program_arguments = program_arguments
    subcommand = SUBCOMMANDS[arguments.subcommand]
    return exit_status_of(lambda: int(subcommand.main(arguments)))
