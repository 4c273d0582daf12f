# SPDX-License-Identifier: BSD-2-Clause
# gcc quotes with these marks where the locale has them.
# ruff: noqa: RUF001
"""Failure classes: their own examples, and the root of a failure in whole logs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.variant.diagnose import Diagnosis, diagnose, explain_error
from rumprun.variant.failure_classes import failure_classes, plain_quotes

KNOWN = failure_classes()
CLASSES = {item.name: item for item in KNOWN.classes}


def found(text: str) -> Diagnosis:
    result = diagnose(text)
    assert result is not None
    return result


def root(text: str) -> tuple[str, int, str | None]:
    """Class, line number and subject of the diagnosis."""
    result = found(text)
    assert plain_quotes(text).split("\n")[result.line_number - 1].strip() == result.line
    return result.name, result.line_number, result.subject


MAKE = """\
   dh_auto_build
\tmake -j2
gcc -c a.c
a.c: In function ‘main’:
a.c:3:9: warning: implicit declaration of function ‘foo’ [-Wimplicit-function-declaration]
gcc -c b.c
b.c:1:10: fatal error: zlib.h: No such file or directory
    1 | #include <zlib.h>
      |          ^~~~~~~~
compilation terminated.
make[2]: *** [Makefile:7: b.o] Error 1
make[2]: *** Waiting for unfinished jobs....
c.c:1:10: fatal error: png.h: No such file or directory
compilation terminated.
make[2]: *** [Makefile:7: c.o] Error 1
make[1]: *** [Makefile:3: all] Error 2
dh_auto_build: error: make -j2 returned exit code 2
make: *** [debian/rules:4: binary-arch] Error 25
"""


def test_the_root_is_not_the_last_error_of_make() -> None:
    assert root(MAKE) == ("missing-dependency", 7, "zlib.h")
    result = found(MAKE)
    assert result.context[3] == result.line
    assert "zlib.h" in result.remedy


def test_parallel_make_mixes_lines_of_other_files() -> None:
    mixed = MAKE.replace(
        "gcc -c b.c\n", "gcc -c b.c\nsub/d.c:9:1: error: unknown type name ‘error_t’\n"
    )
    assert root(mixed) == ("missing-dependency", 8, "zlib.h")


def test_what_earlier_steps_said_is_not_the_reason() -> None:
    earlier = "   dh_auto_configure\ncp: cannot stat 'x': No such file or directory\n"
    harmless = "make: *** [Makefile:1: try] Error 1\n"
    assert root(earlier + harmless + MAKE) == ("missing-dependency", 10, "zlib.h")


def test_what_make_ignores_is_not_the_reason() -> None:
    ignored = """\
cp: cannot stat 'nofile': No such file or directory
make[2]: *** [Makefile:3: sub] Error 1
make[1]: [Makefile:9: all] Error 2 (ignored)
"""
    text = MAKE.replace("gcc -c a.c\n", ignored + "gcc -c a.c\n")
    assert root(text) == ("missing-dependency", 10, "zlib.h")


def test_a_missing_command_is_no_reason_if_unknown_errors_follow() -> None:
    text = "/bin/sh: 1: git: not found\ngcc -c a.c\n{}make: *** [Makefile:7: all] Error 1\n"
    broken = "a.c:2:3: error: expected ‘;’ before ‘}’ token\n"
    assert root(text.format(broken)) == ("unknown", 3, "expected ';' before '}' token")
    assert root(text.format("")) == ("missing-build-tool", 1, "git")


def test_a_stop_without_a_word_is_unknown() -> None:
    assert root("true\nmake: *** [Makefile:7: all] Error 1\n") == ("unknown", 2, None)


def test_configure_in_its_own_words() -> None:
    text = """\
   dh_auto_configure
checking for zlib.h... no
checking for deflate in -lz... no
configure: error: {}
make: *** [debian/rules:4: build] Error 25
"""
    assert root(text.format("zlib is required")) == ("missing-dependency", 4, "zlib")
    assert root(text.format("give up")) == ("missing-dependency", 3, "deflate in -lz")
    unmet = "Package requirements (foo >= 1.2) were not met:\n\nNo package 'foo' found"
    assert root(text.format(unmet)) == ("missing-dependency", 4, "foo >= 1.2")


def test_a_check_that_says_no_is_not_the_reason() -> None:
    text = "checking for zlib.h... no\nchecking for foo.h... no\n" + MAKE
    assert root(text) == ("missing-dependency", 9, "zlib.h")


CONFIG_LOG = """\
   dh_auto_configure
checking whether the C compiler works... no
configure: error: in `/build/foo':
configure: error: C compiler cannot create executables
See `config.log' for more details
\ttail -v -n \\+0 config.log
==> config.log <==
configure:2323: gcc -V >&5
gcc: error: unrecognized command-line option '-V'
gcc: fatal error: no input files
compilation terminated.
configure:2334: $? = 1
configure:2354: checking whether the C compiler works
configure:2376: gcc -L/x conftest.c -lnosuch >&5
/usr/bin/ld: cannot find -lnosuch: No such file or directory
collect2: error: ld returned 1 exit status
configure:2380: $? = 1
configure: failed program was:
| /* confdefs.h */
| int main (void) { return 0; }
configure:2418: error: in `/build/foo':
configure:2420: error: C compiler cannot create executables
x.c:1:1: error: unknown type name ‘error_t’
make: *** [x] Error 1
dh_auto_configure: error: ./configure returned exit code 77
"""


def test_config_log_knows_more_if_it_is_shown() -> None:
    assert root(CONFIG_LOG) == ("missing-dependency", 15, "nosuch")
    assert root(CONFIG_LOG.partition("\ttail")[0]) == ("compiler-check", 4, "C")


def test_of_several_passes_the_last_counts() -> None:
    again = f"$ debian/rules build-arch\n{CONFIG_LOG}$ debian/rules build-arch\n{MAKE}"
    assert root(again) == ("missing-dependency", 8 + CONFIG_LOG.count("\n") + 1, "zlib.h")


CMAKE_CXX = """\
-- Check for working CXX compiler: /usr/bin/x86_64-rumprun-linux-musl-g++ - broken
CMake Error at /usr/share/cmake-3.25/Modules/CMakeTestCXXCompiler.cmake:63 (message):
  The C++ compiler

    "/usr/bin/x86_64-rumprun-linux-musl-g++"

  is not able to compile a simple test program.

  It fails with the following output:

    gmake[3]: Entering directory '/build/CMakeFiles/CMakeScratch/TryCompile-vkpc7v'
    {}
    gmake[3]: *** [CMakeFiles/cmTC_a1889.dir/build.make:78: cmTC_a1889.dir/x.o] Error 1

  CMake will not be able to correctly generate this project.
Call Stack (most recent call first):
  CMakeLists.txt:46 (project)
"""


def test_a_summary_gives_way_to_the_reason() -> None:
    reason = "x86_64-linux-gnu-g++: error: unrecognized command-line option ‘-foo’"
    assert root(CMAKE_CXX.format(reason)) == ("compiler-flag", 12, "-foo")
    assert root(CMAKE_CXX.format("true")) == ("missing-cxx", 3, None)


def test_config_log_is_no_reason_by_itself() -> None:
    text = CONFIG_LOG.replace("C compiler cannot create executables\nSee", "zlib needed\nSee")
    assert root(text) == ("missing-dependency", 4, "zlib")


CMAKE = """\
   dh_auto_configure
-- Could NOT find ZLIB (missing: ZLIB_LIBRARY ZLIB_INCLUDE_DIR)
CMake Warning at CMakeLists.txt:3 (find_package):
  By not providing "FindBar.cmake" in CMAKE_MODULE_PATH this project has
  asked CMake to find a package configuration file provided by "Bar", but

  Could not find a package configuration file provided by "Bar" with any of
  the following names:

CMake Error at /usr/share/cmake-3.25/Modules/FindPackageHandleStandardArgs.cmake:230 (message):
  Could NOT find Foo (missing: FOO_LIBRARY)
Call Stack (most recent call first):
  CMakeLists.txt:3 (find_package)


-- Configuring incomplete, errors occurred!
\ttail -v -n \\+0 CMakeCache.txt
==> CMakeCache.txt <==
FOO_LIBRARY:FILEPATH=FOO_LIBRARY-NOTFOUND
dh_auto_configure: error: cmake returned exit code 1
"""


def test_cmake_warnings_are_not_the_reason() -> None:
    assert root(CMAKE) == ("missing-dependency", 11, "Foo")
    only_warning = CMAKE.partition("CMake Error")[0]
    assert diagnose(only_warning) is None


def test_cmake_says_before_its_error_which_module() -> None:
    text = """\
-- Checking for module 'foo>=2'
--   Package 'foo', required by 'virtual:world', not found
CMake Error at /usr/share/cmake-3.25/Modules/FindPkgConfig.cmake:607 (message):
  A required package was not found
"""
    assert root(text) == ("missing-dependency", 2, "foo")


def test_ninja_says_the_reason_below_what_failed() -> None:
    text = """\
[1/3] cc -c a.c
FAILED: b.o
cc -c b.c
b.c:1:10: fatal error: execinfo.h: No such file or directory
[2/3] cc -c c.c
ninja: build stopped: subcommand failed.
"""
    assert root(text) == ("missing-in-libc", 4, "execinfo.h")


def test_the_machine_is_to_blame_first() -> None:
    full = "cp: error writing 'x': No space left on device\n"
    text = MAKE.replace("make[2]: *** [Makefile:7: b.o]", full + "make[2]: *** [Makefile:7: b.o]")
    assert root(text)[:2] == ("disk-full", 11)
    source = '   12 | case ENOSPC: return "No space left on device";\n'
    assert root(MAKE.replace("gcc -c a.c\n", source))[0] == "missing-dependency"


def test_a_build_that_was_stopped() -> None:
    text = """\
gcc -c a.c
make[3]: *** Deleting file 'a.o'
make[3]: *** [Makefile:18233: a.o] Terminated
make: *** [debian/rules:48: build-arch] Terminated
"""
    assert root(text) == ("timeout", 3, None)


def test_the_library_of_a_symbol_is_named() -> None:
    text = "x.c:(.text+0xa): undefined reference to `{}'\nmake: *** [x] Error 1\n"
    assert "zlib1g-dev" in found(text.format("inflateInit_")).remedy
    assert "libssl-dev" in found(text.format("SSL_new")).remedy
    assert "by its name" not in found(text.format("frobnicate")).remedy


def test_no_failure_no_diagnosis() -> None:
    assert diagnose("") is None
    assert (
        diagnose(
            "   dh_auto_build\ngcc -Werror=format-security -c a.c\n/bin/sh: 1: git: not found\n"
        )
        is None
    )
    assert diagnose("checking for zlib.h... no\n") is None


def test_colours_and_dos_line_ends_do_not_matter() -> None:
    red, plain = "\x1b[01;31m\x1b[K", "\x1b[m\x1b[K"
    text = f"x\r\nb.c:1:10: {red}fatal error: {plain}zlib.h: No such file or directory\r\n"
    result = found(text + "make: *** [Makefile:7: b.o] Error 1\r\n")
    assert (result.name, result.line_number, result.subject) == ("missing-dependency", 2, "zlib.h")
    assert "\x1b" not in result.line


def test_what_is_shown_is_printable_and_short() -> None:
    bad = "\udc80\x07" + "y" * 1000
    result = found(
        f"x.c:1:10: fatal error: {bad}: No such file or directory\nmake: *** [x] Error 1\n"
    )
    assert result.line.isprintable()
    assert len(result.line) < 400
    assert len(result.remedy) < 1000


def test_explain_error_is_a_paragraph(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(MAKE, encoding="utf-8")
    text = explain_error(log, "zlib 1: variant pass: failed with status 2: debian/rules\nx")
    assert text is not None
    assert text.startswith("missing-dependency: ")
    assert f"line 7 of {log}" in text
    assert "\n" not in text
    timed_out = explain_error(log, "zlib 1: variant pass: no end after 60 s: debian/rules build\nx")
    assert timed_out is not None
    assert timed_out.startswith("timeout: ")
    log.write_text("true\nmake: *** [Makefile:7: all] Error 1\n", encoding="utf-8")
    assert explain_error(log) is None
    assert explain_error(tmp_path / "absent") is None
    log.write_bytes(b"\xff\xfe\0" + MAKE.encode())
    assert "zlib.h" in str(explain_error(log))


LANDMARKS = (
    "make: *** [x] Error 1", "make: [x] Error 1 (ignored)", "CMake Error at x:", "FAILED: x",
    "configure: error: ", "configure:1: error: x", "\ttail -v -n \\+0 config.log",
    "==> config.log <==", "   dh_auto_build", "\x1b[31m", "",
)  # fmt: skip
FRAGMENTS = st.one_of(
    st.sampled_from([example for item in KNOWN.classes for example in item.examples]),
    st.sampled_from(LANDMARKS),
    st.text(max_size=60),
)


@given(st.lists(FRAGMENTS, max_size=30), st.sampled_from(["\n", "\r\n", " ", "\0"]))
def test_any_text_is_taken(parts: list[str], separator: str) -> None:
    text = separator.join(parts)
    result = diagnose(text)
    if result is not None:
        assert 1 <= result.line_number <= text.count("\n") + 1
        assert result.line.isprintable()
        assert result.name in CLASSES


@given(st.binary(max_size=500))
def test_any_bytes_are_taken(data: bytes) -> None:
    diagnose(data.decode("utf-8", errors="replace"))
    diagnose(data.decode("utf-8", errors="surrogateescape"))


# What a log consists of, and how many times.
HOSTILE = {
    "one line": ("x", 20_000_000),
    "errors": ("error: ", 2_000_000),
    "full disks": (": No space left on device", 800_000),
    "empty lines": ("\n", 1_000_000),
    "stops in a line": ("make: *** [", 2_000_000),
    "one word below": ("CMake Error:/a:", 1_000_000),
    "steps": ("\ndh_x:", 500_000),
    "ignored": ("make: *** [x] Error 1\nmake: [x] Error 1 (ignored)\n", 100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_logs_are_fast(name: str) -> None:
    piece, times = HOSTILE[name]
    text = piece * times
    started = time.process_time()
    diagnose(text)
    assert time.process_time() - started < 10


def test_a_long_log_is_fast() -> None:
    command = (
        "x86_64-rumprun-linux-musl-gcc -Werror=format-security -O2 -g -c src/file.c -o file.o\n"
    )
    noise = command * 40 + "make[2]: *** [Makefile:3: x] Error 1\nmake[1]: [x] Error 1 (ignored)\n"
    text = "   dh_auto_build\n" + noise * (50_000_000 // len(noise)) + MAKE.split("\n", 2)[2]
    started = time.process_time()
    assert found(text).subject == "zlib.h"
    assert time.process_time() - started < 20
