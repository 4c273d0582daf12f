# SPDX-License-Identifier: BSD-2-Clause
"""Relation fields: what they name, and when an entry counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumprun.source.naming import DEFAULT_DPKG_ARCHITECTURE, PASS_PROFILES
from rumprun.source.relations import Relation, alternatives


def only(field: str) -> Relation:
    (relation,) = alternatives(field)
    return relation


def applies(field: str, *profiles: str) -> bool:
    return only(field).applies(DEFAULT_DPKG_ARCHITECTURE, frozenset(profiles))


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("", []),
        (" \n ", []),
        (",, ,", []),
        ("a1, b2,\n c3 ,\n", ["a1", "b2", "c3"]),
        ("a1 | b2 (>= 1), c3", ["a1", "b2", "c3"]),
        ("${misc:Depends}, ${shlibs:Depends}", []),
        ("libfoo1 (= ${binary:Version}), bar | baz", ["libfoo1", "bar", "baz"]),
        ("libz${suffix}-dev, zlib1g-dev", ["zlib1g-dev"]),
        ("libpng-dev | ${png:Depends}", ["libpng-dev"]),
        ("libstdc++-12-dev, libglib2.0-dev", ["libstdc++-12-dev", "libglib2.0-dev"]),
    ],
)
def test_names(field: str, names: list[str]) -> None:
    assert [relation.name for relation in alternatives(field)] == names


@pytest.mark.parametrize(
    ("field", "version"),
    [
        ("foo", None),
        ("foo(>=1:2.0~rc1-3+b1)", (">=", "1:2.0~rc1-3+b1")),
        ("foo ( << 2 )", ("<<", "2")),
        ("foo (= ${binary:Version})", None),
        ("foo (>= ${source:Upstream-Version}-1~)", None),
        ("foo (>= 1.0-${rev})", None),
    ],
)
def test_version(field: str, version: tuple[str, str] | None) -> None:
    assert only(field).version == version


def test_everything_at_once() -> None:
    relation = only("foo:native (>= 1) [ !hurd-any linux-any ] <!nocheck cross> <stage1>")
    assert relation == Relation(
        name="foo",
        version=(">=", "1"),
        qualifier="native",
        architectures=((False, "hurd-any"), (True, "linux-any")),
        profiles=(((False, "nocheck"), (True, "cross")), ((True, "stage1"),)),
    )


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("foo", True),
        ("foo [any]", True),
        ("foo [linux-any]", True),
        ("foo [any-amd64 any-i386]", True),
        ("foo [!linux-any]", False),
        ("foo [kfreebsd-any hurd-any]", False),
        ("foo [!hurd-any !kfreebsd-any]", True),
        ("foo [!hurd-any !linux-any]", False),
        ("foo [amd64 arm64]", True),
        ("foo [!amd64]", False),
        ("foo [arm64]", False),
    ],
)
def test_architectures(field: str, expected: bool) -> None:
    assert applies(field) is expected


@pytest.mark.parametrize(
    ("field", "active", "expected"),
    [
        ("foo <!nocheck>", ("nocheck",), False),
        ("foo <!nocheck>", (), True),
        ("foo <!nocheck !nodoc>", ("nodoc",), False),
        ("foo <!nocheck> <!nodoc>", ("nodoc",), True),
        ("foo <cross> <stage1>", (), False),
        ("foo [linux-any] <cross>", ("cross",), True),
        ("foo [hurd-any] <cross>", ("cross",), False),
        ("foo <pkg.foo.rumprun>", ("pkg.foo.rumprun",), True),
    ],
)
def test_profiles(field: str, active: tuple[str, ...], expected: bool) -> None:
    assert applies(field, *active) is expected


NAME = st.from_regex(r"[a-z0-9][a-z0-9+.-]{1,12}", fullmatch=True)
VERSION = st.from_regex(r"([0-9]:)?[0-9][0-9a-z.+~]{0,6}(-[0-9a-z+.~]{1,4})?", fullmatch=True)
VARIABLE = st.sampled_from(["${binary:Version}", "${misc:Depends}", "${x}"])
SPACE = st.sampled_from(["", " ", "\n ", "  "])
TERM = st.sampled_from(["amd64", "linux-any", "any-i386", "gnu-any-any"])
PROFILE = st.sampled_from(["!nocheck", "cross", "!pkg.foo-1.x+y", "stage1 !nodoc"])


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, str]:
    name = draw(NAME)
    text = name + draw(st.sampled_from(["", ":any", ":native", ":amd64"])) + draw(SPACE)
    if draw(st.booleans()):
        operator = draw(st.sampled_from(["<<", "<=", "=", ">=", ">>"]))
        text += f"({draw(SPACE)}{operator}{draw(SPACE)}{draw(VERSION | VARIABLE)}{draw(SPACE)})"
    if draw(st.booleans()):
        mark = draw(st.sampled_from(["", "!"]))
        text += (
            draw(SPACE) + "[" + " ".join(mark + t for t in draw(st.lists(TERM, min_size=1))) + "]"
        )
    text += "".join(f" <{profile}>" for profile in draw(st.lists(PROFILE, max_size=2)))
    return name, text


@settings(deadline=None)
@given(st.lists(st.lists(entries(), min_size=1, max_size=3), max_size=4), st.lists(VARIABLE))
def test_any_valid_field_is_read(groups: list[list[tuple[str, str]]], others: list[str]) -> None:
    parts = [" | ".join(text for _name, text in group) for group in groups]
    field = ",\n ".join([*parts, *others, ""])
    found = list(alternatives(field))
    assert [relation.name for relation in found] == [name for group in groups for name, _ in group]
    for relation in found:
        relation.applies(DEFAULT_DPKG_ARCHITECTURE, PASS_PROFILES)
