# SPDX-License-Identifier: BSD-2-Clause
"""What a command line says over what was baked into an image: configuration and arguments."""

from __future__ import annotations

import argparse
from pathlib import Path

from rumprun.bake.image import MOST_MEMORY, Image
from rumprun.config.check import parse_document
from rumprun.config.document import Document
from rumprun.config.text import read_bytes
from rumprun.errors import UsageError


def add_override_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the image's directory and ``--config``; say what follows ``--``."""
    parser.epilog = (
        "With --, what follows replaces the arguments that were baked in, those of the first "
        "program where there are several."
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="image that was baked")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="runtime configuration in JSON, section by section over the one baked in",
    )


def read_override(image: Image, arguments: argparse.Namespace) -> Document | None:
    """The document of ``--config``, None without; it has to fit ``image`` and the arguments."""
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
    return document


def add_memory_argument(parser: argparse.ArgumentParser, *, whose: str) -> None:
    """Declare ``--memory``; ``whose`` is what the memory is of, in the help."""
    parser.add_argument(
        "--memory",
        type=_memory_size,
        metavar="MB",
        help=f"the {whose}'s memory (default: as needed)",
    )


def _memory_size(word: str) -> int:
    """A machine's memory in MiB."""
    value = int(word)
    if not 0 < value <= MOST_MEMORY:
        raise argparse.ArgumentTypeError(f"{word} is no sensible memory size in MB")
    return value
