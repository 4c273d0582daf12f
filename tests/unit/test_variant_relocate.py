# SPDX-License-Identifier: BSD-2-Clause
"""Text with installation paths, moved to the target's prefix."""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumprun.variant.relocate import names_paths, relocate_text
from unit.variant_samples import PREFIX, TARGET, T


def moved(text: str, name: str = "lib/pkgconfig/foo.pc") -> str:
    return relocate_text(text, PurePosixPath(name), TARGET)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("prefix=/usr\n", f"prefix={PREFIX}\n"),
        (f"libdir=${{prefix}}/lib/{T}\n", "libdir=${prefix}/lib\n"),
        (f"libdir=${{exec_prefix}}/lib/{T}\n", "libdir=${exec_prefix}/lib\n"),
        ("Libs: -L${libdir} -lz", "Libs: -L${libdir} -lz"),
        ("Cflags: -I/usr/include", f"Cflags: -I{PREFIX}/include"),
        ("Cflags: -isystem/usr/include", f"Cflags: -isystem{PREFIX}/include"),
        (f"Libs: -L/usr/lib/{T} -lz", f"Libs: -L{PREFIX}/lib -lz"),
        (f"Cflags: -I${{includedir}}/{T}", "Cflags: -I${includedir}"),
        ("prefix=/usr/\n", f"prefix={PREFIX}/\n"),
        (f"Cflags: -I/usr/include/{T}/ncursesw", f"Cflags: -I{PREFIX}/include/ncursesw"),
        (f"Libs: /usr/lib/{T}/libz.a", f"Libs: {PREFIX}/lib/libz.a"),
        # libnl-3 and its like lie on the root file system.
        (f"libdir=/lib/{T}\n", f"libdir={PREFIX}/lib\n"),
        (f"Libs: -L/lib/{T} -lnl-3", f"Libs: -L{PREFIX}/lib -lnl-3"),
        ("libdir=/lib\n", f"libdir={PREFIX}/lib\n"),
        ("prefix=/usr/local\n", "prefix=/usr/local\n"),
        ("Cflags: -I/usr/local/include", "Cflags: -I/usr/local/include"),
        (f"prefix={PREFIX}\n", f"prefix={PREFIX}\n"),
        ("dir=/opt/usr/include", "dir=/opt/usr/include"),
        ("dir=${pc_sysrootdir}/usr/include", "dir=${pc_sysrootdir}/usr/include"),
        (f"dir=/usr/lib/{T}-old", f"dir={PREFIX}/lib/{T}-old"),
    ],
)
def test_pc(before: str, after: str) -> None:
    assert moved(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('prefix="/usr"', f'prefix="{PREFIX}"'),
        (f'libdir="/usr/lib/{T}"', f'libdir="{PREFIX}/lib"'),
        ("includedir='/usr/include'", f"includedir='{PREFIX}/include'"),
        ("case $x in /usr|/usr/local) ;; esac", f"case $x in {PREFIX}|/usr/local) ;; esac"),
        # curl-config
        (f'CURLLIBDIR="-L/usr/lib/{T} "', f'CURLLIBDIR="-L{PREFIX}/lib "'),
        ("bindir=/usr/bin\n", f"bindir={PREFIX}/bin\n"),
        # The interpreter and the tools that a script calls are the build machine's.
        ("#!/usr/bin/perl -w\nprefix=/usr\n", f"#!/usr/bin/perl -w\nprefix={PREFIX}\n"),
        ("#! /usr/bin/env python3\n", "#! /usr/bin/env python3\n"),
        ("exec /usr/bin/python3 x", "exec /usr/bin/python3 x"),
    ],
)
def test_script(before: str, after: str) -> None:
    assert moved(before, "bin/foo-config") == after


LADDER_TOP = 'get_filename_component(_IMPORT_PREFIX "${CMAKE_CURRENT_LIST_FILE}" PATH)\n'
STEP = 'get_filename_component(_IMPORT_PREFIX "${_IMPORT_PREFIX}" PATH)\n'
USR_MOVE = f"""\
# Use original install prefix when loaded through a
# cross-prefix symbolic link such as /lib -> /usr/lib.
get_filename_component(_realCurr "${{_IMPORT_PREFIX}}" REALPATH)
get_filename_component(_realOrig "/usr/lib/{T}/cmake/foo" REALPATH)
if(_realCurr STREQUAL _realOrig)
  set(_IMPORT_PREFIX "/usr/lib/{T}/cmake/foo")
endif()
unset(_realOrig)
unset(_realCurr)
"""
NOCONFIG = """\
add_library(expat::expat SHARED IMPORTED)
set_target_properties(expat::expat PROPERTIES
  IMPORTED_LOCATION_NOCONFIG "{place}/libexpat.so.1.8.10"
  IMPORTED_SONAME_NOCONFIG "libexpat.so.1"{close}

list(APPEND _files "{place}/libexpat.so.1.8.10" )
"""


@pytest.mark.parametrize("between", ["", USR_MOVE])
def test_cmake_ladder(between: str) -> None:
    text = LADDER_TOP + between + STEP * 4 + "if(x)\n"
    new = moved(text, "lib/cmake/foo/fooTargets.cmake")
    assert new.startswith(LADDER_TOP)
    assert new.count(STEP) == 3
    if between:
        assert f'set(_IMPORT_PREFIX "{PREFIX}/lib/cmake/foo")' in new
    assert moved(new, "lib/cmake/foo/fooTargets.cmake") == new


def test_cmake_ladder_that_was_never_under_the_triple() -> None:
    for name, steps in (("lib/cmake/foo/a.cmake", 3), ("share/foo/cmake/a.cmake", 3)):
        assert moved(LADDER_TOP + STEP * steps, name) == LADDER_TOP + STEP * steps


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("lib/cmake/foo/fooConfig.cmake", "../../../../", "../../../"),
        ("lib/cmake/foo/fooConfig.cmake", "../../../..", "../../.."),
        ("lib/cmake/foo/fooConfig.cmake", "../../../../include", "../../../include"),
        ("lib/cmake/foo/fooConfig.cmake", "../../../", "../../../"),
        ("share/cmake/foo/fooConfig.cmake", "../../../", "../../../"),
        # A sibling, not the prefix.
        ("lib/cmake/foo/fooConfig.cmake", "..", ".."),
        ("lib/cmake/foo/fooConfig.cmake", "../../", "../../"),
    ],
)
def test_cmake_package_prefix(name: str, before: str, after: str) -> None:
    line = 'get_filename_component(PACKAGE_PREFIX_DIR "${{CMAKE_CURRENT_LIST_DIR}}/{}" ABSOLUTE)'
    assert moved(line.format(before), name) == line.format(after)


@pytest.mark.parametrize("close", ["\n  )", ")", " )"])
@pytest.mark.parametrize("place", [f"/lib/{T}", f"/usr/lib/{T}", f"${{_IMPORT_PREFIX}}/lib/{T}"])
def test_cmake_shared_import_becomes_static(close: str, place: str) -> None:
    text = moved(NOCONFIG.format(close=close, place=place), "lib/cmake/expat-2.5.0/x.cmake")
    library = "${_IMPORT_PREFIX}/lib" if place.startswith("$") else f"{PREFIX}/lib"
    assert text.splitlines()[0] == "add_library(expat::expat STATIC IMPORTED)"
    assert text.count(f'"{library}/libexpat.a"') == 2
    assert "SONAME" not in text
    assert text.count("(") == text.count(")")


def test_cmake_link_libraries_in_a_list() -> None:
    before = f'"/usr/lib/{T}/libz.so;/lib/{T}/libm.so.6;$<LINK_ONLY:/usr/lib/{T}/libpng16.so>;dl"'
    after = f'"{PREFIX}/lib/libz.a;{PREFIX}/lib/libm.a;$<LINK_ONLY:{PREFIX}/lib/libpng16.a>;dl"'
    assert moved(before, "lib/cmake/foo/foo.cmake") == after


def test_query_of_a_soname_is_left_alone() -> None:
    line = "get_target_property(name foo IMPORTED_SONAME)\n"
    assert moved(line, "lib/cmake/foo/foo.cmake") == line


def test_replacements_come_first() -> None:
    text = relocate_text(
        "Libs: -L/b/sysroot/usr/lib -lz",
        PurePosixPath("lib/pkgconfig/foo.pc"),
        TARGET,
        replacements={"/b/sysroot/usr": PREFIX},
    )
    assert text == f"Libs: -L{PREFIX}/lib -lz"


PIECES = st.sampled_from(
    [
        *(
            "/usr",
            "/lib",
            "/include",
            "/bin",
            "/local",
            f"/{T}",
            "/libz.so",
            "/libz.a",
            ".1",
            "/..",
        ),
        *(
            "=",
            " ",
            "-L",
            "-I",
            '"',
            "\n",
            ";",
            "prefix",
            "${prefix}",
            LADDER_TOP,
            STEP,
            "IMPORTED",
        ),
    ]
)


@settings(deadline=None)
@given(
    st.lists(PIECES, max_size=12).map("".join),
    st.sampled_from(["lib/pkgconfig/a.pc", "bin/a-config", "lib/cmake/a/a.cmake", "share/a.cmake"]),
)
def test_a_second_time_changes_nothing(text: str, name: str) -> None:
    once = moved(text, name)
    assert moved(once, name) == once
    assert "/usr/usr/" not in once or "/usr/usr/" in text


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("lib/pkgconfig/a.pc", b"", True),
        ("lib/cmake/a/a.cmake", b"", True),
        ("bin/a-config", b"#!/bin/sh\n", True),
        ("lib/xml2Conf.sh", b"XML2_LIBDIR=-L/usr/lib\n", True),
        ("lib/tclConfig.sh", b"", True),
        ("bin/tool", b"\x7fELF", False),
        ("bin/huge", b"#!/bin/sh\n" + b"\n" * (1 << 20), False),
        ("include/a.h", b"#!", False),
    ],
)
def test_names_paths(tmp_path: Path, name: str, content: bytes, expected: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    path.chmod(stat.S_IRUSR)
    assert names_paths(PurePosixPath(name), path) is expected
