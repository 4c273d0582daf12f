# SPDX-License-Identifier: BSD-2-Clause
"""The command ``rumpdeb``: finds the subcommand, and turns errors into a line and a status."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType
from typing import NoReturn

from rumprun import ui
from rumprun.cli import audit, bake, build, convert, run, targets
from rumprun.errors import RumprunError
from rumprun.version import VERSION
from rumprun.workdir import faults_explained

# Each is a module with HELP (one line), add_arguments(parser) and main(arguments) -> status.
SUBCOMMANDS: dict[str, ModuleType] = {
    "build": build,
    "convert": convert,
    "audit": audit,
    "bake": bake,
    "run": run,
    "targets": targets,
}

_INTERRUPTED = 130


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit status says how it ended (see ``rumprun.errors``)."""
    arguments = make_parser().parse_args(argv)
    # A builder that stops us (sbuild, systemd, timeout(1)) sends TERM: clean up as for Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with faults_explained():
            status: int = SUBCOMMANDS[arguments.subcommand].main(arguments)
            return status
    except RumprunError as error:
        ui.fail(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        ui.fail("interrupted; nothing was published")
        return _INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
