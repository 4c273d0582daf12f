# SPDX-License-Identifier: BSD-2-Clause
"""Features without a library: what a failed build says, and the option that does without."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumprun.variant.features import BuildSystem, Switch, find_switches, write_switches
from rumprun.variant.features.evidence import find_lacks
from rumprun.variant.features.options import read_options

CONFIGURE = """\
#! /bin/sh
ac_user_opts='
enable_option_checking
enable_shared
with_icu
with_python
with_python_install_dir
enable_udev
enable_log
'
"""

CACHE = """\
CMAKE_SKIP_RPATH:BOOL=ON
ENABLE_OPENSSL:BOOL=ON
WITH_JAVA:BOOL=1
WITH_INCLUDE:BOOL=1
WITH_ZLIB:BOOL=OFF
OPENSSL_ROOT_DIR:PATH=/x
"""

MESON = """\
project('x', 'c')
selinux_opt = get_option('selinux')
a = dependency('libselinux', required: selinux_opt)
b = dependency('mount',
  version: '>=2.23',
  required: get_option('libmount'))
c = dependency('plain')
"""

MESON_OPTIONS = """\
option('selinux', type: 'feature', value: 'auto', description: 'build with (SE) Linux')
option('libmount', type : 'boolean', value : true)
option('tls', type: 'combo', choices: ['auto', 'gnutls', 'none'], value: 'auto')
option('plain_dir', type: 'string', value: '')
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "configure": CONFIGURE,
        "build/CMakeCache.txt": CACHE,
        "meson.build": MESON,
        "meson_options.txt": MESON_OPTIONS,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("log", "switches"),
    [
        ('configure: error: "udev support requested but no libudev header"', ["--enable-udev=no"]),
        ("configure: error: Package requirements (icu-i18n) were not met:", ["--with-icu=no"]),
        ("x.c:1:10: fatal error: Python.h: No such file or directory", ["--with-python=no"]),
        ("/usr/bin/ld: cannot find -ludev: No such file or directory", ["--enable-udev=no"]),
        ("No package 'icu-uc' found", ["--with-icu=no"]),
        ("checking for udev... configure: error: not found: udev", ["--enable-udev=no"]),
        ("  Could NOT find JNI (missing: JAVA_INCLUDE_PATH AWT JVM)", ["-DWITH_JAVA=OFF"]),
        (
            "configure: error: --enable-static is not supported by kmod",
            ["--enable-static=no", "--enable-shared=yes"],
        ),
        (
            "\t./configure --enable-udev=shared\nconfigure: error: Shared linking of udev needs x",
            ["--enable-udev=static"],
        ),
        # The command line, which debhelper repeats, is no complaint.
        ("dh_auto_configure: error: ./configure --with-icu returned exit code 1", []),
        ("dh_auto_configure: error: cd x && cmake -DX returned exit code 1: No package 'icu'", []),
        ("configure: error: unrecognized option: `--runstatedir=/run'", []),
        ("  Could NOT find OpenSSL, try to set OPENSSL_ROOT_DIR", ["-DENABLE_OPENSSL=OFF"]),
        (
            '../meson.build:3:4: ERROR: Dependency "libselinux" not found, tried pkgconfig',
            ["-Dselinux=disabled"],
        ),
        (
            '../../meson.build:4:4: ERROR: Dependency "mount" not found, tried pkgconfig',
            ["-Dlibmount=false"],
        ),
        # Nothing that an option could do without.
        ('../meson.build:7:4: ERROR: Dependency "plain" not found, tried pkgconfig', []),
        ("configure: error: C++ compiler not available, see config.log for details", []),
        ("configure: error: no acceptable C compiler found", []),
        ("  Could NOT find ZLIB", []),
        ("x.c:1:10: fatal error: nosuch.h: No such file or directory", []),
        ("checking for icu... no\nx.c:1: error: expected ';'", []),
        ("", []),
    ],
)
def test_what_is_missing_is_switched_off(tree: Path, log: str, switches: list[str]) -> None:
    assert [str(switch) for switch in find_switches(log, tree)] == switches


def test_the_first_complaint_that_an_option_answers_decides(tree: Path) -> None:
    log = (
        "x.c:1:10: fatal error: nosuch.h: No such file or directory\n"
        "No package 'icu-uc' found\nNo package 'libudev' found\n"
    )
    (switch,) = find_switches(log, tree)
    assert (switch.option, switch.reason) == ("with_icu", "No package 'icu-uc' found")


def test_a_place_outside_the_tree_is_not_read(tree: Path) -> None:
    outside = tree.parent / "meson.build"
    outside.write_text("x = dependency('y', required: get_option('selinux'))\n", encoding="utf-8")
    (tree / "sub").mkdir()
    (tree / "sub/meson.build").symlink_to(outside)
    log = 'sub/meson.build:1:1: ERROR: Dependency "y" not found, tried pkgconfig'
    assert find_switches(log, tree) == ()


def test_options_know_how_they_are_turned_off(tree: Path) -> None:
    off = {option.name: option.off for option in read_options(tree)}
    assert (off["selinux"], off["libmount"], off["tls"]) == ("disabled", "false", "none")
    assert "plain_dir" not in off
    assert "CMAKE_SKIP_RPATH" not in off
    assert "WITH_ZLIB" not in off


def test_switches_reach_each_build_system(tmp_path: Path) -> None:
    switches = [
        Switch(build_system=system, option=option, value=value, reason="")
        for system, option, value in (
            (BuildSystem.AUTOCONF, "with_icu", "no"),
            (BuildSystem.CMAKE, "ENABLE_X", "OFF"),
            (BuildSystem.CMAKE, "ENABLE_Y", "OFF"),
            (BuildSystem.MESON, "selinux", "disabled"),
        )
    ]
    environment = write_switches(switches, tmp_path, "/a b/config.site")
    assert environment["DH_RUMPRUN_CMAKE"] == "-DENABLE_X=OFF\n-DENABLE_Y=OFF"
    assert environment["DH_RUMPRUN_MESON"] == "-Dselinux=disabled"
    site = Path(environment["CONFIG_SITE"]).read_text(encoding="utf-8").splitlines()
    assert site == ["ac_site_file='/a b/config.site'", ". '/a b/config.site'", "with_icu=no"]


@settings(max_examples=200)
@given(st.text(max_size=300))
def test_any_log_can_be_read(text: str) -> None:
    for lack in find_lacks(text + "\nconfigure: error: " + text):
        assert lack.what in lack.line


def test_long_lines_cost_nothing() -> None:
    line = "checking for " + "a" * 1_000_000
    assert find_lacks("\n".join([line, "cannot find -l" + "x" * 1_000_000])) == ()
