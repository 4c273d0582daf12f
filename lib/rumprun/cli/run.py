# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb run``: boot an image in QEMU, and end as its program ended."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rumprun.bake.image import read_image
from rumprun.config.check import parse_document
from rumprun.config.document import document_text
from rumprun.config.text import read_bytes
from rumprun.errors import UsageError
from rumprun.lab.accelerator import CHOICES
from rumprun.lab.qemu import RunRequest, run_image

HELP = "boot an image in QEMU and exit with its program's status"

TAKES_PROGRAM_ARGUMENTS = True

_MOST_MEMORY = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.usage = "rumpdeb run [OPTION…] DIR [-- ARG…]"
    parser.epilog = (
        "With --, what follows replaces the arguments that were baked in, those of the first "
        "program where there are several."
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="image that was baked")
    parser.add_argument(
        "--memory", type=memory_size, metavar="MB", help="the machine's memory (default: as needed)"
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="runtime configuration in JSON, section by section over the one baked in",
    )
    parser.add_argument(
        "--timeout", type=_seconds, metavar="S", help="stop the machine after S seconds"
    )
    parser.add_argument(
        "--accel",
        choices=CHOICES,
        default="auto",
        help="KVM, or TCG that needs no hardware (default: %(default)s, KVM where it works)",
    )
    parser.add_argument("--verbose", action="store_true", help="show what the kernel says")


def main(arguments: argparse.Namespace) -> int:
    """Run the image; its console is our standard output, its program's status ours."""
    request = RunRequest(
        arguments=arguments.program_arguments,
        config=_config(arguments),
        memory=arguments.memory,
        timeout=arguments.timeout,
        accelerator=arguments.accel,
        verbose=arguments.verbose,
    )
    sys.stdout.flush()
    return run_image(arguments.directory, request, sink=_to_stdout).status


def _config(arguments: argparse.Namespace) -> str | None:
    """The text of the configuration, which has to fit the image's programs."""
    image = read_image(arguments.directory)
    document = None
    if arguments.config:
        names = [program.name for program in image.programs]
        data = read_bytes(arguments.config)
        document = parse_document(data, where=str(arguments.config), programs=names)
    starts = document is not None and document.rc is not None
    if arguments.program_arguments is not None and (starts or "rc" in (image.config or {})):
        raise UsageError(
            "arguments for a program, and a configuration with rc that says them",
            hint="write them there, and give it with --config",
        )
    return document_text(document) if document else None


def _to_stdout(chunk: bytes) -> None:
    """Pass on at once and unchanged: a program's output need not be text."""
    while chunk:
        chunk = chunk[os.write(sys.stdout.fileno(), chunk) :]


def memory_size(word: str) -> int:
    """The number of MB that an option has as its value."""
    value = int(word)
    if not 0 < value <= _MOST_MEMORY:
        raise argparse.ArgumentTypeError(f"{word} is no sensible memory size in MB")
    return value


def _seconds(word: str) -> float:
    value = float(word)
    # Not "<= 0": that lets nan pass.
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is no time in seconds")
    return value
