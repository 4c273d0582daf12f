# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb build``: the variants of archive sources, as packages."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun import ui
from rumprun.cli.sources import (
    add_build_arguments,
    add_output_argument,
    add_source_arguments,
    unpack_source,
)
from rumprun.errors import MissingError, UsageError
from rumprun.source.build_depends import install_packages, look_up, unmet_build_depends
from rumprun.source.naming import PASS_PROFILES, is_variant_name, variant_name
from rumprun.source.needs import build_order
from rumprun.source.package import SourcePackage, read_source_tree
from rumprun.source.recipe import load_recipe
from rumprun.target.descriptor import Target, load_target
from rumprun.variant.build import Built, build_variants
from rumprun.variant.overwrites import check_overwrites
from rumprun.variant.pack import pack
from rumprun.variant.report import render_report
from rumprun.variant.sysroot import Variant, read_pool
from rumprun.variant.variant_pass import PassOptions
from rumprun.workdir import publish, temporary_tree

HELP = "build the static variants of Debian source packages"

_DEFAULT_TIMEOUT_MINUTES = 240


@dataclass(frozen=True, kw_only=True)
class _Unpacked:
    tree: Path
    source: SourcePackage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    add_source_arguments(parser)
    add_output_argument(parser, "packages and logs go; variants already there are used")
    add_build_arguments(parser, "step of a source's build", minutes=_DEFAULT_TIMEOUT_MINUTES)
    parser.add_argument(
        "--recipe",
        type=Path,
        action="append",
        default=[],
        metavar="FILE|DIR",
        help="look here for recipes first; may be given more than once",
    )
    parser.add_argument(
        "--check", action="store_true", help="also run the source's own tests on the variant"
    )
    parser.add_argument("--keep", action="store_true", help="keep the build trees and say where")
    parser.add_argument("--json", action="store_true", help="print the packages as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Build all sources named, in the order that they need one another."""
    if arguments.jobs < 1:
        raise UsageError("--jobs must be at least 1")
    target = load_target()
    target.tool("gcc")
    output: Path = arguments.output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    packages: list[Path] = []
    with temporary_tree(keep=arguments.keep) as work:
        unpacked = [
            _unpack(name, arguments, work / f"source{number}")
            for number, name in enumerate(arguments.sources)
        ]
        trees = {item.source.name: item.tree for item in unpacked}
        order = build_order([item.source for item in unpacked], target.dpkg_architecture)
        for source in order:
            packages += _build(trees[source.name], source, target, output, work, arguments)
    _report(packages, as_json=arguments.json)
    return 0


def _unpack(name: str, arguments: argparse.Namespace, directory: Path) -> _Unpacked:
    tree = unpack_source(name, arguments, directory)
    return _Unpacked(tree=tree, source=read_source_tree(tree))


def _build(
    tree: Path,
    source: SourcePackage,
    target: Target,
    output: Path,
    work: Path,
    arguments: argparse.Namespace,
) -> tuple[Path, ...]:
    """Build and pack one source; its packages appear together, or none does."""
    pool = read_pool(output.glob("*_all.deb"))
    version = source.version.partition(":")[2] or source.version
    stem = f"{source.name}_{version}_{target.name}"
    log = output / f"{stem}.build"
    log.unlink(missing_ok=True)
    recipe = load_recipe(source.name, source.version, directories=arguments.recipe, tree=tree)
    profiles = recipe.profiles() if recipe else PASS_PROFILES
    _provide_build_depends(tree, source, pool, log, profiles, install=arguments.install_deps)
    directory = work / f"build-{source.name}"
    directory.mkdir()
    options = PassOptions(jobs=arguments.jobs, timeout=arguments.timeout * 60)
    with ui.step(f"{source.name} {source.version}: variant for {target.triple}"):
        built = build_variants(
            tree,
            source,
            target,
            pool,
            work=directory,
            log=log,
            options=options,
            recipe=recipe,
            check=arguments.check,
        )
        debs = _pack(built, tree, source, target, directory / "packages")
        check_overwrites(debs, [item.deb for item in pool.values() if item.deb])
        report = directory / f"{stem}.json"
        report.write_text(render_report(built, debs, source, target), encoding="utf-8")
        published = publish((*debs, report), output)
    if built.own_tests:
        ui.note(f"{source.name}: {built.own_tests}")
    return published[:-1]


def _pack(
    built: Built, tree: Path, source: SourcePackage, target: Target, directory: Path
) -> tuple[Path, ...]:
    directory.mkdir()
    return tuple(
        pack(item.harvested, tree, source, target, item.relations, output=directory)
        for item in built.variants
    )


def _provide_build_depends(
    tree: Path,
    source: SourcePackage,
    pool: dict[str, Variant],
    log: Path,
    profiles: frozenset[str],
    *,
    install: bool,
) -> None:
    """See that the build machine has what the source wants; libraries come as variants.

    A library that neither is there as a variant does not stop the build, which may do without.
    """
    missing = [
        name
        for name in unmet_build_depends(tree, profiles)
        if (name if is_variant_name(name) else variant_name(name)) not in pool
        or not name.endswith(("-dev", "-rumprun"))
    ]
    known = look_up(missing)
    missing = [name for name in missing if name not in known or not known[name].is_for_documents]
    if install and missing:
        with ui.step(f"{source.name}: installing {', '.join(missing)}"):
            install_packages(missing, log=log)
        return
    tools = [name for name in missing if name not in known or not known[name].is_library]
    if tools:
        raise MissingError(
            f"{source.name} needs packages that are not installed: {', '.join(tools)}",
            hint=f"run 'apt-get install {' '.join(tools)}', or give --install-deps",
        )


def _report(packages: Iterable[Path], *, as_json: bool) -> None:
    names: Sequence[str] = [str(path) for path in packages]
    if as_json:
        print(json.dumps(names, indent=2))
    else:
        print("\n".join(names))
