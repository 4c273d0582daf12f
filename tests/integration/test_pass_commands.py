# SPDX-License-Identifier: BSD-2-Clause
"""The commands of the variant pass that save time: autoreconf where needed, flags asked once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rumprun import paths
from rumprun.command import CommandFailed, base_environment, run

pytestmark = pytest.mark.integration

PASS = paths.DEBHELPER / "pass"
CONTROL = """\
Source: foo
Maintainer: Jane Roe <jane@example.org>
Build-Depends: debhelper-compat (= 13)

Package: foo
Architecture: any
Description: foo
"""

CONFIGURE_AC = """\
AC_INIT([foo], [1])
AM_INIT_AUTOMAKE([foreign])
AC_PROG_CC
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
"""


@pytest.fixture
def autotools(tmp_path: Path) -> Path:
    """An unpacked tarball of an autotools project: all of it made long ago."""
    tree = tmp_path / "foo-1"
    (tree / "debian").mkdir(parents=True)
    (tree / "debian" / "control").write_text(CONTROL, encoding="utf-8")
    (tree / "configure.ac").write_text(CONFIGURE_AC, encoding="utf-8")
    (tree / "Makefile.am").write_text("bin_PROGRAMS = foo\n", encoding="utf-8")
    (tree / "foo.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    run(["autoreconf", "-f", "-i"], cwd=tree)
    for path in tree.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return tree


def dh_autoreconf(tree: Path, *words: str) -> str:
    return run([PASS / "dh_autoreconf", *words], cwd=tree).stdout


def test_a_configure_that_is_up_to_date_is_kept(autotools: Path) -> None:
    before = (autotools / "configure").stat().st_mtime_ns
    assert "is kept" in dh_autoreconf(autotools, "-a", "-O--parallel")
    assert (autotools / "configure").stat().st_mtime_ns == before


def test_a_patched_makefile_needs_automake_alone(autotools: Path) -> None:
    with (autotools / "Makefile.am").open("a") as file:
        file.write("bin_PROGRAMS += bar\n")
    assert "automake is enough" in dh_autoreconf(autotools)
    made = (autotools / "Makefile.in").read_text(encoding="utf-8")
    assert "bar$(EXEEXT)" in made
    run(["autoreconf", "-f", "-i"], cwd=autotools)
    assert (autotools / "Makefile.in").read_text(encoding="utf-8") == made


@pytest.mark.parametrize(
    "change", ["configure.ac", "acinclude.m4", "options", "no configure", "no Makefile.in"]
)
def test_anything_else_is_done_in_full(autotools: Path, change: str) -> None:
    if change.startswith("no "):
        (autotools / change.removeprefix("no ")).unlink()
    elif change != "options":
        with (autotools / change).open("a") as file:
            file.write("dnl A patch was here.\n")
    words = ("-v",) if change == "options" else ()
    dh_autoreconf(autotools, *words)
    assert (autotools / "debian" / "autoreconf.before").exists()
    assert (autotools / "configure").stat().st_mtime > 1_000_000_000


def test_another_automake_does_all_again(autotools: Path) -> None:
    made = autotools / "Makefile.in"
    text = made.read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    made.write_text(f"{first.replace(' 1.', ' 0.')}\n{rest}", encoding="utf-8")
    with (autotools / "Makefile.am").open("a") as file:
        file.write("bin_PROGRAMS += bar\n")
    dh_autoreconf(autotools)
    assert (autotools / "debian" / "autoreconf.before").exists()


def test_flags_are_those_of_dpkg_and_asked_for_once(tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    answers.mkdir()
    environment = {**base_environment(), "DH_RUMPRUN_ANSWERS": str(answers)}

    def ask(directory: Path, *words: str, **settings: str) -> str:
        words = words or ("--get", "CFLAGS")
        settings = {**environment, **settings}
        said = run([PASS / "dpkg-buildflags", *words], env=settings, cwd=directory).stdout
        assert said == run(["dpkg-buildflags", *words], env=settings, cwd=directory).stdout
        return said

    first = ask(tmp_path)
    assert ask(tmp_path) == first
    ask(tmp_path, "--get", "CPPFLAGS")
    ask(tmp_path, "--dump")
    assert len(list(answers.iterdir())) == 1
    assert ask(answers) != first
    assert "-O0" in ask(tmp_path, DEB_BUILD_OPTIONS="noopt")
    assert "-Dx" in ask(tmp_path, DEB_CFLAGS_MAINT_APPEND="-Dx\n-Dy")
    ask(tmp_path, "--export=sh")
    with pytest.raises(CommandFailed):
        ask(tmp_path, "--get", "NONE")


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (("--name=foo", "--section", "1", "foo.pod", "foo.1"), "foo.1"),
        (("-s", "1", "foo.pod", "foo.1"), "foo.1"),
        (("-u", "--release=x", "foo.pod"), None),
        ((), None),
    ],
)
def test_manual_pages_are_made_at_once(
    tmp_path: Path, words: tuple[str, ...], place: str | None
) -> None:
    (tmp_path / "foo.pod").write_text("=head1 NAME\n\nfoo - bar\n", encoding="utf-8")
    said = run([PASS / "pod2man", *words], cwd=tmp_path).stdout
    page = (tmp_path / place).read_text(encoding="utf-8") if place else said
    assert page.startswith('.\\" ')
    assert (place is None) is bool(said)
    assert len(list(tmp_path.iterdir())) == (2 if place else 1)
