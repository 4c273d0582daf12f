# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb build``: the variants of archive sources, as packages."""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun import ui
from rumprun.archive.local_build import LocalBuild
from rumprun.archive.model import Node
from rumprun.cli import build_repository, given_plan
from rumprun.cli.given_plan import locate_planned, plan_of
from rumprun.cli.plan import add_plan_arguments
from rumprun.cli.sources import (
    add_build_arguments,
    add_output_argument,
    add_source_arguments,
    fetch_choices,
    unpack_source,
)
from rumprun.cli.target_option import chosen_target
from rumprun.errors import RumprunError, SystemFault, UsageError
from rumprun.source.dsc import unpack
from rumprun.source.needs import build_order
from rumprun.source.package import SourcePackage, read_source_tree
from rumprun.target.descriptor import Target
from rumprun.variant.sysroot import Variant
from rumprun.variant.variant_pass import PassOptions
from rumprun.workdir import remove_tree, temporary_tree

HELP = "build the static variants of Debian source packages"

_DEFAULT_TIMEOUT_MINUTES = 240


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    add_source_arguments(parser, nargs="*")
    add_output_argument(parser, "packages and logs go; variants already there are used")
    add_build_arguments(parser, "step of a source's build", minutes=_DEFAULT_TIMEOUT_MINUTES)
    add_plan_arguments(parser)
    given_plan.add_arguments(parser)
    build_repository.add_arguments(parser)
    parser.add_argument(
        "--variants",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="variants in this directory are used, too; may be given more than once",
    )
    parser.add_argument(
        "--only-named",
        action="store_true",
        help="do not build what the sources named need; do without what is not at hand",
    )
    parser.add_argument(
        "--no-check-builddeps",
        dest="check_builddeps",
        action="store_false",
        help="do not look whether Build-Depends are installed",
    )
    parser.add_argument(
        "--check", action="store_true", help="also run the source's own tests on the variant"
    )
    parser.add_argument(
        "--check-timeout",
        type=float,
        metavar="MINUTES",
        help="limit for each step of the own tests (default: that of --timeout)",
    )
    parser.add_argument("--keep", action="store_true", help="keep the build trees and say where")
    parser.add_argument("--json", action="store_true", help="print the packages as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Build all sources named and what they need, in that order.

    One that fails does not keep the others from being built; the status is that of the first
    that was asked for and failed.
    """
    if arguments.jobs < 1:
        raise UsageError("--jobs must be at least 1")
    given_plan.check(arguments)
    target = chosen_target(arguments)
    target.tool("gcc")
    if arguments.check and not target.runs_here:
        raise UsageError(
            f"--check: programs of target {target.name} do not run on the machine that builds them",
            hint="leave it out",
        )
    with temporary_tree() as downloads:
        if not arguments.only_named:
            fetch_choices(arguments, downloads)
        if arguments.repo is not None:
            return build_repository.main(arguments, target)
        return _build_here(arguments, target)


def _build_here(arguments: argparse.Namespace, target: Target) -> int:
    output: Path = arguments.output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    builder = LocalBuild(
        target=target,
        output=output,
        options=PassOptions(
            jobs=arguments.jobs,
            timeout=arguments.timeout * 60,
            check_timeout=arguments.check_timeout and arguments.check_timeout * 60,
        ),
        variants=tuple(path.absolute() for path in arguments.variants),
        recipes=tuple(arguments.recipe),
        install_deps=arguments.install_deps,
        check_builddeps=arguments.check_builddeps,
        check=arguments.check,
    )
    with temporary_tree(keep=arguments.keep) as work:
        packages, failed = _build_all(arguments, builder, work)
    _report(packages, as_json=arguments.json)
    return failed[0].exit_code if failed else 0


@dataclass(frozen=True, kw_only=True)
class _Item:
    """A source in its turn: ``unpack`` gives its tree, below a directory that is empty."""

    name: str
    asked: bool
    unpack: Callable[[Path], Path]


def _build_all(
    arguments: argparse.Namespace, builder: LocalBuild, work: Path
) -> tuple[list[Path], list[RumprunError]]:
    """The packages built, and the errors of the sources asked for that failed."""
    packages: list[Path] = []
    failed: list[RumprunError] = []
    items = _items(arguments, builder.target, work)
    for number, item in enumerate(items):
        directory = work / f"build{number}"
        try:
            packages += _build(item, builder, directory)
        except SystemFault:
            raise
        except RumprunError as error:
            if len(items) == 1:
                raise
            if item.asked:
                ui.fail(str(error))
                failed.append(error)
            else:
                ui.warn(f"{item.name} is done without where that can be: {error}")
        if not arguments.keep:
            remove_tree(directory)
    return packages, failed


def _build(item: _Item, builder: LocalBuild, directory: Path) -> tuple[Path, ...]:
    directory.mkdir()
    tree = item.unpack(directory)
    source = read_source_tree(tree)
    if not item.asked and _is_at_hand(source, builder.pool().values()):
        return ()
    work = directory / "work"
    work.mkdir()
    return builder.build(tree, source, work)


def _is_at_hand(source: SourcePackage, variants: Iterable[Variant]) -> bool:
    made_of = {(variant.source, variant.source_version) for variant in variants}
    return (source.name, source.version) in made_of


def _items(arguments: argparse.Namespace, target: Target, work: Path) -> Sequence[_Item]:
    """What to build, each after what it needs."""
    if arguments.only_named:
        return _named(arguments, target, work)
    plan = plan_of(arguments, target)
    if len(plan.nodes) > len(plan.asked):
        ui.note(f"to build, in this order: {', '.join(node.source for node in plan.nodes)}")
    return [
        _Item(
            name=node.source,
            asked=node.source in plan.asked,
            unpack=functools.partial(_unpack_planned, arguments, node),
        )
        for node in plan.nodes
    ]


def _unpack_planned(arguments: argparse.Namespace, node: Node, directory: Path) -> Path:
    return unpack(locate_planned(arguments, node, directory), directory / "tree")


def _named(arguments: argparse.Namespace, target: Target, work: Path) -> Sequence[_Item]:
    """The sources on the command line, unpacked already: only their trees tell their order."""
    trees: dict[str, Path] = {}
    sources: list[SourcePackage] = []
    for number, word in enumerate(arguments.sources):
        tree = unpack_source(word, arguments, work / f"source{number}")
        source = read_source_tree(tree)
        sources.append(source)
        trees[source.name] = tree
    return [
        _Item(name=source.name, asked=True, unpack=functools.partial(_kept, trees[source.name]))
        for source in build_order(sources, target.dpkg_architecture)
    ]


def _kept(tree: Path, _directory: Path) -> Path:
    return tree


def _report(packages: Iterable[Path], *, as_json: bool) -> None:
    names: Sequence[str] = [str(path) for path in packages]
    if as_json:
        print(json.dumps(names, indent=2))
    else:
        print("\n".join(names))
