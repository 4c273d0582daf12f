# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb targets``: what variants can be compiled for on this machine."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from rumprun.errors import InputError, MissingError
from rumprun.target.descriptor import (
    Target,
    installed_tools,
    load_target,
    read_descriptor,
    target_names,
)
from rumprun.target.prefix import Prefix, compiler_version, find_prefix
from rumprun.target.probe import probe
from rumprun.target.tools import provide_tools

HELP = "list the targets that variants can be compiled for"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--probe", action="store_true", help="compile, link and bake a probe with each prefix"
    )
    parser.add_argument(
        "prefix", type=Path, nargs="?", metavar="PREFIX", help="an upstream Rumprun to look at"
    )


def main(arguments: argparse.Namespace) -> int:
    """Print each target with its triple and whether its compiler is there.

    With a prefix that is named, what is wrong with that is an error.
    """
    rows = [_row(read_descriptor(name), arguments) for name in target_names()]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        compiler = row["compiler"]
        state = f"compiler {compiler}" if compiler else row.get("wrong", "compiler not installed")
        print(f"{row['name']}  {row['triple']}  {row['description']}; {state}")
        if row.get("prefix"):
            _print_prefix(row["prefix"])
    return 0


def _row(target: Target, arguments: argparse.Namespace) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": target.name,
        "triple": target.triple,
        "description": target.description,
        "compiler": None,
        "boards": list(target.boards),
    }
    named = arguments.prefix
    try:
        if target.prefix_machine is not None and (named or not installed_tools(target).is_file()):
            prefix = find_prefix(target.triple, named)
            target = dataclasses.replace(target, root=provide_tools(target.name, prefix))
            row["prefix"] = _prefix_row(prefix, target, tried=arguments.probe or named is not None)
            row["boards"] = [board for board in target.boards if board in row["prefix"]["boards"]]
        else:
            target = load_target(target.name)
    except (InputError, MissingError) as error:
        if named:
            raise
        row["wrong"] = str(error)
        return row
    compiler = target.bin / f"{target.triple}-gcc"
    row["compiler"] = str(compiler) if compiler.exists() else None
    return row


def _prefix_row(prefix: Prefix, target: Target, *, tried: bool) -> dict[str, Any]:
    steps = probe(prefix, target.root) if tried else ()
    return {
        "path": str(prefix.path),
        "platforms": list(prefix.platforms),
        "backing": compiler_version(prefix),
        "boards": {
            name: text
            for name, text in prefix.boards.items()
            if name.partition("_")[0] in prefix.platforms
        },
        "probe": {step.name: step.wrong or "yes" for step in steps},
    }


def _print_prefix(prefix: dict[str, Any]) -> None:
    print(f"    prefix {prefix['path']}, platforms {', '.join(prefix['platforms'])}")
    print(f"    backing compiler {prefix['backing']}")
    print(f"    boards {', '.join(prefix['boards'])}")
    for name, said in prefix["probe"].items():
        print(f"    {name}: {said}")
