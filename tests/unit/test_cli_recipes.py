# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb recipes``: what it lists, and what it says of recipes that are not valid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rumprun import paths
from rumprun.cli.main import main

ZLIB = """\
versions = "<< 2"
[[configure]]
arguments = ["--disable-x", "--without-y"]
reason = "x and y"
[[environment]]
name = "A"
value = "b"
reason = "for a"
"""
BROKEN = '[[configure]]\nargument = ["--x"]\nreason = "why"\n'


def unlisted_rule(rule: str) -> str:
    return f'[[allow]]\nrule = "{rule}"\nfile = "usr/bin/x"\nreason = "why"\n'


@pytest.fixture(name="shipped", autouse=True)
def _shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "recipes"
    directory.mkdir()
    monkeypatch.setattr(paths, "RECIPES", directory)
    monkeypatch.delenv("RUMPRUN_RECIPES", raising=False)
    monkeypatch.chdir(tmp_path)
    return directory


def test_the_list_has_entries_and_reasons(
    shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shipped / "zlib.toml").write_text(ZLIB)
    (shipped / "expat.toml").write_text("")
    assert main(["recipes"]) == 0
    assert capsys.readouterr().out == (
        f"expat: 0 lines, {shipped}/expat.toml\n"
        f"zlib (<< 2): 3 lines, {shipped}/zlib.toml\n"
        "  configure[1].arguments: --disable-x, --without-y\n"
        "      x and y\n"
        "  environment[1].name: A=b\n"
        "      for a\n"
    )


def test_json_says_the_same(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shipped / "zlib.toml").write_text(ZLIB)
    assert main(["recipes", "zlib", "--json"]) == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert document["source"] == "zlib"
    assert document["lines"] == 3
    assert document["entries"][2] == {
        "key": "environment[1].name",
        "entry": "A=b",
        "reason": "for a",
    }


def test_no_recipe_at_all(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert f"no recipe in {shipped}" in said.err
    assert main(["recipes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["recipes", "--check"]) == 0
    assert capsys.readouterr().out == "0 of 0 recipes valid\n"


def test_a_source_without_recipe(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shipped / "zlib.toml").write_text(ZLIB)
    assert main(["recipes", "zlibb"]) == 4
    said = capsys.readouterr().err
    assert "no recipe for 'zlibb'" in said
    assert "did you mean zlib?" in said


def test_files_and_directories_are_taken(
    tmp_path: Path, shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "zlib.toml").write_text(ZLIB)
    (shipped / "zlib.toml").write_text("")
    assert main(["recipes", "zlib.toml", "recipes", "zlib"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads == [
        "zlib (<< 2): 3 lines, zlib.toml",
        "zlib: 0 lines, recipes/zlib.toml",
        f"zlib: 0 lines, {shipped}/zlib.toml",
    ]


def test_the_list_stops_at_one_that_is_not_valid(
    shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shipped / "zlib.toml").write_text(BROKEN)
    assert main(["recipes"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "configure[1].argument: no such key; did you mean arguments?" in said.err


def test_check_reads_all(tmp_path: Path, shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shipped / "a-source.toml").write_text(BROKEN)
    (shipped / "b-source.toml").write_text("versions = 3")
    (shipped / "zlib.toml").write_text(ZLIB)
    assert main(["recipes", "--check"]) == 3
    said = capsys.readouterr()
    assert said.out == "1 of 3 recipes valid\n"
    assert said.err.count("error:") == 2
    assert main(["recipes", "--check", "zlib"]) == 0
    assert capsys.readouterr().out == "1 of 1 recipe valid\n"
    assert main(["recipes", "--check", str(tmp_path / "none.toml")]) == 4


def test_check_as_json(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shipped / "bad.toml").write_text(BROKEN)
    (shipped / "zlib.toml").write_text(ZLIB)
    assert main(["recipes", "--check", "--json"]) == 3
    bad, good = json.loads(capsys.readouterr().out)
    assert bad["file"] == str(shipped / "bad.toml")
    assert bad["lines"] is None
    assert "no such key" in bad["error"]
    assert good == {"file": str(shipped / "zlib.toml"), "lines": 3, "error": None}


def test_a_rule_must_be_one_of_the_audit(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = shipped / "zlib.toml"
    path.write_text(unlisted_rule("build-path"))
    assert main(["recipes", "--check"]) == 0
    path.write_text(unlisted_rule("build-paths"))
    capsys.readouterr()
    assert main(["recipes", "--check"]) == 3
    said = capsys.readouterr().err
    assert "allow[1].rule: no rule 'build-paths'; did you mean build-path?" in said
