# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb bake``: make a bootable image of a program."""

from __future__ import annotations

import argparse
from pathlib import Path

from rumprun.bake.board import BakeRequest, all_boards, find_board
from rumprun.bake.image import image_text
from rumprun.bake.initramfs import source_date
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.output import bake_image
from rumprun.errors import UsageError
from rumprun.target.descriptor import DEFAULT_TARGET, load_target

HELP = "make a bootable image of a static program"

TAKES_PROGRAM_ARGUMENTS = True

_MIB = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    boards = "; ".join(f"{board.name}: {board.description}" for board in all_boards().values())
    parser.usage = "rumpdeb bake [OPTION…] -o DIR PROG [--] [ARG…]"
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="directory to write"
    )
    parser.add_argument("--board", default="linux", metavar="NAME", help=boards)
    parser.add_argument("--target", default=DEFAULT_TARGET, metavar="NAME", help="see 'targets'")
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable of the program's environment (repeatable)",
    )
    kernel = parser.add_mutually_exclusive_group()
    kernel.add_argument(
        "--kernel", type=Path, metavar="FILE", help="kernel to use instead of the archive's"
    )
    kernel.add_argument(
        "--kernel-package",
        default=DEFAULT_PACKAGE,
        metavar="PACKAGE",
        help="package to take the kernel from (default: %(default)s)",
    )
    parser.add_argument("--offline", action="store_true", help="use the cache only")
    parser.add_argument("--json", action="store_true", help="print the image's description")
    parser.add_argument("program", type=Path, metavar="PROG", help="static program to bake")
    parser.add_argument(
        "arguments",
        nargs="*",
        metavar="ARG",
        help="its arguments; write -- before them where one starts with -",
    )


def main(arguments: argparse.Namespace) -> int:
    """Bake, and say what came out."""
    request = BakeRequest(
        program=arguments.program,
        arguments=(*arguments.arguments, *(arguments.program_arguments or ())),
        env=tuple(_variable(word) for word in arguments.env),
        target=load_target(arguments.target),
        kernel=arguments.kernel,
        kernel_package=arguments.kernel_package,
        offline=arguments.offline,
        date=source_date(),
    )
    board = find_board(arguments.board)
    image = bake_image(board, request, arguments.output)
    if arguments.json:
        print(image_text(image), end="")
    else:
        kernel = f", {image.kernel.package} {image.kernel.version}" if image.kernel else ""
        print(f"{arguments.output}: {image.board}, {image.size / _MIB:.1f} MiB{kernel}")
    return 0


def _variable(word: str) -> tuple[str, str]:
    name, separator, value = word.partition("=")
    if not name or not separator:
        raise UsageError(f"--env {word}: not NAME=VALUE")
    return name, value
