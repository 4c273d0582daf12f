# SPDX-License-Identifier: BSD-2-Clause
"""Where recipes are found, and which of several counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun import paths
from rumprun.errors import InputError, MissingError, UsageError
from rumprun.source.recipe_files import find_recipes, load_recipe, read_recipe
from unit.source_samples import write_tree

ONE = '[[configure]]\narguments = ["--x"]\nreason = "why"\n'


@pytest.fixture(name="shipped")
def _shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that stands for that of the shipped recipes; the user has none."""
    directory = tmp_path / "shipped"
    directory.mkdir()
    monkeypatch.setattr(paths, "RECIPES", directory)
    monkeypatch.delenv("RUMPRUN_RECIPES", raising=False)
    return directory


def put(directory: Path, name: str, text: str = ONE) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_first_found_counts(
    tmp_path: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = write_tree(tmp_path / "tree")
    monkeypatch.setenv("RUMPRUN_RECIPES", f"{tmp_path}:{tmp_path / 'user'}")

    def origin() -> str | None:
        given = [tmp_path / "given", tmp_path / "other.toml"]
        recipe = load_recipe("sample", "1:2.0-3", directories=given, tree=tree)
        return recipe.origin if recipe else None

    put(tmp_path, "other")
    (tmp_path / "given").mkdir()
    (tmp_path / "user").mkdir()
    assert origin() is None
    last = put(shipped, "sample")
    assert origin() == str(last)
    put(tree / "debian", "rumprun", 'source = "sample"')
    assert origin() == "debian/rumprun.toml of sample"
    second = put(tmp_path / "user", "sample")
    assert origin() == str(second)
    first = put(tmp_path / "given", "sample")
    assert origin() == str(first)


def test_a_file_is_for_the_source_that_it_is_named_for(tmp_path: Path, shipped: Path) -> None:
    path = put(tmp_path, "libpng1.6")
    assert load_recipe("libpng1.6", "1", directories=[path]) is not None
    assert load_recipe("zlib", "1", directories=[path]) is None
    assert not list(shipped.iterdir())


@pytest.mark.usefixtures("shipped")
def test_places_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="neither a recipe nor a directory"):
        load_recipe("zlib", "1", directories=[tmp_path / "none"])
    (tmp_path / "zlib").touch()
    with pytest.raises(UsageError, match="neither a recipe nor a directory"):
        load_recipe("zlib", "1", directories=[tmp_path / "zlib"])
    monkeypatch.setenv("RUMPRUN_RECIPES", str(tmp_path / "none"))
    with pytest.raises(UsageError, match=r"RUMPRUN_RECIPES: .*/none: no such directory"):
        load_recipe("zlib", "1")


def test_a_stale_recipe_is_refused(shipped: Path) -> None:
    put(shipped, "zlib", 'versions = "<< 1:1.3"')
    assert load_recipe("zlib", "1:1.2.13.dfsg-1") is not None
    with pytest.raises(
        InputError, match=r"'<< 1:1.3' does not cover zlib 1:1.3-1.*remove the file"
    ):
        load_recipe("zlib", "1:1.3-1")


def test_a_recipe_that_is_not_text(shipped: Path) -> None:
    (shipped / "zlib.toml").write_bytes(b"# one\n# \xff\n")
    with pytest.raises(InputError, match=r"zlib\.toml: line 2 is not UTF-8"):
        load_recipe("zlib", "1")


def test_one_file_read(tmp_path: Path) -> None:
    assert read_recipe(put(tmp_path, "libpng1.6")).source == "libpng1.6"
    tree = write_tree(tmp_path / "tree")
    put(tree / "debian", "rumprun")
    assert read_recipe(tree / "debian" / "rumprun.toml").source == "sample"
    with pytest.raises(MissingError, match="no such file"):
        read_recipe(tmp_path / "none.toml")
    for name in ("x.txt", "My File.toml"):
        (tmp_path / name).touch()
        with pytest.raises(InputError, match="not a recipe's name"):
            read_recipe(tmp_path / name)


def test_all_found_are_listed_once(
    tmp_path: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(shipped, "zlib")
    other = put(shipped, "expat")
    own = put(tmp_path / "user", "zlib")
    monkeypatch.setenv("RUMPRUN_RECIPES", str(tmp_path / "user"))
    assert find_recipes() == (other, own)


def test_the_shipped_recipes_are_valid_and_say_something() -> None:
    for path in sorted(paths.RECIPES.glob("*.toml")):
        assert read_recipe(path).lines > 0, path.name
