# SPDX-License-Identifier: BSD-2-Clause
"""Builds that succeed the second time: without a feature, or with the target's gcc as plain gcc."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rumprun import paths
from rumprun.command import Completed, run
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.integration

CONTROL = """\
Source: libfoo
Section: libs
Priority: optional
Maintainer: Jane Roe <jane@example.org>
Build-Depends: debhelper-compat (= 13){build_depends}

Package: libfoo-dev
Architecture: any
Section: libdevel
Description: foo
 Foo.
"""
CHANGELOG = """\
libfoo (1.0) unstable; urgency=medium

  * New.

 -- Jane Roe <jane@example.org>  Thu, 01 Jan 2026 00:00:00 +0000
"""
RULES = "#!/usr/bin/make -f\n%:\n\tdh $@\n\n"
FOO = "int foo(void) { return 42; }\n"

MESON = {
    "foo.c": FOO,
    "meson.build": """\
project('foo', 'c', version: '1.0')
fancy = dependency('nosuchlib', required: get_option('fancy'))
library('foo', 'foo.c', install: true)
""",
    "meson_options.txt": "option('fancy', type: 'feature', value: 'auto')\n",
    "debian/rules": RULES + "override_dh_auto_configure:\n"
    "\tdh_auto_configure -- --default-library=both -Dfancy=enabled\n",
    "debian/libfoo-dev.install": "usr/lib/*/lib*.a\n",
}

CMAKE = {
    "foo.c": FOO,
    "CMakeLists.txt": """\
cmake_minimum_required(VERSION 3.16)
project(foo VERSION 1.0 LANGUAGES C CXX)
option(WITH_NOSUCH "with a library that there is not" ON)
if(WITH_NOSUCH)
  find_package(NoSuch REQUIRED)
endif()
add_library(foo foo.c)
install(TARGETS foo DESTINATION lib)
""",
    "debian/rules": RULES,
    "debian/libfoo-dev.install": "usr/lib/lib*.a\n",
}

AUTOCONF = {
    "foo.c": FOO,
    "configure.ac": """\
AC_INIT([foo], [1.0])
AC_PROG_CC
AC_ARG_WITH([nosuch], [AS_HELP_STRING([--with-nosuch], [use nosuch])])
AS_IF([test "x$with_nosuch" != xno],
  [AC_CHECK_HEADER([nosuch.h], [], [AC_MSG_ERROR([nosuch was asked for, but is not there])])])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
""",
    "Makefile.in": """\
all:
\t@CC@ @CFLAGS@ -c foo.c
\tar rc libfoo.a foo.o
install:
\tinstall -D -m 644 libfoo.a $(DESTDIR)@libdir@/libfoo.a
""",
    "debian/rules": RULES + "override_dh_auto_configure:\n\tdh_auto_configure -- --with-nosuch\n",
    "debian/libfoo-dev.install": "usr/lib/*/lib*.a\n",
}

# A generator that the build runs, and a compiler that the makefile calls by its name.
PLAIN = {
    "make_foo.c": '#include <stdio.h>\nint main(void) { puts("int foo(void) { return 42; }"); }\n',
    "Makefile": """\
all:
\tgcc -o make_foo make_foo.c
\t./make_foo > foo.c
\tgcc -O2 -fPIC -D_FORTIFY_SOURCE=2 -c foo.c speak.c
\tar rc libfoo.a foo.o speak.o
\tgcc -shared -o libfoo.so.1 foo.o speak.o
install:
\tinstall -D -m 644 libfoo.a $(DESTDIR)/usr/lib/libfoo.a
\tinstall -D -m 644 libfoo.so.1 $(DESTDIR)/usr/lib/libfoo.so.1
clean:
\trm -f make_foo foo.c *.o *.a *.so.1
""",
    "speak.c": '#include <stdio.h>\nvoid speak(char *to, int n) { snprintf(to, n, "%d", n); }\n',
    "debian/rules": RULES,
    "debian/libfoo-dev.install": "usr/lib/lib*.a\n",
}

# A program that needs Tcl, compiled and linked in one step and in two, whatever anybody says.
BINDING = {
    "foo.c": FOO,
    "shell.c": "#include <tcl.h>\nint main(void) { return Tcl_Main(); }\n",
    "Makefile": """\
CC = $(DEB_HOST_GNU_TYPE)-gcc
all:
\t$(CC) -c foo.c
\tar rc libfoo.a foo.o
\t$(CC) -o analyzer shell.c libfoo.a
\t$(CC) -MD -MF shell.d -c -o shell.o shell.c
\t$(CC) -o shell shell.o libfoo.a
install:
\tinstall -D -m 644 libfoo.a $(DESTDIR)/usr/lib/libfoo.a
\tinstall -D -m 755 analyzer $(DESTDIR)/usr/bin/analyzer
\tinstall -D -m 755 shell $(DESTDIR)/usr/bin/shell
clean:
\trm -f analyzer shell *.o *.d *.a
""",
    "debian/rules": RULES,
    "debian/libfoo-dev.install": "usr/lib/lib*.a\nusr/bin\n",
}


def make_source(
    directory: Path, files: Mapping[str, str], build_depends: str = "", *, name: str = "libfoo"
) -> Path:
    tree = directory / f"{name}-1.0"
    common = {
        "debian/control": CONTROL.format(build_depends=build_depends),
        "debian/changelog": CHANGELOG,
        "debian/copyright": "As it is.\n",
        "debian/source/format": "3.0 (native)\n",
    }
    for file, text in {**common, **files}.items():
        place = tree / file.replace("libfoo", name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("libfoo", name), encoding="utf-8")
    (tree / "debian/rules").chmod(0o755)
    run(["dpkg-source", "-b", tree], cwd=directory)
    return directory / f"{name}_1.0.dsc"


def build(dsc: Path, output: Path, *words: str) -> Completed:
    return run(
        [paths.DATA / "rumpdeb", "build", dsc, "--output", output, *words], check=False, timeout=600
    )


def report(output: Path) -> dict[str, Any]:
    (path,) = output.glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("files", "build_depends", "option", "reason"),
    [
        (MESON, ", meson", "-Dfancy=disabled", r'Dependency "nosuchlib" not found'),
        (CMAKE, ", cmake", "-DWITH_NOSUCH=OFF", r'provided by "NoSuch"|FindNoSuch\.cmake'),
        (AUTOCONF, "", "--with-nosuch=no", r"configure: error: nosuch was asked for"),
    ],
    ids=["meson", "cmake", "autoconf"],
)
def test_a_feature_without_its_library_is_switched_off_and_said(
    tmp_path: Path, files: Mapping[str, str], build_depends: str, option: str, reason: str
) -> None:
    answer = build(make_source(tmp_path, files, build_depends), tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    assert f"once more with {option}, because" in answer.stderr
    (switched,) = report(tmp_path / "out")["switched_off"]
    assert switched["option"] == option
    assert re.search(reason, switched["reason"])


def test_a_source_that_calls_gcc_by_that_name_is_built_for_the_target(tmp_path: Path) -> None:
    answer = build(make_source(tmp_path, PLAIN), tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    assert "plain gcc being the target's" in answer.stderr
    (deb,) = (tmp_path / "out").glob("*.deb")
    run(["dpkg-deb", "--extract", deb, tmp_path / "root"])
    target = load_target()
    library = tmp_path / "root" / target.prefix.relative_to("/") / "lib/libfoo.a"
    undefined = run([target.tool("nm"), "-u", library]).stdout
    assert "snprintf" in undefined
    assert "_chk" not in undefined


def test_a_source_may_record_the_flags_that_it_is_built_with(tmp_path: Path) -> None:
    files = {
        "Makefile": """\
CC = $(DEB_HOST_GNU_TYPE)-gcc
all:
\techo 'const char flags[] = "$(CFLAGS)"; const char *file(void) { return __FILE__; }' >flags.c
\t$(CC) $(CFLAGS) -c $(CURDIR)/flags.c
\tar rc libfoo.a flags.o
install:
\tinstall -D -m 644 libfoo.a $(DESTDIR)/usr/lib/libfoo.a
clean:
\trm -f flags.c *.o *.a
""",
        "debian/rules": RULES,
        "debian/libfoo-dev.install": "usr/lib/lib*.a\n",
    }
    answer = build(make_source(tmp_path, files), tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    (deb,) = (tmp_path / "out").glob("*.deb")
    run(["dpkg-deb", "--extract", deb, tmp_path / "root"])
    (library,) = (tmp_path / "root").rglob("libfoo.a")
    content = library.read_bytes()
    assert b"-fstack-protector-strong" in content
    assert b"./flags.c\0" in content
    assert str(tmp_path).encode() not in content


def test_a_program_that_needs_another_language_is_left_out_and_said(tmp_path: Path) -> None:
    answer = build(make_source(tmp_path, BINDING), tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    assert "once more without the programs that need tcl.h" in answer.stderr
    assert report(tmp_path / "out")["left_out"] == [
        {"file": "/usr/bin/analyzer", "needs": "tcl.h"},
        {"file": "/usr/bin/shell", "needs": "tcl.h"},
    ]
    (deb,) = (tmp_path / "out").glob("*.deb")
    listed = run(["dpkg-deb", "--contents", deb]).stdout
    assert "lib/libfoo.a" in listed
    assert "analyzer" not in listed
    assert "shell" not in listed


def test_a_library_with_a_part_for_another_language_is_refused(tmp_path: Path) -> None:
    makefile = BINDING["Makefile"].replace("install:\n", "\tar rc libfoo.a shell.o\ninstall:\n", 1)
    answer = build(make_source(tmp_path, {**BINDING, "Makefile": makefile}), tmp_path / "out")
    assert answer.returncode == 5
    assert "a part of /usr/lib/libfoo.a needs tcl.h" in answer.stderr
    assert not list((tmp_path / "out").glob("*.deb"))


def test_a_feature_that_no_option_names_is_a_failure_with_its_class(tmp_path: Path) -> None:
    files = {**CMAKE, "CMakeLists.txt": CMAKE["CMakeLists.txt"].replace("if(WITH", "if(NOT WITH")}
    files["CMakeLists.txt"] = (
        files["CMakeLists.txt"]
        .replace("_NOSUCH", "_OTHER")
        .replace("if(NOT WITH_OTHER)", "if(TRUE)")
    )
    answer = build(make_source(tmp_path, files, ", cmake"), tmp_path / "out")
    assert answer.returncode == 5
    assert "missing-dependency" in answer.stderr
    assert not list((tmp_path / "out").glob("*.deb"))


@pytest.mark.parametrize(("answer", "passed", "failed"), [("42", 1, 0), ("41", 0, 1)])
def test_own_tests_are_run_on_the_variant(
    tmp_path: Path, answer: str, passed: int, failed: int
) -> None:
    files = {
        **CMAKE,
        "test.c": f"int foo(void);\nint main(void) {{ return foo() != {answer}; }}\n",
        "CMakeLists.txt": f"""{CMAKE["CMakeLists.txt"].replace("ON)", "OFF)")}
enable_testing()
add_executable(check_foo test.c)
target_link_libraries(check_foo foo)
add_test(NAME foo COMMAND check_foo)
""",
    }
    done = build(make_source(tmp_path, files, ", cmake"), tmp_path / "out", "--check")
    assert done.returncode == 0, done.stderr
    assert f"own tests: {passed} passed, {failed} failed, 0 skipped" in done.stderr
    own_tests = report(tmp_path / "out")["own_tests"]
    assert own_tests["succeeded"] is (failed == 0)
    assert (own_tests["passed"], own_tests["failed"]) == (passed, failed)
    (log,) = (tmp_path / "out").glob("*.check")
    assert "ctest" in log.read_text(encoding="utf-8")


def test_own_tests_without_an_end_are_ended(tmp_path: Path) -> None:
    rules = f"{RULES}\noverride_dh_auto_test:\n\tsleep 600\n"
    dsc = make_source(tmp_path, {**CMAKE, "debian/rules": rules}, ", cmake")
    done = build(dsc, tmp_path / "out", "--check", "--check-timeout", "0.25")
    assert done.returncode == 0, done.stderr
    assert "own tests: no end in the time that they had" in done.stderr
    assert report(tmp_path / "out")["own_tests"]["ended"] is False
    assert list((tmp_path / "out").glob("*.deb"))
