# SPDX-License-Identifier: BSD-2-Clause
"""Recipes: what they may say, how they say no, and where they are found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rumprun.command import Completed
from rumprun.errors import InputError
from rumprun.source.naming import PASS_PROFILES
from rumprun.source.recipe import (
    Kind,
    Recipe,
    covers,
    parse_recipe,
)
from rumprun.source.recipe_schema import SCHEMA
from rumprun.target.descriptor import load_target
from rumprun.variant import environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "doc" / "recipes.md").read_text(encoding="utf-8")

R = 'reason = "why"\n'
ONE = f'[[configure]]\narguments = ["--x"]\n{R}'


def parse(text: str, name: str = "zlib") -> Recipe:
    return parse_recipe(text, name=name, origin="r.toml")


def example() -> str:
    (found,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_example_of_the_page_is_a_recipe() -> None:
    recipe = parse(example(), "libsample")
    assert {entry.kind for entry in recipe.entries} == set(Kind)
    (count,) = re.findall(r"the one above has (\d+)", PAGE)
    assert recipe.lines == int(count) == 16
    assert recipe.arguments == ("--disable-plugins", "--without-systemd")
    assert recipe.drops("libsystemd-dev")
    assert not recipe.drops("zlib1g-dev")
    assert recipe.dropped_packages == {"sample-gui"}
    assert recipe.variables == {"ac_cv_func_malloc_0_nonnull": "yes"}
    assert recipe.profiles() == PASS_PROFILES - {"noperl"} | {"pkg.libsample.nogui"}
    assert recipe.excludes(PurePosixPath("usr/share/sample/themes/dark/a.css"))
    assert not recipe.excludes(PurePosixPath("usr/share/sample/other"))
    assert recipe.allows("build-path", "/usr/x86_64-rumprun-linux-musl/bin/sample")
    assert not recipe.allows("empty-archive", "/usr/x86_64-rumprun-linux-musl/bin/sample")
    assert recipe.is_for("2.0-1")
    assert not recipe.is_for("1:2.0-1")


def keys() -> Iterator[tuple[str, str]]:
    for name, schema in SCHEMA["properties"].items():
        if "items" not in schema:
            yield "", name
        else:
            yield from ((name, key) for key in schema["items"]["properties"])


def test_the_page_has_every_key_and_no_other() -> None:
    documented = set()
    for row in re.findall(r"^\|(.*)\|$", PAGE, re.MULTILINE):
        table, names, *_others = (cell.strip(" `") for cell in row.split("|"))
        documented |= {(table, key) for key in re.findall(r"[a-z-]+", names) if key.strip("-")}
    top = {(table, key) for table, key in documented if table not in ("table", "all")}
    assert ("all", "reason") in documented
    assert top == {(table, key) for table, key in keys() if key != "reason"}


def test_the_schema_is_one_and_each_value_says_what_is_wanted() -> None:
    Draft202012Validator.check_schema(SCHEMA)

    def visit(schema: dict[str, Any]) -> None:
        assert schema["description"]
        for inner in [*schema.get("properties", {}).values(), schema.get("items")]:
            if inner:
                visit(inner)

    visit(dict(SCHEMA))
    assert {kind.value for kind in Kind} <= set(keys())


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("x", "", "Expected '=' after a key"),
        ("a = " + "[" * 3000, "", "too deep"),
        ("a = 0x" + "f" * 9000, "", "no such key"),
        ("source = 0x" + "f" * 9000, "", "number too long"),
        ("configures = 1", "configures", "no such key; did you mean configure? the keys here are"),
        ('"a\\nb" = 1', r"'a\nb'", "no such key"),
        ("source = 3", "source", "is a number, not a string"),
        ("source = 1979-05-27", "source", "is a date or time, not a string"),
        ('source = "zlig"', "source", "is 'zlig'; this is the recipe of zlib"),
        ('source = "Zlib"', "source", "is 'Zlib'; wanted: the name of the source"),
        ('versions = "1.2"', "versions", "has '1.2'; write it as in '>= 1.2, << 2'"),
        ('versions = ">= 1.2,"', "versions", "has ''"),
        ('versions = "> 1.2"', "versions", "has '> 1.2'"),
        ('versions = ""', "versions", "is empty"),
        (f'[configure]\narguments = ["--x"]\n{R}', "configure", r"is a single table, not a list"),
        ("configure = [true]", "configure[1]", "is true or false, not a table"),
        (f'{ONE}[[configure]]\nargument = ["--y"]\n{R}', "configure[2].argument", "arguments?"),
        (f'[[configure]]\narguments = ["x"]\n{R}', "configure[1].arguments[1]", "is 'x'; wanted"),
        (f'[[configure]]\narguments = ["--x", "-"]\n{R}', "configure[1].arguments[2]", "is '-'"),
        (f"[[configure]]\narguments = []\n{R}", "configure[1].arguments", "is empty"),
        (f'[[configure]]\narguments = "--x"\n{R}', "configure[1].arguments", "the string '--x'"),
        (f"[[configure]]\n{R}", "configure[1].arguments", "missing; wanted: a list"),
        ('[[configure]]\narguments = ["--x"]', "configure[1].reason", "missing; wanted: some"),
        ('[[configure]]\narguments = ["--x"]\nreason = " "', "configure[1].reason", "is ' '"),
        (f'[[configure]]\narguments = ["--x\\n"]\n{R}', "configure[1].arguments", "no control"),
        (f'[[configure]]\narguments = ["--host=a"]\n{R}', "configure[1].arguments", "--host is"),
        (
            f'[[configure]]\narguments = ["-DBUILD_SHARED_LIBS:BOOL=ON"]\n{R}',
            "configure[1].arguments",
            "-DBUILD_SHARED_LIBS is for the variant pass to say",
        ),
        (ONE + ONE, "configure[2].arguments", "'--x' is in configure[1].arguments already"),
        (f"[[drop]]\n{R}", "drop[1]", "has neither build-depends nor package"),
        (f'[[drop]]\nbuild_depends = ["x"]\n{R}', "drop[1].build_depends", "build-depends?"),
        (f'[[drop]]\npackage = ["a b"]\n{R}', "drop[1].package[1]", "is 'a b'"),
        (f'[[environment]]\nname = "A"\n{R}', "environment[1].value", "missing"),
        (f'[[environment]]\nname = "A="\nvalue = ""\n{R}', "environment[1].name", "is 'A='"),
        (f'[[environment]]\nname = "A"\nvalue = "\\u0000"\n{R}', "environment[1].name", "control"),
        (f'[[environment]]\nname = "CFLAGS"\nvalue = ""\n{R}', "environment[1].name", "_APPEND"),
        (f'[[profiles]]\nadd = ["nodoc"]\n{R}', "profiles[1].add", "is set in any"),
        (f'[[profiles]]\nadd = ["pkg.zlib.rumprun"]\n{R}', "profiles[1].add", "is set in any"),
        (f'[[profiles]]\nremove = ["nodocs"]\n{R}', "profiles[1].remove", "did you mean nodoc?"),
        (f'[[exclude]]\nfiles = ["usr", "/"]\n{R}', "exclude[1].files", "'/' names no file"),
        (f'[[exclude]]\nfiles = ["."]\n{R}', "exclude[1].files", "'.' names no file"),
        (f'[[allow]]\nrule = "A"\nfile = "a"\n{R}', "allow[1].rule", "one of the audit's rules"),
        (f'[[allow]]\nrule = "a"\nfile = ""\n{R}', "allow[1].file", "is empty"),
    ],
)
def test_what_is_refused(text: str, key: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    line = str(caught.value)
    assert line.startswith(f"r.toml: {key}: " if key else "r.toml: ")
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "name", ["PATH", "LD_PRELOAD", "DEB_HOST_ARCH", "DEB_TARGET_ARCH", "DH_VERBOSE", "CC", "LC_ALL"]
)
def test_variables_of_the_pass_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="for the variant pass to set"):
        parse(f'[[environment]]\nname = "{name}"\nvalue = "1"\n{R}')


@pytest.mark.parametrize(
    "name", ["DEB_CFLAGS_APPEND", "ac_cv_func_fork", "DEB_BUILD_MAINT_OPTIONS"]
)
def test_other_variables_are_taken(name: str) -> None:
    assert parse(f'[[environment]]\nname = "{name}"\nvalue = ""\n{R}').variables == {name: ""}


def test_all_variables_that_the_pass_sets_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = "DEB_HOST_ARCH=amd64\nDEB_HOST_GNU_TYPE=x\nDEB_HOST_MULTIARCH=y\n"

    def run(argv: list[str], **_others: object) -> Completed:
        return Completed(argv=tuple(argv), returncode=0, stdout=answer, stderr="")

    monkeypatch.setattr(environment, "run", run)
    names = environment.PassDirectories.__dataclass_fields__
    directories = environment.PassDirectories(**dict.fromkeys(names, tmp_path))
    variables = environment.pass_environment(
        load_target(), directories, source="zlib", epoch=1, jobs=1, sysroot=tmp_path
    )
    assert "DEB_BUILD_GNU_TYPE" in variables
    for name in variables:
        with pytest.raises(InputError, match="for the variant pass to set"):
            parse(f'[[environment]]\nname = "{name}"\nvalue = "1"\n{R}')


def test_an_empty_recipe_says_nothing() -> None:
    recipe = parse("")
    assert recipe.lines == 0
    assert recipe.source == "zlib"
    assert recipe.is_for("0")
    assert recipe.profiles() == PASS_PROFILES


def test_a_reason_may_have_several_lines() -> None:
    recipe = parse('[[configure]]\narguments = ["--x"]\nreason = """\none\n  two\n"""\n')
    assert recipe.entries[0].reason == "one two"


def test_entries_say_where_they_are_and_what_they_ask_for() -> None:
    recipe = parse(example(), "libsample")
    texts = {entry.key: entry.text for entry in recipe.entries}
    assert texts["drop[2].package"] == "sample-gui"
    assert texts["environment[1].name"] == "ac_cv_func_malloc_0_nonnull=yes"
    assert texts["allow[1].file"] == "build-path: usr/x86_64-rumprun-linux-musl/bin/sample"
    document = recipe.to_json()
    assert document["lines"] == recipe.lines
    assert document["versions"] == ">= 2.0, << 3"


@pytest.mark.parametrize(
    ("versions", "version", "expected"),
    [
        (">= 1.2, << 2", "1.2", True),
        (">= 1.2, << 2", "1.10-1", True),
        (">= 1.2, << 2", "2", False),
        (">= 1.2, << 2", "2~rc1", True),
        ("<<1:0", "9", True),
        ("= 1.2-3", "1.2-3", True),
        ("= 1.2-3", "1.2-3+deb12u1", False),
        (">> 1", "1", False),
        ("<= 1", "1", True),
    ],
)
def test_versions(versions: str, version: str, expected: bool) -> None:
    assert parse(f'versions = "{versions}"').is_for(version) is expected


@pytest.mark.parametrize(
    ("pattern", "file", "expected"),
    [
        ("usr/lib", "usr/lib/a/b", True),
        ("/usr/lib", "usr/lib", True),
        ("usr/lib", "/usr/lib/a", True),
        ("usr/*/a", "usr/lib/a", True),
        ("usr/*/a", "usr/lib/x/a", False),
        ("usr/lib/*.so", "usr/lib/a.so", True),
        ("usr/lib/a", "usr/lib", False),
        ("usr/li", "usr/lib", False),
    ],
)
def test_patterns(pattern: str, file: str, expected: bool) -> None:
    assert covers(pattern, file) is expected


_TEXTS = st.one_of(
    st.text(max_size=8), st.sampled_from(["--x", "zlib", ">= 1", "cross", "PATH", "/", "a b"])
)
_VALUES = st.recursive(
    st.one_of(_TEXTS, st.integers(), st.booleans(), st.floats(allow_nan=False)),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=4,
)


def _toml(value: object) -> str:
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(char):08x}" for char in value) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value).lower()


def _table(pairs: dict[str, object]) -> str:
    return "".join(f"{_toml(key)} = {_toml(value)}\n" for key, value in pairs.items())


def outcome(text: str) -> Recipe | str:
    """The recipe that ``text`` is, or what is said where it is none."""
    try:
        return parse(text)
    except InputError as error:
        return str(error)


_KEYS = st.one_of(st.sampled_from(sorted({key for _table, key in keys()})), st.text(max_size=4))
_HEADINGS = st.sampled_from(sorted({table for table, _key in keys()} - {""}))


@given(
    top=st.dictionaries(_KEYS, _VALUES, max_size=2),
    tables=st.lists(st.tuples(_HEADINGS, st.dictionaries(_KEYS, _VALUES, max_size=3)), max_size=3),
)
def test_any_document_is_a_recipe_or_refused(
    top: dict[str, object], tables: list[tuple[str, dict[str, object]]]
) -> None:
    text = _table(top) + "".join(f"[[{name}]]\n{_table(pairs)}" for name, pairs in tables)
    result = outcome(text)
    if isinstance(result, str):
        assert result.startswith("r.toml: ")
        assert result.isprintable()
    else:
        assert result.lines >= len(tables)


@given(st.text(max_size=60))
def test_any_text_is_a_recipe_or_refused(text: str) -> None:
    result = outcome(text)
    assert isinstance(result, Recipe) or len(result.splitlines()) == 1


@given(_TEXTS, st.text(max_size=12))
def test_any_pattern_covers_or_not(pattern: str, file: str) -> None:
    assert covers(pattern, file) in (True, False)
