# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb convert``: archive sources re-issued with ``-rumprun`` packages."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rumprun.cli.sources import (
    add_output_argument,
    add_recipe_argument,
    add_source_arguments,
    locate_dsc,
)
from rumprun.source.convert import Converted, convert
from rumprun.workdir import temporary_tree

HELP = "add -rumprun packages to Debian source packages, leaving upstream as it is"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    add_source_arguments(parser)
    add_output_argument(parser, "the new source packages go")
    add_recipe_argument(parser)
    parser.add_argument("--keep", action="store_true", help="keep the work trees and say where")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Convert each source named, in the order given."""
    output: Path = arguments.output.absolute()
    converted: list[Converted] = []
    with temporary_tree() as downloads:
        for number, name in enumerate(arguments.sources):
            dsc = locate_dsc(name, arguments, downloads / str(number))
            converted.append(
                convert(dsc, output=output, keep=arguments.keep, recipes=arguments.recipe)
            )
    _report(converted, as_json=arguments.json)
    return 0


def _report(converted: Sequence[Converted], *, as_json: bool) -> None:
    if not as_json:
        for item in converted:
            print(item.dsc)
        return
    rows = [
        {
            "source": item.name,
            "version": item.version,
            "dsc": str(item.dsc),
            "files": [str(path) for path in item.files],
            "variants": list(item.variants),
        }
        for item in converted
    ]
    print(json.dumps(rows, indent=2))
