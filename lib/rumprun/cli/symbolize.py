# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb symbolize``: the functions and lines of source in a crash report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import IO

from rumprun import ui
from rumprun.bake.base import MEMORY_BASE
from rumprun.bake.board import find_board
from rumprun.bake.image import read_image
from rumprun.bake.rebase import is_movable
from rumprun.bake.slots import SLOT_SIZE, slot_start
from rumprun.bake.symbolize import Range, Symbolizer
from rumprun.bake.symbols import symbol_file
from rumprun.bake.unpack import read_programs
from rumprun.errors import MissingError
from rumprun.workdir import temporary_tree

HELP = "name the functions and source lines in a crash report"

# Longer lines pass in pieces: no line of a report is as long.
_LINE_LIMIT = 1 << 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="image that was baked")
    parser.add_argument(
        "log", type=Path, nargs="?", metavar="LOG", help="its console (default: standard input)"
    )
    add_debug_option(parser)


def add_debug_option(parser: argparse.ArgumentParser) -> None:
    """Declare the option that says where symbols are."""
    parser.add_argument(
        "--debug",
        type=Path,
        action="append",
        default=[],
        metavar="FILE|DIR",
        help="unstripped program, or directory of those or of -dbgsym packages (repeatable)",
    )


def main(arguments: argparse.Namespace) -> int:
    """Copy the log to standard output, with what the reports in it mean."""
    image = read_image(arguments.directory)
    with temporary_tree() as scratch:
        files, ranges = {}, _ranges_of_base(find_board(image.board).base(arguments.directory))
        for program, content in read_programs(image, arguments.directory).items():
            path = symbol_file(program, content, arguments.debug, scratch)
            if path is None:
                ui.warn(f"{program.name} has no symbols; give those of its build with --debug")
            else:
                files[program.path.rpartition("/")[2]] = path
                if not is_movable(content):
                    start = slot_start(content)
                    end = start + SLOT_SIZE
                    ranges.append(Range(start=start, end=end, offset=start, file=path))
        symbolizer = Symbolizer(files, ranges)
        if arguments.log is None:
            _copy(sys.stdin.buffer, symbolizer)
            return 0
        try:
            with arguments.log.open("rb") as log:
                _copy(log, symbolizer)
        except FileNotFoundError as error:
            raise MissingError(f"{arguments.log}: no such log") from error
    return 0


def _ranges_of_base(base: Path | None) -> list[Range]:
    return [Range(start=MEMORY_BASE, end=1 << 64, offset=0, file=base)] if base else []


def _copy(log: IO[bytes], symbolizer: Symbolizer) -> None:
    while line := log.readline(_LINE_LIMIT):
        sys.stdout.buffer.write(symbolizer.line(line))
        sys.stdout.buffer.flush()
