# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb diff``: what a source's native build has and its variant has not, and why."""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rumprun import ui
from rumprun.cli.sources import (
    add_build_arguments,
    add_recipe_argument,
    add_source_arguments,
    unpack_source,
)
from rumprun.errors import MissingError, UsageError
from rumprun.source.build_depends import install_packages, look_up, unmet_build_depends
from rumprun.source.package import SourcePackage, read_source_tree
from rumprun.source.recipe_files import load_recipe
from rumprun.target.descriptor import Target, load_target
from rumprun.variant.difference import Cause, Difference, Inputs, compare
from rumprun.variant.difference.configure import NATIVE_PROFILES
from rumprun.variant.variant_pass import PassOptions
from rumprun.workdir import temporary_tree

HELP = "tell what the native build has and the variant has not, and why"

_DEFAULT_TIMEOUT_MINUTES = 60
_UNEXPLAINED = 1
_LONGEST = 48


@dataclass(frozen=True, kw_only=True)
class _Compared:
    source: SourcePackage
    differences: tuple[Difference, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    add_source_arguments(parser)
    parser.add_argument(
        "--variants",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where the variants are, those that its build uses too (default: here)",
    )
    parser.add_argument(
        "--native",
        type=Path,
        metavar="DIR",
        help="where the native packages are (default: they are downloaded with apt-get)",
    )
    add_recipe_argument(parser)
    parser.add_argument(
        "--packages-only",
        action="store_true",
        help="compare packages alone; nothing is configured",
    )
    add_build_arguments(parser, "configure step", minutes=_DEFAULT_TIMEOUT_MINUTES)
    parser.add_argument(
        "--strict", action="store_true", help="end with status 1 if a reason is unknown"
    )
    parser.add_argument("--keep", action="store_true", help="keep the build trees and say where")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(arguments: argparse.Namespace) -> int:
    """Compare all sources named."""
    if arguments.jobs < 1:
        raise UsageError("--jobs must be at least 1")
    for directory in (arguments.variants, arguments.native):
        if directory is not None and not directory.is_dir():
            raise MissingError(f"{directory}: no such directory", hint="check the name")
    target = load_target()
    target.tool("gcc")
    compared = []
    with temporary_tree(keep=arguments.keep) as work:
        for number, name in enumerate(arguments.sources):
            compared.append(_compare(name, target, work / f"source{number}", arguments))
    if arguments.json:
        print(json.dumps([_to_json(item) for item in compared], indent=2))
    else:
        for item in compared:
            _show(item)
    unknown = any(d.reason.cause is Cause.UNKNOWN for item in compared for d in item.differences)
    return _UNEXPLAINED if arguments.strict and unknown else 0


def _compare(
    name: str, target: Target, directory: Path, arguments: argparse.Namespace
) -> _Compared:
    tree = unpack_source(name, arguments, directory)
    source = read_source_tree(tree)
    # The work tree goes; a log that an error names has to stay.
    name = f"{source.name}_{source.version.rpartition(':')[2]}_{target.name}.diff.log"
    log = (arguments.variants / name).absolute()
    log.unlink(missing_ok=True)
    inputs = _inputs(tree, source, target, log, arguments)
    options = PassOptions(jobs=arguments.jobs, timeout=arguments.timeout * 60)
    compare_in = directory / "compare"
    compare_in.mkdir()
    differences = compare(inputs, work=compare_in, log=log, options=options)
    log.unlink(missing_ok=True)
    return _Compared(source=source, differences=differences)


def _inputs(
    tree: Path, source: SourcePackage, target: Target, log: Path, arguments: argparse.Namespace
) -> Inputs:
    documents = True
    if not arguments.packages_only:
        documents = _provide_build_depends(tree, source, log, install=arguments.install_deps)
    return Inputs(
        tree=tree,
        source=source,
        target=target,
        variants=arguments.variants.absolute(),
        native=arguments.native.absolute() if arguments.native else None,
        recipe=load_recipe(source.name, source.version, directories=arguments.recipe, tree=tree),
        configure=not arguments.packages_only,
        documents=documents,
    )


def _provide_build_depends(tree: Path, source: SourcePackage, log: Path, *, install: bool) -> bool:
    """See that what the native build wants is installed; whether it can make documentation.

    What only documentation is made with may be missing: a variant has none.
    """
    missing = unmet_build_depends(tree, NATIVE_PROFILES)
    known = look_up(missing)
    needed = [name for name in missing if name not in known or not known[name].is_for_documents]
    if install and needed:
        with ui.step(f"{source.name}: installing {', '.join(needed)}"):
            install_packages(needed, log=log)
    elif needed:
        raise MissingError(
            f"{source.name} does not configure natively without: {', '.join(needed)}",
            hint=f"run 'apt-get install {' '.join(needed)}', or give --install-deps,"
            " or --packages-only",
        )
    return len(needed) == len(missing)


def _to_json(compared: _Compared) -> dict[str, object]:
    return {
        "source": compared.source.name,
        "version": compared.source.version,
        "differences": [difference.to_json() for difference in compared.differences],
    }


def _show(compared: _Compared) -> None:
    """A heading, a table for each kind, and the causes counted."""
    console = Console(highlight=False)
    if not console.is_terminal:
        # As wide as it gets: a file has no edge, and lines that wrap cannot be searched.
        console = Console(highlight=False, width=200)
    title = f"{compared.source.name} {compared.source.version}"
    console.print(Text(f"{title}: {_count(len(compared.differences), 'difference')}", style="bold"))
    for kind, group in itertools.groupby(compared.differences, key=lambda item: item.kind):
        console.print()
        console.print(_table(kind.value, list(group)))
    causes = Counter(difference.reason.cause.value for difference in compared.differences)
    if causes:
        console.print()
        console.print(
            Text("reasons: " + ", ".join(f"{word} {n}" for word, n in causes.most_common()))
        )


def _table(title: str, differences: Sequence[Difference]) -> Table:
    table = Table(box=None, pad_edge=False, title_justify="left", header_style="bold")
    for heading in (title, "where", "native", "variant", "reason"):
        table.add_column(heading, overflow="fold")
    for item in differences:
        unknown = item.reason.cause is Cause.UNKNOWN
        cells = (item.name, item.where, _short(item.native), _short(item.variant))
        reason = Text(str(item.reason), style="yellow" if unknown else "")
        table.add_row(*map(Text, cells), reason)
    return table


def _short(value: str | None) -> str:
    if value is None:
        return "-"
    text = value or '""'
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
