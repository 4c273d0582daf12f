# SPDX-License-Identifier: BSD-2-Clause
"""Failure classes against what today's tools really say: small projects that are broken."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rumprun.cli.main import main
from rumprun.command import base_environment, run
from rumprun.target.descriptor import Target, load_target
from rumprun.variant.diagnose import Diagnosis, diagnose, explain_error, plain
from rumprun.variant.failure_classes import DATA_FILE

pytestmark = pytest.mark.integration

HELLO = "int main(void) { return 0; }\n"
CC = "x86_64-rumprun-linux-musl-gcc"
CONTROL = """\
Source: broken
Maintainer: A Test <test@example.org>
Build-Depends: debhelper-compat (= 13)

Package: libbroken1
Architecture: any
Description: a library of the tests
"""
CHANGELOG = """\
broken (1.0) unstable; urgency=low

  * Broken.

 -- A Test <test@example.org>  Sat, 01 Jan 2022 00:00:00 +0000
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A project, what to run in it, and what the diagnosis must say."""

    name: str
    argv: tuple[str, ...] = ("make",)
    files: dict[str, str] = field(default_factory=dict)
    failure: str
    subject: str | None


def make(name: str, recipe: str, failure: str, subject: str | None, **files: str) -> Case:
    """A project with a makefile of one rule, and sources ``NAME`` for ``NAME_c`` and so on."""
    sources = {key.replace("__", "/").replace("_", "."): text for key, text in files.items()}
    sources["Makefile"] = f"all:\n\t{recipe}\n"
    return Case(name=name, files=sources, failure=failure, subject=subject)


def cmake(name: str, text: str, failure: str, subject: str | None) -> Case:
    document = f"cmake_minimum_required(VERSION 3.20)\nproject(x C)\n{text}\n"
    toolchain = load_target().data / "toolchain.cmake"
    argv = ("cmake", f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", "-B", "build", ".")
    files = {"CMakeLists.txt": document, "x.c": HELLO}
    return Case(name=name, argv=argv, files=files, failure=failure, subject=subject)


def meson(name: str, text: str, failure: str, subject: str | None, *, language: str = "c") -> Case:
    argv = ("meson", "setup", "build", "--cross-file", str(load_target().data / "cross.meson"))
    files = {"meson.build": f"project('x', '{language}')\n{text}\n", "x.c": HELLO}
    return Case(name=name, argv=argv, files=files, failure=failure, subject=subject)


def autoconf(name: str, text: str, failure: str, subject: str | None) -> Case:
    document = f"AC_INIT([x], [1])\n{text}\nAC_OUTPUT\n"
    makefile = "all:\n\tautoconf\n\t./configure --host=x86_64-rumprun-linux-musl\n"
    files = {"configure.ac": document, "Makefile": makefile}
    return Case(name=name, files=files, failure=failure, subject=subject)


CASES = [
    make("header", f"{CC} -c a.c", "missing-dependency", "nosuch/lib.h",
         a_c="#include <nosuch/lib.h>\n"),
    make("libc-header", f"{CC} -c a.c", "missing-in-libc", "execinfo.h",
         a_c="#include <execinfo.h>\n"),
    make("libc-function", f"{CC} a.c", "missing-in-libc", "gnu_get_libc_version",
         a_c="int main(void) { return gnu_get_libc_version() != 0; }\n"),
    make("libc-type", f"{CC} -c a.c", "missing-in-libc", "comparison_fn_t",
         a_c="#include <stdlib.h>\ncomparison_fn_t f;\n"),
    make("library", f"{CC} a.c -lnosuch", "missing-dependency", "nosuch", a_c=HELLO),
    make("symbol", f"{CC} a.c", "undefined-symbol", "deflate",
         a_c="int deflate(void);\nint main(void) { return deflate(); }\n"),
    make("twice", f"{CC} a.c b.c", "duplicate-symbol", "verbose",
         a_c=HELLO + "int verbose = 1;\n", b_c="int verbose = 2;\n"),
    make("flag", f"{CC} -fnosuch -c a.c", "compiler-flag", "-fnosuch", a_c=HELLO),
    make("linker-flag", f"{CC} -Wl,--nosuch a.c", "compiler-flag", "--nosuch", a_c=HELLO),
    make("sanitizer", f"{CC} -fsanitize=address a.c", "compiler-flag", "-fsanitize", a_c=HELLO),
    make("32-bits", f"{CC} -m32 a.c", "compiler-flag", None, a_c=HELLO),
    make("native-library", f"{CC} a.c /usr/lib/x86_64-linux-gnu/libc.so.6", "native-path",
         "/usr/lib/x86_64-linux-gnu/libc.so.6", a_c=HELLO),
    make("native-object", f"gcc -O2 -D_FORTIFY_SOURCE=2 -c a.c && {CC} a.o", "native-path",
         "__printf_chk", a_c='#include <stdio.h>\nint main(int n, char **v) { printf(*v, n); }\n'),
    make("assembler", f"{CC} -c a.s", "assembler", "no such instruction: 'nosuch %eax'",
         a_s="nosuch %eax\n"),
    make("warning", f"{CC} -Wall -Werror -c a.c", "warning-as-error", "unused variable 'x'",
         a_c="void f(void) { int x; }\n"),
    make("not-pic", "gcc -fno-pic -c a.c && gcc -shared -o liba.so a.o", "shared-library",
         "shared object", a_c="int x[] = {1}; int g(void) { return x[0]; }\n"),
    make("version-script", "gcc -shared -Wl,--version-script=a.map -o liba.so a.c",
         "symbol-version", "a.map", a_c="int x;\n", a_map="V1 { global: x;\n"),
    make("version-node", "gcc -fPIC -shared -o liba.so a.c", "symbol-version", "g@@V1",
         a_c='int f(void) { return 0; }\n__asm__(".symver f,g@@V1");\n'),
    make("shared-object", "install -m 644 .libs/liba.so.1 .", "shared-library", ".libs/liba.so.1"),
    make("strip", "strip liba.so.1", "shared-library", "liba.so.1"),
    make("file", "cp nosuch.conf etc", "missing-file", "nosuch.conf"),
    make("command", "nosuch-command --now", "missing-build-tool", "nosuch-command"),
    make("command-in-shell", "@true; nosuch-command --now", "missing-build-tool",
         "nosuch-command"),
    make("python-module", "/usr/bin/python3 -c 'import nosuch_module'", "missing-build-tool",
         "nosuch_module"),
    make("perl-module", "perl -MNo::Such -e 1", "missing-build-tool", "No/Such"),
    make("interpreter", f"{CC} -c a.c", "language-binding", "tcl.h", a_c="#include <tcl.h>\n"),
    make("documentation", "docbook2man-nosuch; help2man ./nosuch", "documentation", "help2man"),
    make("language", f"{CC} -c a.adb", "missing-language", "gnat1", a_adb="package x is end;\n"),
    make("foreign-program", "bash -c ./prog", "runs-target-program", "./prog"),
    make("patch", "patch -p1 -i a.diff", "patch-failure", None, f="zz\n",
         a_diff="--- a/f\n+++ b/f\n@@ -1 +1 @@\n-xx\n+yy\n"),
    make("host", "sh /usr/share/misc/config.sub sky-rumprun-linux-musl", "unknown-host",
         "sky-rumprun-linux-musl"),
    make("disk", "cp Makefile /dev/full", "disk-full", None),
    make("memory", "sh -c 'kill -9 $$$$'", "out-of-memory", None),
    make("pkg-config", f"@true && {CC.removesuffix('gcc')}pkg-config --libs nosuch",
         "missing-dependency", "nosuch"),
    make("network", "git -c http.proxy=http://127.0.0.1:9/ clone -q https://example.org/x",
         "network-access", "https://example.org/x/"),
    cmake("cmake-module", "find_package(ZLIB REQUIRED)", "missing-dependency", "ZLIB"),
    cmake("cmake-package", "find_package(Nosuch REQUIRED)", "missing-dependency",
          "FindNosuch.cmake"),
    cmake("cmake-config", "find_package(Nosuch CONFIG REQUIRED)", "missing-dependency", "Nosuch"),
    cmake("cmake-warning", "find_package(Nosuch)\nfind_package(ZLIB)\nfind_package(PNG REQUIRED)",
          "missing-dependency", "PNG"),
    cmake("cmake-pkg-config",
          "find_package(PkgConfig REQUIRED)\npkg_check_modules(X REQUIRED nosuch>=2)",
          "missing-dependency", "nosuch"),
    cmake("cmake-program", "find_program(TOOL nosuch-tool REQUIRED)", "missing-build-tool", "TOOL"),
    cmake("cmake-language", "enable_language(ISPC)", "missing-language", "ISPC"),
    cmake("cmake-python", "find_package(Python3 REQUIRED COMPONENTS Development)",
          "language-binding", "Python3"),
    cmake("cmake-message", 'message(FATAL_ERROR "liburing not found")', "missing-dependency",
          "liburing"),
    meson("meson-dependency", "dependency('nosuch')", "missing-dependency", "nosuch"),
    meson("meson-library", "meson.get_compiler('c').find_library('nosuch')", "missing-dependency",
          "nosuch"),
    meson("meson-header", "meson.get_compiler('c').has_header('nosuch.h', required: true)",
          "missing-dependency", "nosuch.h"),
    meson("meson-program", "find_program('nosuch')", "missing-build-tool", "nosuch"),
    meson("meson-language", "", "missing-language", "fortran", language="fortran"),
    autoconf("configure-library",
             "AC_PROG_CC\nAC_CHECK_LIB([nosuch], [f],, [AC_MSG_ERROR([libnosuch is needed])])",
             "missing-dependency", "libnosuch"),
    autoconf("configure-vague",
             "AC_PROG_CC\nAC_CHECK_LIB([nosuch], [f],, [AC_MSG_ERROR([that will not do])])",
             "missing-dependency", "f in -lnosuch"),
    autoconf("configure-pkg-config",
             "m4_include([/usr/share/aclocal/pkg.m4])\nPKG_CHECK_MODULES([X], [nosuch >= 1.2])",
             "missing-dependency", "nosuch >= 1.2"),
    autoconf("configure-macro", "AC_CONFIG_MACRO_DIRS([m4])\nNOSUCH_CHECK([x])",
             "missing-build-tool", "x"),
]  # fmt: skip


def environment(target: Target) -> dict[str, str]:
    """That of the tests, with the target's tools and configure's answers."""
    clean = base_environment()
    path = f"{target.bin}:/usr/sbin:/usr/bin:/sbin:/bin"
    return clean | {"PATH": path, "CONFIG_SITE": str(target.data / "config.site")}


def log_of(place: Path, files: dict[str, str], argv: tuple[str, ...]) -> Path:
    """The log of ``argv``, which must fail, in a directory with ``files``."""
    tree = place / "tree"
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755 if name == "debian/rules" else 0o644)
    log = place / "log"
    done = run(argv, cwd=tree, env=environment(load_target()), log=log, check=False)
    assert done.returncode != 0
    return log


def explained(log: Path) -> Diagnosis:
    text = log.read_text(encoding="utf-8", errors="replace")
    result = diagnose(text)
    assert result is not None, text
    assert plain(text).split("\n")[result.line_number - 1].strip()[:200] == result.line[:200]
    return result


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_tools_say(case: Case, tmp_path: Path) -> None:
    files = dict(case.files)
    if case.name == "foreign-program":
        (tmp_path / "tree").mkdir()
        program = tmp_path / "tree" / "prog"
        program.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\xb7\0" + bytes(44))
        program.chmod(0o755)
    log = log_of(tmp_path, files, case.argv)
    result = explained(log)
    assert (result.name, result.subject) == (case.failure, case.subject), log.read_text()


def debian(rules: str, **files: str) -> dict[str, str]:
    named = {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
    return {
        "debian/control": CONTROL,
        "debian/changelog": CHANGELOG,
        "debian/rules": f"#!/usr/bin/make -f\n%:\n\tdh $@\n{rules}",
        **named,
    }


def test_debhelper_shows_config_log(tmp_path: Path) -> None:
    """The script only says that the compiler does not work; its log, shown by debhelper, why."""
    rules = "override_dh_auto_configure:\n\tautoconf\n\tLDFLAGS=-lnosuch dh_auto_configure\n"
    files = debian(rules, configure_ac="AC_INIT([x], [1])\nAC_PROG_CC\nAC_OUTPUT\n")
    log = log_of(tmp_path, files, ("debian/rules", "build"))
    assert "==> config.log <==" in log.read_text(encoding="utf-8")
    result = explained(log)
    assert (result.name, result.subject) == ("missing-dependency", "nosuch")


def test_debhelper_misses_a_shared_library(tmp_path: Path) -> None:
    files = debian("", Makefile="all:\n\tcp nosuch there || true\n")
    files["debian/libbroken1.install"] = "usr/lib/*/libbroken.so.*\n"
    log = log_of(tmp_path, files, ("debian/rules", "binary"))
    result = explained(log)
    assert (result.name, result.subject) == ("shared-library", "usr/lib/*/libbroken.so.*")


def test_debhelper_misses_an_add_on(tmp_path: Path) -> None:
    files = debian("")
    files["debian/rules"] = files["debian/rules"].replace("dh $@", "dh $@ --with nosuch")
    log = log_of(tmp_path, files, ("debian/rules", "build"))
    result = explained(log)
    assert (result.name, result.subject) == ("missing-build-tool", "nosuch")


def test_parallel_make(tmp_path: Path) -> None:
    """Of many objects one fails at once; others fail later, and many go on."""
    rules = (
        "all: $(patsubst %.c,%.o,$(wildcard *.c))\n%.o: %.c\n\t{cc} -c $<\nslow.o: wait\nwait:\n"
    )
    makefile = rules.format(cc=CC) + "\tsleep 1\n"
    files = {f"good{number}.c": HELLO for number in range(20)}
    files |= {"bad.c": "#include <nosuch.h>\n", "slow.c": "#include <execinfo.h>\n"}
    log = log_of(tmp_path, {"Makefile": makefile, **files}, ("make", "-j4", "-k"))
    result = explained(log)
    assert (result.name, result.subject) == ("missing-dependency", "nosuch.h")


def test_the_command_and_the_paragraph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"Makefile": f"all:\n\t{CC} -c a.c\n", "a.c": "#include <nosuch.h>\n"}
    log = log_of(tmp_path, files, ("make",))
    assert main(["explain", "--json", str(log)]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["logs"]
    assert entry["class"] == "missing-dependency"
    assert str(entry["line_number"]) in str(explain_error(log))


def lists() -> dict[str, list[str]]:
    return dict(tomllib.loads(DATA_FILE.read_text(encoding="utf-8"))["lists"])


def preprocessed(target: Target, *options: str) -> str:
    """All headers of musl that can be included together, after the preprocessor."""
    root = Path("/usr/include/x86_64-linux-musl")
    # Some are only for another header to include; others need the kernel's, which this target has
    # in another place.
    unfit = {"sys/vt.h", "sys/kd.h", "sys/soundcard.h"}
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*.h"))
    usable = [name for name in names if not name.startswith("bits/") and name not in unfit]
    text = "#define _GNU_SOURCE\n" + "".join(f"#include <{name}>\n" for name in usable)
    return run([target.tool("gcc"), "-w", "-E", *options, "-x", "c", "-"], stdin=text).stdout


def test_what_musl_is_said_to_lack_it_lacks() -> None:
    target = load_target()
    headers = Path("/usr/include/x86_64-linux-musl")
    assert [name for name in lists()["libc_headers"] if (headers / name).exists()] == []
    archive = "/usr/lib/x86_64-linux-musl/libc.a"
    symbols = run([target.tool("nm"), "-g", "--defined-only", archive]).stdout
    # Some functions are declared, but not defined: those count as lacking.
    defined = set(re.findall(r" [A-Z] (\w+)$", symbols, re.MULTILINE))
    macros = set(re.findall(r"^#define (\w+)", preprocessed(target, "-dM"), re.MULTILINE))
    assert {"printf", "EINVAL", "SIGTERM"} <= defined | macros
    assert sorted((defined | macros) & set(lists()["libc_names"])) == []
    types = set(re.findall(r"(\w+);|(?:struct|union) (\w+) *\{", preprocessed(target, "-P")))
    named = {word for pair in types for word in pair}
    assert {"size_t", "timespec"} <= named
    assert sorted(named & set(lists()["libc_types"])) == []
