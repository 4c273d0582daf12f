# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb recipes``: what sources need beyond what can be derived, and why."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun import paths, ui
from rumprun.errors import InputError, MissingError, RumprunError
from rumprun.source.recipe import Recipe
from rumprun.source.recipe_files import find_recipes, read_recipe
from rumprun.source.recipe_use import check_rules
from rumprun.variant.audit import all_rules
from rumprun.wording import nearest, shown

HELP = "list the recipes of sources, with their reasons, or check them"


@dataclass(frozen=True, kw_only=True)
class _Checked:
    path: Path
    recipe: Recipe | None
    error: RumprunError | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument(
        "recipes",
        nargs="*",
        metavar="SOURCE|FILE",
        help="a source that has a recipe, a recipe, or a directory of them (default: all)",
    )
    parser.add_argument(
        "--check", action="store_true", help="only say whether they are valid, all of them"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(arguments: argparse.Namespace) -> int:
    """List or check the recipes named, or all that are found."""
    files = _files(arguments.recipes)
    if arguments.check:
        return _check(files, as_json=arguments.json)
    recipes = [_read(path) for path in files]
    if arguments.json:
        print(json.dumps([recipe.to_json() for recipe in recipes], indent=2))
    elif not recipes:
        ui.note(f"no recipe in {_places()}")
    for recipe in () if arguments.json else recipes:
        print("\n".join(_listed(recipe)))
    return 0


def _files(names: Sequence[str]) -> tuple[Path, ...]:
    if not names:
        return find_recipes()
    by_source = {path.stem: path for path in find_recipes()}
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir() and name not in by_source:
            found += sorted(path.glob("*.toml"))
        elif "/" in name or path.suffix == ".toml":
            found.append(path)
        elif name in by_source:
            found.append(by_source[name])
        else:
            raise MissingError(
                f"no recipe for {shown(name)} in {_places()}",
                hint=f"{nearest(name, by_source)}a source without one needs none",
            )
    return tuple(found)


def _places() -> str:
    return ", ".join(map(str, (*paths.recipe_directories(), paths.RECIPES)))


def _read(path: Path) -> Recipe:
    recipe = read_recipe(path)
    check_rules(recipe, [rule.name for rule in all_rules()])
    return recipe


def _check(files: Iterable[Path], *, as_json: bool) -> int:
    """Say of each file whether it is valid; the status is that of an invalid document."""
    checked = [_checked(path) for path in files]
    faulty = [one.error for one in checked if one.error]
    if as_json:
        rows = [
            {
                "file": str(one.path),
                "lines": one.recipe.lines if one.recipe else None,
                "error": str(one.error) if one.error else None,
            }
            for one in checked
        ]
        print(json.dumps(rows, indent=2))
    else:
        for error in faulty:
            ui.fail(str(error))
        print(f"{len(checked) - len(faulty)} of {_count(len(checked), 'recipe')} valid")
    return max((error.exit_code for error in faulty), default=0)


def _checked(path: Path) -> _Checked:
    try:
        return _Checked(path=path, recipe=_read(path), error=None)
    except (InputError, MissingError) as error:
        return _Checked(path=path, recipe=None, error=error)


def _listed(recipe: Recipe) -> list[str]:
    """A recipe as lines: each table's entries, and below them the reason that they share."""
    versions = f" ({recipe.versions})" if recipe.versions else ""
    lines = [f"{recipe.source}{versions}: {_count(recipe.lines, 'line')}, {recipe.origin}"]
    tables = itertools.groupby(recipe.entries, key=lambda entry: (entry.key, entry.reason))
    for (key, reason), entries in tables:
        lines.append(f"  {key}: {', '.join(entry.text for entry in entries)}")
        lines.append(f"      {reason}")
    return lines


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
