# SPDX-License-Identifier: BSD-2-Clause
"""Reading an unpacked source package, and saying where it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_samples import CHANGELOG, LIBRARY, SOURCE, write_tree

from rumprun.errors import InputError
from rumprun.source.control import formula_holds, relation_names
from rumprun.source.package import RulesStyle, read_source_tree
from rumprun.source.rules import read_targets, rules_style


def test_everything_is_read(tmp_path: Path) -> None:
    source = read_source_tree(write_tree(tmp_path))
    assert (source.name, source.version) == ("sample", "1:2.0-3")
    assert source.timestamp == 1672068600
    assert source.distribution == "unstable"
    assert source.maintainer == "A Person <person@example.org>"
    assert source.build_depends == "debhelper-compat (= 13)"
    assert source.format == "1.0"
    library, development = source.binaries
    assert (library.name, library.section, library.package_type) == ("libsample1", "libs", "deb")
    assert development.architecture == ("any",)
    assert development.multi_arch == "same"
    assert development.description_synopsis == "sample library - development files"
    assert "libsample1 (= ${binary:Version})" in development.depends


def test_the_format_is_the_first_line(tmp_path: Path) -> None:
    write_tree(tmp_path)
    (tmp_path / "debian" / "source").mkdir()
    (tmp_path / "debian" / "source" / "format").write_text("3.0 (quilt)\n")
    assert read_source_tree(tmp_path).format == "3.0 (quilt)"


def test_comments_are_no_content(tmp_path: Path) -> None:
    control = SOURCE.replace("(= 13)", "(= 13),\n# not now\n zlib1g-dev") + LIBRARY
    source = read_source_tree(write_tree(tmp_path, control=control))
    assert relation_names(source.build_depends) == {"debhelper-compat", "zlib1g-dev"}


@pytest.mark.parametrize(
    ("control", "line", "reason"),
    [
        ("Sauce: x\n", 1, "no Source field"),
        ("", 1, "no Source field"),
        (SOURCE + "stray words\n" + LIBRARY, 6, "neither a field"),
        (SOURCE + "Section: libs\n" + LIBRARY, 6, "a second field Section"),
    ],
)
def test_a_broken_control_file_is_named_with_its_line(
    tmp_path: Path, control: str, line: int, reason: str
) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        read_source_tree(write_tree(tmp_path, control=control))
    assert f"debian/control:{line}:" in caught.value.message


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        (SOURCE, "no binary package"),
        (SOURCE + "\nPackage: x\n", "package x has no Architecture"),
        (SOURCE + "\nArchitecture: any\n", "no Package field"),
        (SOURCE.replace("(= 13)", "(= 13") + LIBRARY, "debhelper-compat"),
        (SOURCE + LIBRARY.replace("${misc", "a b c, ${misc"), "a b c"),
    ],
)
def test_a_control_file_without_sense_is_refused(tmp_path: Path, control: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_source_tree(write_tree(tmp_path, control=control))


@pytest.mark.parametrize(
    ("changelog", "line"),
    [
        ("", 1),
        ("sample 2.0\n", 1),
        (CHANGELOG.replace(" -- A", "-- A"), 5),
        (CHANGELOG.replace("sample (", "other ("), 1),
    ],
)
def test_a_broken_changelog_is_named_with_its_line(
    tmp_path: Path, changelog: str, line: int
) -> None:
    with pytest.raises(InputError) as caught:
        read_source_tree(write_tree(tmp_path, changelog=changelog))
    assert f"debian/changelog:{line}:" in caught.value.message


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    changelog = CHANGELOG.replace("26 Dec 2022", "32 Foo 2022")
    with pytest.raises(InputError, match="is no date"):
        read_source_tree(write_tree(tmp_path, changelog=changelog))


@pytest.mark.parametrize("name", ["control", "changelog", "rules"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_tree(tmp_path)
    (tmp_path / "debian" / name).unlink()
    with pytest.raises(InputError, match=f"debian/{name}: no such file"):
        read_source_tree(tmp_path)


def test_latin1_is_named_with_its_line(tmp_path: Path) -> None:
    write_tree(tmp_path)
    (tmp_path / "debian" / "control").write_bytes(SOURCE.encode() + b"Uploaders: Ren\xe9\n")
    with pytest.raises(InputError, match=r"control:6: not UTF-8"):
        read_source_tree(tmp_path)


@pytest.mark.parametrize(
    ("profiles", "holds"),
    [
        ("", True),
        ("<!cross>", False),
        ("<cross>", True),
        ("<!stage1>", True),
        ("<!stage1 !cross>", False),
        ("<!cross> <!stage1>", True),
        ("<pkg.sample.extra>", False),
        ("<!nodoc>", False),
    ],
)
def test_build_profiles_are_evaluated_as_dpkg_does(profiles: str, *, holds: bool) -> None:
    assert formula_holds(profiles, frozenset({"cross", "nodoc"})) is holds


@pytest.mark.parametrize(
    "recipe",
    [
        "%:\n\tdh $@\n",
        "%:\n\tdh ${@} --with python3\n",
        "%:\n\tdh $(@)\n",
        "%:\n\t@dh --parallel $@\n",
        "%:\n\tdh \\\n\t\t--with quilt \\\n\t\t$@\n",
        "%: ; dh $@\n",
        'build binary clean:\n\tPATH="x:$$PATH" dh $@\n',
        "DH = dh --verbose\n%:\n\t$(DH) $@\n",
        "build:\n\tdh build\n",
        "%:\n\tif [ -e x ]; then dh $@; fi\n",
        "%:\n\tset -e && exec dh $@ --builddirectory=b\n",
        "include /usr/share/pkg-kde-tools/qt-kde-team/3/debian-qt-kde.mk\n",
        "include debian/common.mk\n",
    ],
)
def test_the_sequencer_is_recognised(tmp_path: Path, recipe: str) -> None:
    write_tree(tmp_path, rules=f"#!/usr/bin/make -f\n{recipe}")
    (tmp_path / "debian" / "common.mk").write_text("%:\n\tdh $@\n")
    assert rules_style(tmp_path) is RulesStyle.DH


@pytest.mark.parametrize(
    ("rules", "style"),
    [
        ("binary-arch:\n\tdh_testdir\n\tdh_builddeb -a\n", RulesStyle.CLASSIC),
        ("# dh $@\nbuild:\n\t$(MAKE)\n", RulesStyle.CLASSIC),
        ("build:\n\techo dh\n\techo dh $@\n", RulesStyle.CLASSIC),
        ("build:\n\t# dh $@\n", RulesStyle.CLASSIC),
        ("DOC = dh $@\nbuild:\n\tmake\n", RulesStyle.CLASSIC),
        ("include /usr/share/cdbs/1/rules/debhelper.mk\n", RulesStyle.CDBS),
        ("-include /usr/share/cdbs/1/rules/debhelper.mk\n%:\n\tdh $@\n", RulesStyle.DH),
        ("include ../../../../etc/passwd\n", RulesStyle.CLASSIC),
    ],
)
def test_other_styles_are_not_the_sequencer(tmp_path: Path, rules: str, style: RulesStyle) -> None:
    write_tree(tmp_path, rules=f"#!/usr/bin/make -f\n{rules}")
    assert rules_style(tmp_path) is style


def test_targets_know_their_condition(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        rules="a: b\nVAR := x\nifeq (1,$(X))\nc d: e\nelse\nf:\n\techo g: h\nendif\ni::\n",
    )
    targets = read_targets(tmp_path)
    assert targets.always == {"a", "i"}
    assert targets.conditional == {"c", "d", "f"}
