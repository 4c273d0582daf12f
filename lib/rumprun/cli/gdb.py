# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb gdb``: an image's machine, stopped before its first instruction, under gdb."""

from __future__ import annotations

import argparse
from pathlib import Path

from rumprun import ui
from rumprun.cli.override import add_memory_argument
from rumprun.cli.symbolize import add_debug_option
from rumprun.lab.debug import DebugRequest, debug_image

HELP = "boot an image in QEMU under gdb"

TAKES_PROGRAM_ARGUMENTS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.usage = "rumpdeb gdb [OPTION…] DIR [-- ARG…]"
    parser.epilog = "With --, what follows are further arguments of gdb."
    parser.add_argument("directory", type=Path, metavar="DIR", help="image that was baked")
    add_memory_argument(parser, whose="machine")
    parser.add_argument(
        "--console",
        type=Path,
        metavar="FILE",
        help="file for the machine's console (default: standard output)",
    )
    add_debug_option(parser)


def main(arguments: argparse.Namespace) -> int:
    """Debug, and end as gdb ends."""
    request = DebugRequest(
        arguments=arguments.program_arguments or (),
        console=arguments.console,
        memory=arguments.memory,
        places=tuple(arguments.debug),
    )
    ended = debug_image(arguments.directory, request)
    if ended.status is not None:
        ui.note(f"the image ended with status {ended.status}")
    return ended.gdb_status
