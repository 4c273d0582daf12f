# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb plan``: which sources have to be built for those named, why, and in which order."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

from rumprun import ui
from rumprun.archive.closure import Choices
from rumprun.archive.local_source import read_local_source
from rumprun.archive.model import Plan
from rumprun.archive.plan import make_plan
from rumprun.archive.plan_text import as_dot, as_html, as_json, as_lines
from rumprun.archive.suite import Catalogue, suite_index
from rumprun.cli.sources import (
    DSC,
    add_offline_argument,
    add_recipe_argument,
    add_source_arguments,
    fetch_choices,
)
from rumprun.cli.target_option import add_target_argument, chosen_target
from rumprun.source.dsc import read_dsc
from rumprun.source.recipe import Recipe
from rumprun.source.recipe_files import load_recipe
from rumprun.target.descriptor import Target
from rumprun.workdir import atomic_path, temporary_tree

# What a plan says where no suite was chosen.
ANY_SUITE = "the archive"

HELP = "show which sources have to be built for those named, why, and in which order"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    add_source_arguments(parser)
    add_plan_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the plan as JSON")
    form.add_argument("--dot", action="store_true", help="print a graph for graphviz")
    form.add_argument("--html", type=Path, metavar="FILE", help="write a page with a picture")


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what a plan can be told, for all subcommands that make one."""
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="NAME",
        help="build without this library, a -dev package or all of a source;"
        " may be given more than once",
    )
    add_target_argument(parser)
    add_recipe_argument(parser)
    add_offline_argument(parser)


def main(arguments: argparse.Namespace) -> int:
    """Print the plan, or write it."""
    with temporary_tree() as downloads:
        fetch_choices(arguments, downloads)
        plan = plan_for(arguments, chosen_target(arguments))
    if arguments.html is not None:
        page = as_html(plan)
        with atomic_path(arguments.html) as partial:
            partial.write_text(page, encoding="utf-8")
        ui.note(f"wrote {arguments.html}")
    elif arguments.json:
        print(as_json(plan))
    else:
        print(as_dot(plan) if arguments.dot else "\n".join(as_lines(plan)))
    return 0


def sources_by_name(words: Iterable[str]) -> dict[str, str]:
    """What ``words`` of a command line mean: the names of sources, each with its word."""
    return {read_dsc(Path(word)).name if word.endswith(DSC) else word: word for word in words}


def recipe_finder(arguments: argparse.Namespace) -> Callable[[str, str], Recipe | None]:
    """What finds a source's recipe by its name and version, where the user said to look."""

    def find(name: str, version: str) -> Recipe | None:
        return load_recipe(name, version, directories=arguments.recipe)

    return find


def plan_for(arguments: argparse.Namespace, target: Target) -> Plan:
    """The plan for the sources on the command line."""
    names = sources_by_name(arguments.sources)
    local = {
        name: read_local_source(Path(word)) for name, word in names.items() if word.endswith(DSC)
    }
    architecture = target.dpkg_architecture
    catalogue = Catalogue(
        lambda: suite_index(
            arguments.suite,
            architecture,
            wanted=", ".join(names),
            enable_deb_src=arguments.enable_deb_src,
            offline=arguments.offline,
        ),
        local,
        local_will_do=len(local) == len(names),
    )
    choices = Choices(
        architecture=architecture,
        without=frozenset(arguments.without),
        recipe_for=recipe_finder(arguments),
    )
    suite = arguments.suite or ANY_SUITE
    return make_plan(names, catalogue, choices, target=target.name, suite=suite)
