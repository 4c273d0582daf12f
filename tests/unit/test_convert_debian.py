# SPDX-License-Identifier: BSD-2-Clause
"""What convert changes in debian/, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_samples import DH_RULES, LIBRARY, SOURCE, read_source, stanza, write_tree

import rumprun.source.stanza as stanza_module
from rumprun.errors import InputError
from rumprun.source.control import parse_fields, without_substvars
from rumprun.source.convert_control import (
    add_build_depends,
    append_stanzas,
    drop_build_depends,
)
from rumprun.source.convert_rules import convert_rules
from rumprun.source.naming import Candidate, Kind, candidates
from rumprun.source.package import Binary, read_source_tree
from rumprun.source.stanza import render_stanzas

PATH = Path("debian/control")
NEW = "dh-sequence-rumprun <!pkg.sample.norumprun>"

relation = st.sampled_from(
    ["debhelper-compat (= 13)", "zlib1g-dev", "a | b (>= 1)", "c [linux-any] <!nocheck>", "d:any"]
)
comment = st.sampled_from(["", "# a comment\n", "#, with, commas\n"])


@st.composite
def build_depends(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A Build-Depends field in one of the styles that people use, and its relations."""
    relations = draw(st.lists(relation, min_size=1, max_size=5))
    style = draw(st.sampled_from(["one line", "trailing", "leading", "own line"]))
    end = "," if draw(st.booleans()) else ""
    if style == "one line":
        return f"Build-Depends: {', '.join(relations)}{end}\n", relations
    separators = [draw(comment) for _ in relations]
    if style == "leading":
        lines = [f"{text} , {item}\n" for text, item in zip(separators, relations, strict=True)]
        return "Build-Depends: first\n" + "".join(lines), ["first", *relations]
    lines = [f"{text} {item},\n" for text, item in zip(separators, relations, strict=True)]
    head = "Build-Depends:\n" if style == "own line" else "Build-Depends: first,\n"
    text = head + "".join(lines)
    text = text if end else text.removesuffix(",\n") + "\n"
    return text, relations if style == "own line" else ["first", *relations]


@given(build_depends(), comment)
def test_a_relation_is_added_and_nothing_else_changes(
    field: tuple[str, list[str]], after: str
) -> None:
    text, relations = field
    before, behind = "Source: x\n# keep\nSection: libs\n", f"{after}Homepage: h\n\nPackage: y\n"
    whole = before + text + behind
    changed = add_build_depends(whole, NEW, path=PATH)
    (source, _binary) = parse_fields(changed, path=PATH)
    assert list(without_substvars(source["Build-Depends"])) == [*relations, NEW]
    assert changed.startswith(before)
    assert changed.endswith(behind)
    assert [line for line in whole.splitlines() if line.startswith("#")] == [
        line for line in changed.splitlines() if line.startswith("#")
    ]
    added = set(changed.splitlines()) - set(whole.splitlines())
    assert len(added) <= 2


@pytest.mark.parametrize("before", ["Source: x\n", "Source: x\nBuild-Depends:\nSection: y\n"])
def test_the_field_is_made_where_it_is_missing(before: str) -> None:
    (source,) = parse_fields(add_build_depends(before, NEW, path=PATH), path=PATH)
    assert source["Build-Depends"].strip() == NEW


def test_the_style_of_one_relation_a_line_is_kept() -> None:
    text = "Source: x\nBuild-Depends: a,\n               b,\n"
    assert add_build_depends(text, "c", path=PATH).endswith(
        "Build-Depends: a,\n               b,\n               c,\n"
    )
    leading = "Source: x\nBuild-Depends: a\n             , b\n"
    assert add_build_depends(leading, "c", path=PATH) == leading + "             , c\n"


def test_a_build_dependency_can_be_dropped() -> None:
    text = "Source: x\nBuild-Depends: a, dh-sequence-single-binary, b\n"
    assert "single-binary" not in drop_build_depends(text, "dh-sequence-single-binary", path=PATH)
    assert drop_build_depends(text, "c", path=PATH) == text


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n", "\n# last words\n", "\n\n# last words\n"])
def test_stanzas_follow_whatever_the_file_ends_with(end: str) -> None:
    text = SOURCE + LIBRARY.rstrip("\n") + end
    whole = append_stanzas(text, "\nPackage: z\nArchitecture: all\n", path=PATH)
    assert [fields.get("Package") for fields in parse_fields(whole, path=PATH)] == [
        None,
        "libsample1",
        "libsample-dev",
        "z",
    ]


def render(tmp_path: Path, *stanzas: str, source: str = SOURCE) -> list[dict[str, str]]:
    package = read_source(tmp_path, *stanzas, source=source)
    text = render_stanzas(package, candidates(package))
    assert not text.endswith("\n\n")
    return [dict(fields) for fields in parse_fields(text, path=PATH)]


def test_a_stanza(tmp_path: Path) -> None:
    (fields,) = render(tmp_path, LIBRARY)
    description = fields.pop("Description")
    assert fields == {
        "Package": "libsample-rumprun-dev",
        "Architecture": "all",
        "Multi-Arch": "foreign",
        "Section": "libdevel",
        "Build-Profiles": "<!pkg.sample.norumprun>",
        "Depends": "${rumprun:Depends}, ${misc:Depends}",
        "Static-Built-Using": "${rumprun:Static-Built-Using}",
    }
    synopsis, *lines = description.splitlines()
    assert synopsis == "sample library - development files (static variant for rumprun)"
    assert "headers and static libraries of libsample-dev" in " ".join(" ".join(lines).split())
    assert all(len(line) <= 80 for line in lines)


def test_profiles_of_the_original_are_kept(tmp_path: Path) -> None:
    tool = stanza("sample-tool", "Section: utils", "Build-Profiles: <!stage1 !nofoo> <pkg.a.b>")
    source = SOURCE.replace("Section: libs", "Section: utils")
    with_profile = stanza("other-tool", "Build-Profiles: <!stage1> <cross>")
    fields, second = render(tmp_path, tool, with_profile, source=source)
    off = "!pkg.sample.norumprun"
    assert fields["Build-Profiles"] == f"<!stage1 !nofoo {off}> <pkg.a.b {off}>"
    assert second["Build-Profiles"] == f"<!stage1 {off}> <cross {off}>"
    assert "Section" not in fields


def test_the_area_of_the_archive_is_kept(tmp_path: Path) -> None:
    (fields,) = render(tmp_path, LIBRARY.replace("libdevel", "contrib/libdevel"))
    assert fields["Section"] == "contrib/libdevel"


def a_program(name: str, synopsis: str) -> Binary:
    return Binary(
        name=name,
        architecture=("any",),
        section="utils",
        multi_arch="no",
        package_type="deb",
        build_profiles="",
        depends="",
        description_synopsis=synopsis,
        fields={},
    )


@given(st.lists(st.text("ab (,;:.-)", min_size=0, max_size=100), min_size=1, max_size=4))
def test_synopses_are_short_and_differ(texts: list[str]) -> None:
    chosen = [
        Candidate(
            original=a_program(f"p{number}", text.strip()),
            variant=f"p{number}-rumprun",
            kind=Kind.PROGRAM,
        )
        for number, text in enumerate(texts)
    ]
    found = stanza_module._synopses(chosen)
    assert len(set(found)) == len(found)
    assert all(len(synopsis) < 80 and synopsis == synopsis.strip() for synopsis in found)


def rules_of(tmp_path: Path, rules: str, *stanzas: str) -> str:
    write_tree(tmp_path, control=SOURCE + "".join(stanzas), rules=rules)
    return convert_rules(tmp_path, read_source_tree(tmp_path))


ONE = stanza("sample", "Section: utils")


def test_rules_of_several_packages_stay_as_they_are(tmp_path: Path) -> None:
    assert rules_of(tmp_path, DH_RULES, LIBRARY) == DH_RULES


def test_a_single_package_goes_on_installing_into_its_own_directory(tmp_path: Path) -> None:
    changed = rules_of(tmp_path, DH_RULES, ONE)
    assert changed.startswith(DH_RULES)
    assert changed.endswith(
        "override_dh_auto_install:\n\tdh_auto_install --destdir=debian/sample\n"
    )


def test_an_existing_override_gets_the_directory(tmp_path: Path) -> None:
    rules = (
        DH_RULES + "override_dh_auto_install:\n"
        "\tdh_auto_install -- prefix=/usr\n"
        "\t# dh_auto_install is done\n"
        "\techo x && dh_auto_install \\\n\t\t--destdir=elsewhere\n"
    )
    changed = rules_of(tmp_path, rules, ONE)
    assert changed == rules.replace(
        "\tdh_auto_install --", "\tdh_auto_install --destdir=debian/sample --"
    )


def test_hooks_are_no_overrides(tmp_path: Path) -> None:
    rules = DH_RULES + "execute_after_dh_auto_install:\n\trm -f debian/sample/x\n"
    changed = rules_of(tmp_path, rules, ONE)
    assert changed.startswith(rules)
    assert "\noverride_dh_auto_install:\n" in changed


@pytest.mark.parametrize(
    "rules",
    [
        "#!/bin/sh\nexec dh $1\n",
        DH_RULES.replace("dh $@", "dh $@ --with quilt,single-binary"),
        DH_RULES + "ifdef X\noverride_dh_auto_install:\n\tdh_auto_install\nendif\n",
    ],
)
def test_rules_that_cannot_be_changed_safely_are_refused(tmp_path: Path, rules: str) -> None:
    with pytest.raises(InputError, match="debian/rules"):
        rules_of(tmp_path, rules, ONE)


def test_no_second_build_for_the_all_packages(tmp_path: Path) -> None:
    rules = (
        DH_RULES + "override_dh_auto_build-arch:\n\tmake x\n"
        "execute_before_dh_auto_install-arch:\n\ttrue\n"
        "override_dh_install-arch:\n\tdh_install\n"
        "override_dh_auto_test-arch override_dh_auto_test-indep:\n\ttrue\n"
    )
    changed = rules_of(tmp_path, rules, LIBRARY)
    added = changed.removeprefix(rules).splitlines()
    assert added[2:] == ["override_dh_auto_build-indep:", "override_dh_auto_install-indep:"]
    with_all = stanza("sample-doc", "Architecture: all", "Section: doc")
    assert rules_of(tmp_path, rules, LIBRARY, with_all) == rules


def test_classic_rules_include_the_snippet_last(tmp_path: Path) -> None:
    rules = "#!/usr/bin/make -f\nbinary: binary-arch\nbinary-arch:\n\tdh_builddeb -a"
    changed = rules_of(tmp_path, rules, LIBRARY)
    assert changed.startswith(rules + "\n\n#")
    assert changed.endswith("\n-include /usr/share/dh-rumprun/rumprun.mk\n")


def test_cdbs_keeps_the_directory_of_a_single_package(tmp_path: Path) -> None:
    changed = rules_of(
        tmp_path, "#!/usr/bin/make -f\ninclude /usr/share/cdbs/1/rules/debhelper.mk\n", ONE
    )
    assert "\nDEB_DESTDIR = $(CURDIR)/debian/sample/\n" in changed
    assert changed.endswith("\n-include /usr/share/dh-rumprun/rumprun.mk\n")
