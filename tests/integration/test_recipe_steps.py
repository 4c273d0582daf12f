# SPDX-License-Identifier: BSD-2-Clause
"""A recipe that builds one part of a source, and makes a variant of that part."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_build_again import FOO, RULES, build, make_source, report

from rumprun.command import run
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.integration

FILES = {
    "foo.c": FOO,
    "main.c": "int foo(void);\nint main(void) { return foo() - 42; }\n",
    "Makefile": """\
CC = $(DEB_HOST_GNU_TYPE)-gcc
all: broken
speak: main.c foo.c
\t$(CC) -o $@ $^
broken:
\tfalse
""",
    "debian/rules": RULES + "install-speak: speak\n"
    "\tinstall -D -m 755 speak debian/tmp/usr/lib/foo-1.0/bin/speak\n"
    "speak:\n\t$(MAKE) -f Makefile speak\n",
}
RECIPE = """\
[[steps]]
build = ["debian/rules speak"]
install = ["debian/rules install-speak"]
reason = "the rest of the source is broken"

[[variant]]
name = "speak-rumprun"
of = "libfoo-dev"
files = ["usr/lib/foo-1.0/bin/speak"]
reason = "the program alone is wanted"
"""


def build_with(tmp_path: Path, recipe: str) -> tuple[int, str]:
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (recipes / "libfoo.toml").write_text(recipe, encoding="utf-8")
    dsc = make_source(tmp_path, FILES)
    answer = build(dsc, tmp_path / "out", "--recipe", str(recipes))
    return answer.returncode, answer.stderr


def test_one_program_of_a_source_becomes_a_variant(tmp_path: Path) -> None:
    status, said = build_with(tmp_path, RECIPE)
    assert status == 0, said
    (deb,) = (tmp_path / "out").glob("*.deb")
    assert deb.name == "speak-rumprun_1.0_all.deb"
    run(["dpkg-deb", "--extract", deb, tmp_path / "root"])
    prefix = tmp_path / "root" / load_target().prefix.relative_to("/")
    (program,) = prefix.rglob("speak")
    run([program])
    assert len(report(tmp_path / "out")["recipe"]["used"]) == 3


def test_a_variant_of_no_package_is_refused(tmp_path: Path) -> None:
    status, said = build_with(tmp_path, RECIPE.replace('"libfoo-dev"', '"libfo-dev"'))
    assert status == 3
    assert "libfo-dev is no package of libfoo; did you mean libfoo-dev?" in said


def test_files_that_are_not_staged_are_an_error(tmp_path: Path) -> None:
    status, said = build_with(tmp_path, RECIPE.replace("bin/speak", "bin/spoke"))
    assert status == 3
    assert "usr/lib/foo-1.0/bin/spoke" in said
    assert not list((tmp_path / "out").glob("*.deb"))
