# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb new``: what it writes, and what it refuses."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from debian.changelog import Changelog
from debian.deb822 import Deb822

from rumprun.bake.skeleton import (
    PackagedProgram,
    Skeleton,
    find_maintainer,
    parse_program,
    write_skeleton,
)
from rumprun.cli.main import main
from rumprun.errors import UsageError
from rumprun.source.relations import exact_versions


def skeleton() -> Skeleton:
    return Skeleton(
        name="tools-image",
        programs=(parse_program("lua5.4-rumprun:bin/lua5.4"), parse_program("greet-rumprun")),
        maintainer="A B <a@b.org>",
        date=1_700_000_000,
    )


def test_the_parts_agree(tmp_path: Path) -> None:
    write_skeleton(skeleton(), tmp_path / "x")
    debian = tmp_path / "x" / "debian"
    source, package = Deb822.iter_paragraphs((debian / "control").read_text())
    assert source["Source"] == package["Package"] == "tools-image"
    needed = {word.strip() for word in source["Build-Depends"].split(",")}
    assert {"dh-sequence-rumprun", "lua5.4-rumprun", "greet-rumprun"} <= needed
    manifest = tomllib.loads((debian / "tools-image.rumprun-bake").read_text())
    assert manifest["program"] == [
        {"package": "lua5.4-rumprun", "path": "bin/lua5.4"},
        {"package": "greet-rumprun"},
    ]
    assert manifest["kernel"]["package"] in needed
    assert "image of lua5.4, greet" in package["Description"]
    changelog = Changelog((debian / "changelog").read_text())
    assert (changelog.package, str(changelog.version)) == ("tools-image", "0.1")
    assert changelog.author == "A B <a@b.org>"
    assert (debian / "rules").stat().st_mode & 0o111


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(UsageError, match="there already"):
        write_skeleton(skeleton(), tmp_path / "x")
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


@pytest.mark.parametrize("word", ["", "Upper", "a b", "x:../a b", "-x", "a"])
def test_no_program(word: str) -> None:
    with pytest.raises(UsageError):
        parse_program(word)


def test_the_name_of_a_program() -> None:
    assert PackagedProgram(package="lua5.4-rumprun", path="bin/lua5.4").name == "lua5.4"
    assert PackagedProgram(package="greet-rumprun", path=None).name == "greet"


def test_the_maintainer_is_found_as_dch_does() -> None:
    assert find_maintainer({"DEBFULLNAME": "A", "DEBEMAIL": "a@b"}) == "A <a@b>"
    assert find_maintainer({"NAME": "A", "EMAIL": "a@b"}) == "A <a@b>"
    with pytest.raises(UsageError, match="who maintains"):
        find_maintainer({"NAME": "A"})


@pytest.mark.parametrize("maintainer", ["x", "x <y>", "a <b@c>\nd"])
def test_no_maintainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maintainer: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "x-image", "--maintainer", maintainer]) == UsageError.exit_code
    assert list(tmp_path.iterdir()) == []


def test_built_using_is_read() -> None:
    text = "gcc-12 (= 12.2.0-14), musl (= 1.2.3-1), "
    assert dict(exact_versions(text)) == {"gcc-12": "12.2.0-14", "musl": "1.2.3-1"}
    assert dict(exact_versions("")) == {}
