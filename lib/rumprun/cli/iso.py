# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb iso``: write a disc that boots an image on a PC."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rumprun.bake.board import SERIAL_CONSOLE, BootRequest, find_board
from rumprun.bake.image import check_files, read_image
from rumprun.bake.initramfs import source_date
from rumprun.bake.iso import write_iso
from rumprun.cli.override import add_override_arguments, read_override
from rumprun.config.document import document_text
from rumprun.errors import UsageError
from rumprun.workdir import temporary_tree

HELP = "write an image to a bootable ISO image"

TAKES_PROGRAM_ARGUMENTS = True

_MIB = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.usage = "rumpdeb iso [OPTION…] -o FILE DIR [-- ARG…]"
    add_override_arguments(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="file to write"
    )
    parser.add_argument(
        "--console",
        action="append",
        type=_console,
        metavar="DEVICE",
        help="where the kernel talks; programs use the last one (repeatable; "
        f"default: {SERIAL_CONSOLE})",
    )
    parser.add_argument("--verbose", action="store_true", help="let the kernel talk")


def main(arguments: argparse.Namespace) -> int:
    """Write the file, and say so."""
    image = read_image(arguments.directory)
    document = read_override(image, arguments)
    check_files(image, arguments.directory)
    if arguments.output.is_dir():
        raise UsageError(f"{arguments.output} is a directory", hint="give a file with -o")
    request = BootRequest(
        arguments=arguments.program_arguments,
        config=document_text(document) if document else None,
        consoles=tuple(arguments.console or (SERIAL_CONSOLE,)),
        verbose=arguments.verbose,
    )
    # Beside the file: a disc may be large, and /tmp small.
    arguments.output.absolute().parent.mkdir(parents=True, exist_ok=True)
    with temporary_tree(parent=arguments.output.absolute().parent) as scratch:
        boot = find_board(image.board).boot(image, arguments.directory, request, scratch)
        write_iso(boot, arguments.output, scratch, date=source_date())
    print(f"{arguments.output}: {arguments.output.stat().st_size / _MIB:.1f} MiB")
    return 0


def _console(word: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]+(,[A-Za-z0-9]+)*", word):
        raise argparse.ArgumentTypeError(f"{word} is no console, such as {SERIAL_CONSOLE} or tty0")
    return word
