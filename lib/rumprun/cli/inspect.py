# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb inspect``: what is in an image, and from which sources."""

from __future__ import annotations

import argparse
from pathlib import Path

from rumprun.bake.image import read_image
from rumprun.bake.inspect import as_json, as_lines, as_page, inspect
from rumprun.workdir import atomic_path

HELP = "show what is in an image, and from which sources"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument("directory", type=Path, metavar="IMAGE", help="image that was baked")
    parser.add_argument("--json", action="store_true", help="print JSON, with the SBOM in it")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="also write a page with a treemap of the sizes"
    )


def main(arguments: argparse.Namespace) -> int:
    """Print what the image says, and write the page where it is wanted."""
    directory: Path = arguments.directory
    found = inspect(read_image(directory), directory)
    if arguments.html:
        page = as_page(found, directory.absolute().name)
        with atomic_path(arguments.html) as partial:
            partial.write_text(page, encoding="utf-8")
    if arguments.json:
        print(as_json(found))
    else:
        print("\n".join(as_lines(found)))
    return 0
