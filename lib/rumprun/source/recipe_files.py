# SPDX-License-Identifier: BSD-2-Clause
"""Where recipes are found: with the caller, the user, the source, and those shipped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rumprun import paths
from rumprun.errors import InputError, MissingError, UsageError
from rumprun.source.package import read_source_tree
from rumprun.source.recipe import Recipe, parse_recipe
from rumprun.source.recipe_schema import PACKAGE_NAME
from rumprun.wording import shown

# In a source, beside debian/rules: the maintainer's own recipe.
IN_SOURCE = Path("debian") / "rumprun.toml"

_SUFFIX = ".toml"


def load_recipe(
    source_name: str,
    version: str,
    *,
    directories: Sequence[Path] = (),
    tree: Path | None = None,
) -> Recipe | None:
    """The recipe for one source; ``None``: there is none.

    The first found counts: in ``directories``, which may also be files, each for the source
    that it is named for; in those of ``RUMPRUN_RECIPES``; in the source's unpacked ``tree``;
    among those shipped. Raises :class:`UsageError` for a directory that is not there, and
    :class:`InputError` for a recipe that is not valid, or not for ``version``.
    """
    path = _find(source_name, directories, tree)
    if path is None:
        return None
    own = tree is not None and path == tree / IN_SOURCE
    origin = f"{IN_SOURCE} of {source_name}" if own else str(path)
    recipe = parse_recipe(_text(path, origin), name=source_name, origin=origin)
    if not recipe.is_for(version):
        raise InputError(
            f"{origin}: versions: {shown(recipe.versions)} does not cover {source_name} {version}",
            hint="see what of it is still needed and correct versions, or remove the file",
        )
    return recipe


def read_recipe(path: Path) -> Recipe:
    """The recipe in the file ``path``, for whatever version.

    It is for the source that the file is named for; ``debian/rumprun.toml`` is for the source
    that it lies in. Raises :class:`MissingError` or :class:`InputError`.
    """
    if not path.is_file():
        raise MissingError(f"{path}: no such file", hint=f"a recipe is a file SOURCE{_SUFFIX}")
    if path.suffix != _SUFFIX or not re.fullmatch(PACKAGE_NAME, path.stem):
        raise InputError(f"{path}: not a recipe's name", hint=f"call it SOURCE{_SUFFIX}")
    place = path.absolute()
    in_source = place.parts[-2:] == IN_SOURCE.parts
    name = read_source_tree(place.parents[1]).name if in_source else path.stem
    return parse_recipe(_text(path, str(path)), name=name, origin=str(path))


def find_recipes() -> tuple[Path, ...]:
    """The files in the directories of ``RUMPRUN_RECIPES`` and of those shipped, by source.

    Of several for one source the first is meant, as :func:`load_recipe` has it.
    """
    found: dict[str, Path] = {}
    for directory in (*_directories_of_user(), paths.RECIPES):
        for path in sorted(directory.glob(f"*{_SUFFIX}")):
            found.setdefault(path.stem, path)
    return tuple(found[name] for name in sorted(found))


def _find(source_name: str, directories: Sequence[Path], tree: Path | None) -> Path | None:
    file_name = f"{source_name}{_SUFFIX}"
    candidates = []
    for place in directories:
        if not place.exists() or (place.is_file() and place.suffix != _SUFFIX):
            raise UsageError(
                f"{place}: neither a recipe nor a directory of recipes",
                hint=f"a recipe is a file SOURCE{_SUFFIX}",
            )
        candidates.append(place / file_name if place.is_dir() else place)
    candidates += [directory / file_name for directory in _directories_of_user()]
    known = [path for path in candidates if path.name == file_name]
    known += [tree / IN_SOURCE] if tree is not None else []
    known.append(paths.RECIPES / file_name)
    return next((path for path in known if path.is_file()), None)


def _directories_of_user() -> tuple[Path, ...]:
    directories = paths.recipe_directories()
    for directory in directories:
        if not directory.is_dir():
            raise UsageError(f"RUMPRUN_RECIPES: {directory}: no such directory")
    return directories


def _text(path: Path, origin: str) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(
            f"{origin}: line {line} is not UTF-8", hint="convert it with iconv(1)"
        ) from error
