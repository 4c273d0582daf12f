# SPDX-License-Identifier: BSD-2-Clause
"""The parts of the debhelper command that need no build."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun.cli import debhelper
from rumprun.errors import InputError
from rumprun.source.naming import Kind
from rumprun.source.recipe import parse_recipe
from unit.variant_samples import candidate, source


@pytest.mark.parametrize(
    ("words", "options", "configure"),
    [
        ([], [], []),
        (["-v", "-pfoo-rumprun"], ["-v", "-pfoo-rumprun"], []),
        (["-v", "--", "--without-x", "-a b"], ["-v"], ["--without-x", "-a b"]),
        (["--", "--", "x"], [], ["--", "x"]),
        (["--"], [], []),
    ],
)
def test_words_after_the_dashes_are_for_configure(
    words: list[str], options: list[str], configure: list[str]
) -> None:
    assert debhelper._split(words) == (options, configure)


def test_stanzas_are_named_after_packages_of_the_source() -> None:
    package = source("libfoo-dev", "libfoo1", "foo", "foo-rumprun")
    chosen = debhelper._chosen(package, ["foo-rumprun", "libfoo-rumprun-dev"], None)
    assert [(item.original.name, item.variant, item.kind) for item in chosen] == [
        ("foo", "foo-rumprun", Kind.PROGRAM),
        ("libfoo-dev", "libfoo-rumprun-dev", Kind.DEV),
    ]


def test_a_stanza_may_be_named_by_the_recipe() -> None:
    text = (
        '[[variant]]\nname = "food-rumprun"\nof = "foo"\nfiles = ["usr/sbin/food"]\n'
        'reason = "the server alone"\n'
    )
    recipe = parse_recipe(text, name="sample", origin="here")
    (chosen,) = debhelper._chosen(source("foo", "food-rumprun"), ["food-rumprun"], recipe)
    assert (chosen.original.name, chosen.variant) == ("foo", "food-rumprun")


@pytest.mark.parametrize("name", ["fooo-rumprun", "libfoo2-rumprun-dev"])
def test_a_stanza_that_names_no_package_is_explained(name: str) -> None:
    with pytest.raises(InputError) as caught:
        debhelper._chosen(source("libfoo-dev", "foo", "foo-rumprun"), [name], None)
    assert name in caught.value.message
    assert caught.value.hint == "name it after one of: foo, libfoo-dev"


def test_a_stanza_that_stays_empty_is_an_error() -> None:
    with pytest.raises(InputError, match=r"nothing for foo-rumprun; .*rumprun"):
        debhelper._require_all([candidate("foo")], [])


@pytest.mark.parametrize(
    ("options", "jobs"),
    [("", 1), ("nocheck parallel=6", 6), ("parallel=", 1), ("parallel=12 terse", 12)],
)
def test_jobs(monkeypatch: pytest.MonkeyPatch, options: str, jobs: int) -> None:
    monkeypatch.setenv("DEB_BUILD_OPTIONS", options)
    assert debhelper._jobs() == jobs
    monkeypatch.delenv("DEB_BUILD_OPTIONS")
    assert debhelper._jobs() == 1


def test_variants_that_are_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUMPRUN_VARIANTS", raising=False)
    assert debhelper._extra_debs() == []
    for name in ("b/b-rumprun_1_all.deb", "a/a-rumprun_1_all.deb", "a/x_1_amd64.deb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setenv("RUMPRUN_VARIANTS", f"{tmp_path}/b::{tmp_path}/absent:{tmp_path}/a")
    names = [path.name for path in debhelper._extra_debs()]
    assert names == ["b-rumprun_1_all.deb", "a-rumprun_1_all.deb"]


@pytest.mark.parametrize("words", [[], ["--no-act"], ["-v", "--", "--without-x"]])
def test_without_packages_of_ours_nothing_happens(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(debhelper, "_packages_acted_on", lambda _options: [])
    assert debhelper.main(words) == 0
    assert debhelper.prepare_main(words) == 0
    assert list(tmp_path.iterdir()) == []


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert debhelper.main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: dh_rumprun")
