# SPDX-License-Identifier: BSD-2-Clause
"""Predictions about small sources, each made to show one risk or to be free of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.cli.scan import exit_status
from rumprun.source.package import read_source_tree
from rumprun.source.scan import (
    Context,
    Package,
    Report,
    Severity,
    find_cycles,
    scan_tree,
    variants_of,
)
from rumprun.source.scan.code import any_of
from unit.source_samples import LIBRARY, SOURCE, stanza, write_tree

PACKAGES = {
    "debhelper-compat": Package(installed=True),
    "libfoo-dev": Package(source="foo", section="libdevel"),
    "python3-all-dev": Package(source="python3-defaults", section="python", installed=True),
}
CODE = {"src/a.c": "int a(void) { return 0; }\n"}


def context(**changes: object) -> Context:
    values: dict[str, object] = {
        "architecture": "amd64",
        "missing_headers": frozenset({"execinfo.h", "error.h", "fts.h"}),
        "missing_names": frozenset({"backtrace_symbols", "malloc_trim", "qsomething"}),
        "packages": PACKAGES,
    }
    return Context(**{**values, **changes})  # type: ignore[arg-type]


def scanned(tree: Path, files: dict[str, str], needs: str = "", **changes: object) -> Report:
    source = SOURCE.replace("compat (= 13)", f"compat (= 13){needs}")
    write_tree(tree, control=source + LIBRARY)
    for name, text in {**CODE, **files}.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return scan_tree(tree, context(**changes))


def classes(report: Report, severity: Severity) -> set[str]:
    return {risk.name for risk in report.risks if risk.severity is severity}


def test_a_plain_source_converts(tmp_path: Path) -> None:
    report = scanned(tmp_path, {"configure.ac": "AC_INIT\n", "Makefile.am": "SUBDIRS = src\n"})
    assert report.verdict == "converts"
    assert report.risks == ()
    assert report.variants == ("libsample-rumprun-dev",)
    assert report.build_systems == ("autoconf",)
    assert report.languages == {"C": 1}
    assert report.rules == "dh"
    assert exit_status([report]) == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("src/b.c", "#include <execinfo.h>\n"),
        ("src/b.c", "#ifdef __linux__\n# include <error.h>\n#endif\n"),
        ("src/b.h", "#ifndef B_H\n#define B_H\n#include <fts.h>\n#endif\n"),
    ],
)
def test_a_header_that_the_libc_lacks_blocks(tmp_path: Path, name: str, text: str) -> None:
    report = scanned(tmp_path, {name: text})
    assert classes(report, Severity.BLOCKER) == {"libc-header"}
    (risk,) = report.risks
    assert risk.evidence[0].file == name
    assert "#" in risk.evidence[0].text
    assert text.splitlines()[risk.evidence[0].line - 1].split() == risk.evidence[0].text.split()
    assert exit_status([report]) == 3


@pytest.mark.parametrize(
    "files",
    [
        {"src/b.c": "#ifdef HAVE_EXECINFO_H\n#include <execinfo.h>\n#endif\n"},
        {"src/b.c": "#ifdef __GLIBC__\n#include <execinfo.h>\n#endif\n"},
        {"src/b.c": "/* such as\n#include <execinfo.h>\n*/\n"},
        {"tests/b.c": "#include <execinfo.h>\n"},
        {"src/b_darwin.c": "#include <execinfo.h>\n"},
        {"win32/b.c": "#include <execinfo.h>\n"},
        {"src/b.c": "#include <error.h>\n", "lib/error.h": "\n"},
        {"src/b.c": "#include <error.h>\n", "lib/error.in.h": "\n"},
        {"src/b.c": '#include "execinfo.h"\n'},
    ],
)
def test_a_header_that_is_not_needed_does_not(tmp_path: Path, files: dict[str, str]) -> None:
    assert scanned(tmp_path, files).verdict == "converts"


def test_a_function_that_the_libc_lacks_blocks(tmp_path: Path) -> None:
    report = scanned(tmp_path, {"src/b.c": "void f(void)\n{\n  malloc_trim(0);\n}\n"})
    assert classes(report, Severity.BLOCKER) == {"libc-function"}
    assert str(report.risks[0].evidence[0]) == "src/b.c:3: malloc_trim(0);"


@pytest.mark.parametrize(
    "files",
    [
        {"src/b.c": "int malloc_trim(int x)\n{\n  return malloc_trim(x);\n}\n"},
        {"src/b.c": "f(){\n malloc_trim(0);\n}\n", "src/c.h": "#define malloc_trim(x)\n"},
        {"src/b.c": "f(){\n malloc_trim(0);\n}\n", "configure.ac": "AC_CHECK_FUNCS(malloc_trim)\n"},
        {"src/b.c": "#if HAVE_MALLOC_TRIM\nf(){\n malloc_trim(0);\n}\n#endif\n"},
        {"src/b.c": "f(){\n p->malloc_trim(0);\n}\n"},
        {"src/b.c": "f(){\n // malloc_trim(0);\n}\n"},
    ],
)  # fmt: skip
def test_a_function_of_its_own_does_not(tmp_path: Path, files: dict[str, str]) -> None:
    assert scanned(tmp_path, files).verdict == "converts"


@given(st.sets(st.text("ab_", min_size=1, max_size=5), min_size=1), st.text("ab_", max_size=8))
def test_any_of_many_words(words: set[str], text: str) -> None:
    assert bool(re.fullmatch(any_of(words), text)) is (text in words)


def test_no_candidate_blocks(tmp_path: Path) -> None:
    control = SOURCE + stanza("sample-doc", "Architecture: all", "Section: doc")
    report = scan_tree(write_tree(tmp_path, control=control), context())
    assert report.verdict == "blocked: no package of it gets a variant"
    assert str(report.risks[0].evidence[0]).startswith("debian/control:1: Source: sample")


@pytest.mark.parametrize(
    ("files", "severity"),
    [
        ({}, Severity.LOST),
        ({"configure.ac": "\nPKG_CHECK_MODULES([FOO], [foo >= 2])\n"}, Severity.BLOCKER),
        ({"configure.ac": "\nPKG_CHECK_MODULES([FOO], [foo], [x=1], [x=0])\n"}, Severity.LOST),
        ({"configure.ac": "AC_MSG_ERROR([libfoo can't be found])\n"}, Severity.BLOCKER),
        ({"configure.ac": "AC_MSG_ERROR([foo requested but not found])\n"}, Severity.LOST),
        ({"CMakeLists.txt": "\nfind_package(Foo REQUIRED)\n"}, Severity.BLOCKER),
        ({"CMakeLists.txt": "\nfind_package(Foo)\n"}, Severity.LOST),
        ({"meson.build": "\nfoo = dependency('foo')\n"}, Severity.BLOCKER),
        ({"meson.build": "\nfoo = dependency('foo', required: false)\n"}, Severity.LOST),
    ],
)
def test_a_library_without_a_variant(
    tmp_path: Path, files: dict[str, str], severity: Severity
) -> None:
    report = scanned(tmp_path, files, ",\n libfoo-dev")
    assert dict(report.needs.missing) == {"libfoo-dev": "foo"}
    (risk,) = report.risks
    assert risk.severity is severity
    assert risk.name == ("needs-variant" if severity is Severity.BLOCKER else "lost-library")
    assert exit_status([report]) == (4 if severity is Severity.BLOCKER else 0)


def test_a_library_that_the_dev_package_wants(tmp_path: Path) -> None:
    control = SOURCE.replace("13)", "13), libfoo-dev") + LIBRARY.replace(
        "libsample1 (=", "libfoo-dev, libsample1 (="
    )
    write_tree(tmp_path, control=control)
    (tmp_path / "a.c").write_text("int a;\n")
    assert classes(scan_tree(tmp_path, context()), Severity.BLOCKER) == {"needs-variant"}
    (tmp_path / "configure.ac").write_text("AC_ARG_WITH([foo], [...])\n")
    assert classes(scan_tree(tmp_path, context()), Severity.LOST) == {"lost-library"}


def test_build_depends_are_split(tmp_path: Path) -> None:
    packages = {
        **PACKAGES,
        "dpkg-dev": Package(source="dpkg", section="utils", installed=True),
        "doxygen": Package(source="doxygen", section="devel"),
        "texlive": Package(source="texlive-base", section="tex"),
    }
    report = scanned(
        tmp_path,
        {},
        ", libfoo-dev:native, libhand-dev, libmade-dev, libgone-dev, dpkg-dev, texlive,"
        " doxygen <!nodoc>, gdb <!nocheck>, hurd-dev [hurd-any], gone-dev | libhand-dev",
        packages=packages,
        variants=frozenset({"libhand-rumprun-dev"}),
        coming={"libmade-rumprun-dev": "made"},
    )
    needs = report.needs
    assert needs.at_hand == ("libhand-dev",)
    assert dict(needs.coming) == {"libmade-dev": "made"}
    assert dict(needs.missing) == {"libgone-dev": ""}
    assert needs.tools["dpkg-dev"] is True
    assert needs.tools["libfoo-dev"] is False
    assert set(needs.dropped) >= {"texlive", "doxygen"}
    assert "hurd-dev" not in {*needs.tools, *needs.dropped, *needs.missing}


@pytest.mark.parametrize(
    ("files", "name", "severity"),
    [
        ({"Makefile": "x:\n\t$(CC) -shared -o x.so\n"}, "explicit-shared-link", "watch"),
        ({"CMakeLists.txt": "\nadd_library(x SHARED x.c)\n"}, "explicit-shared-link", "watch"),
        ({"meson.build": "\nx = shared_library('x')\n"}, "explicit-shared-link", "watch"),
        ({"meson.build": "\nx = shared_module('x')\n"}, "plug-ins", "feature lost"),
        ({"Makefile.am": "\nx_la_LDFLAGS = -module\n"}, "plug-ins", "feature lost"),
        ({"debian/x.install": "usr/lib/*/x/y.so\n"}, "plug-ins", "feature lost"),
        (
            {"debian/rules": "%:\n\tdh $@\nx:\n\t./configure --without-included-regex\n"},
            "libc-regex",
            "watch",
        ),
        (
            {"configure.ac": "[AC_MSG_ERROR([--enable-static is not supported by x])]\n"},
            "refuses-static",
            "watch",
        ),
        ({"mod/Kbuild": "obj-m += x.o\n"}, "kernel-module", "feature lost"),
        ({"Makefile": "CFLAGS = -m32 -O2\n"}, "multilib", "watch"),
        ({"Makefile": "CFLAGS = -I/usr/include/x\n"}, "hard-path", "watch"),
        ({"Makefile": "x:\n\tgit clone https://example.org/x\n"}, "network", "watch"),
        ({"Makefile": "x:\n\t./gen 1 > x.h\n"}, "runs-built-program", "watch"),
        ({"src/b.c": "f(){\n  h = dlopen(name, 1);\n}\n"}, "dlopen", "watch"),
        (
            {"debian/libsample-dev.install": "usr/lib/*/lib*.so\n"},
            "only-shared-listed",
            "blocker",
        ),
    ],
)
def test_lines_that_show_a_risk(
    tmp_path: Path, files: dict[str, str], name: str, severity: str
) -> None:
    (risk,) = scanned(tmp_path, files).risks
    assert (risk.name, risk.severity.value) == (name, severity)
    assert risk.evidence[0].file == next(iter(files))


@pytest.mark.parametrize(
    "files",
    [
        {"configure.ac": "AC_MSG_ERROR([static assertion failed])\n"},
        {"configure.ac": "AC_MSG_ERROR([shared and static together are not supported])\n"},
        {"Makefile": "# $(CC) -shared -o x.so\n"},
        {"Makefile": "LDFLAGS = -shared-libgcc -m320\n"},
        {"CMakeLists.txt": "\n# add_library(x SHARED x.c)\n"},
        {"tests/Makefile": "x:\n\t$(CC) -shared -o x.so\n"},
        {"Makefile.am": "\ncheck_LTLIBRARIES = x.la\nx_la_LDFLAGS = -module\n"},
        {"debian/x.install": "usr/lib/*/libx.so.*\n"},
        {"debian/libsample-dev.install": "usr/include\nusr/lib/*/lib*.so\n"},
    ],
)
def test_lines_that_show_none(tmp_path: Path, files: dict[str, str]) -> None:
    assert scanned(tmp_path, files).risks == ()


@pytest.mark.parametrize(
    ("files", "blocked"),
    [
        ({"CMakeLists.txt": "\nproject(x)\n"}, True),
        ({"CMakeLists.txt": "\nproject(x C)\n"}, False),
        ({"CMakeLists.txt": "\nproject(x VERSION 1 LANGUAGES C)\n"}, False),
        ({"CMakeLists.txt": "\nproject(x LANGUAGES C CXX)\n"}, True),
        ({"meson.build": "\nproject('x', 'c', 'cpp')\n"}, True),
        ({"meson.build": "\nproject('x', 'c')\n"}, False),
        ({"configure.ac": "AC_PROG_CXX\n"}, False),
        ({"Makefile.am": "\nx_SOURCES = x.cc\n"}, True),
    ],
)
def test_cxx_that_is_needed(tmp_path: Path, files: dict[str, str], blocked: bool) -> None:
    report = scanned(tmp_path, files, has_cxx=False)
    assert report.is_blocked is blocked
    assert exit_status([report]) == (4 if blocked else 0)
    assert not scanned(tmp_path, files).is_blocked


def test_another_language(tmp_path: Path) -> None:
    rust = {"src/a.c": "", "src/b.rs": "", "src/c.rs": "", "src/d.rs": ""}
    report = scanned(tmp_path, rust, ", cargo")
    assert "written in Rust" in report.verdict
    assert not scanned(tmp_path / "c", {"src/b.rs": ""}, ", debhelper").is_blocked


def test_bindings_are_lost(tmp_path: Path) -> None:
    report = scanned(tmp_path, {}, ", python3-all-dev")
    assert report.verdict == "converts, features lost: Python bindings"
    assert scanned(tmp_path / "b", {}, ", python3-all-dev <!nopython>").verdict == "converts"


@pytest.mark.parametrize(
    ("rules", "sub", "blocked"),
    [
        ("build:\n\t./configure\n", "timestamp='2003-01-01'\nlinux-gnu*\n", True),
        ("build:\n\t./configure\n", "timestamp='2018-01-01'\nlinux-musl*\n", False),
        ("build:\n\tdh_update_autotools_config\n", "timestamp='2003-01-01'\n", False),
        ("%:\n\tdh $@\n", "timestamp='2003-01-01'\n", False),
    ],
)
def test_an_old_config_sub(tmp_path: Path, rules: str, sub: str, blocked: bool) -> None:
    write_tree(tmp_path, rules=f"#!/usr/bin/make -f\n{rules}")
    (tmp_path / "a.c").write_text("int a;\n")
    (tmp_path / "config.sub").write_text(sub)
    assert scan_tree(tmp_path, context()).is_blocked is blocked


def test_cycles_are_found(tmp_path: Path) -> None:
    sources = []
    for name, other in (("one", "two"), ("two", "three"), ("three", "one"), ("four", "one")):
        control = SOURCE.replace("sample", name).replace("13)", f"13), lib{other}-dev")
        control += LIBRARY.replace("sample", name)
        tree = write_tree(tmp_path / name, control=control, changelog=_changelog(name))
        sources.append(read_source_tree(tree))
    cycles = find_cycles(sources, "amd64")
    assert cycles == {
        "one": ("three", "two"),
        "two": ("one", "three"),
        "three": ("one", "two"),
    }
    assert variants_of(sources, "amd64")["libfour-rumprun-dev"] == "four"
    (tmp_path / "one" / "a.c").write_text("int a;\n")
    known = context(coming=variants_of(sources, "amd64"))
    report = scan_tree(tmp_path / "one", known, cycles=cycles)
    assert [risk.name for risk in report.risks] == ["cycle"]
    assert report.verdict == "converts"


def _changelog(name: str) -> str:
    return (
        f"{name} (1-1) unstable; urgency=low\n\n  * X.\n\n"
        " -- A Person <person@example.org>  Mon, 26 Dec 2022 16:30:00 +0100\n"
    )


def test_the_report_as_data(tmp_path: Path) -> None:
    data = scanned(tmp_path, {"src/b.c": "#include <fts.h>\n"}).to_json()
    assert data["verdict"] == "blocked: no <fts.h> in the libc"
    assert data["risks"] == [
        {
            "class": "libc-header",
            "severity": "blocker",
            "subject": "no <fts.h> in the libc",
            "count": 1,
            "evidence": [{"file": "src/b.c", "line": 1, "text": "#include <fts.h>"}],
        }
    ]


def test_links_out_of_the_tree_are_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside.c"
    outside.write_text("#include <fts.h>\n")
    tree = tmp_path / "tree"
    scanned(tree, {})
    (tree / "src" / "link.c").symlink_to(outside)
    assert scan_tree(tree, context()).verdict == "converts"
