# SPDX-License-Identifier: BSD-2-Clause
"""That a recipe's arguments were taken, as real configure steps under debhelper show it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun.command import base_environment, run
from rumprun.source.recipe import parse_recipe
from rumprun.source.recipe_use import known_features, unused_configure
from unit.source_samples import write_tree

pytestmark = pytest.mark.integration

CONFIGURE = """\
AC_INIT([sample], [1])
AC_ARG_ENABLE([x.y], [AS_HELP_STRING([--disable-x.y], [no x.y])])
AC_ARG_WITH([z-z], [AS_HELP_STRING([--without-z-z], [no z-z])])
AC_PROG_CC
AC_OUTPUT
"""
CMAKE = """\
cmake_minimum_required(VERSION 3.18)
project(sample NONE)
option(WITH_X "x" ON)
option(WITH_Y "y" ON)
message("${WITH_X} ${WITH_Y}")
"""
MESON = "project('sample')\n"


def unused(tree: Path, *arguments: str, environment: dict[str, str] | None = None) -> list[str]:
    """Which of ``arguments`` had no effect on dh_auto_configure in ``tree``."""
    write_tree(tree)
    log = tree / "log"
    env = {**base_environment(), **(environment or {})}
    run(["dh_auto_configure", "--", *arguments], cwd=tree, log=log, env=env)
    words = ", ".join(f"'{argument}'" for argument in arguments)
    text = f"[[configure]]\narguments = [{words}]\nreason = 'test'\n"
    recipe = parse_recipe(text, name="sample", origin="sample.toml")
    # Without the line on which our own command stands.
    said = log.read_text(encoding="utf-8").partition("\n")[2]
    return [one.entry.value for one in unused_configure(said, recipe, known_features(tree))]


@pytest.mark.parametrize("options", ["", "terse"])
def test_autoconf(tmp_path: Path, options: str) -> None:
    (tmp_path / "configure.ac").write_text(CONFIGURE)
    run(["autoconf"], cwd=tmp_path)
    known = ("--disable-x.y", "--with-z-z=a b", "ac_cv_header_x_h=yes")
    environment = {"DEB_BUILD_OPTIONS": options}
    found = unused(tmp_path, *known, "--enable-x-z", "--without-z", environment=environment)
    assert found == ["--enable-x-z", "--without-z"]


def test_autoconf_that_checks_options_itself(tmp_path: Path) -> None:
    (tmp_path / "configure.ac").write_text(CONFIGURE)
    run(["autoconf"], cwd=tmp_path)
    (tmp_path / "bundled").mkdir()
    # A script of another kind: those of autoconf no longer say all that is known.
    (tmp_path / "bundled" / "configure").write_text("#!/bin/sh\n")
    assert known_features(tmp_path) is None
    found = unused(tmp_path, "--disable-x.y", "--enable-option-checking", "--enable-x-z")
    assert found == ["--enable-x-z"]


@pytest.mark.parametrize("options", ["", "terse"])
def test_cmake(tmp_path: Path, options: str) -> None:
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    words = ("-DWITH_X=OFF", "-DWITH_Y:BOOL=OFF", "-DWITH_Z=OFF", "-DWITH_ZZ:BOOL=OFF")
    environment = {"DEB_BUILD_OPTIONS": options}
    assert unused(tmp_path, *words, environment=environment) == list(words[2:])


def test_meson(tmp_path: Path) -> None:
    (tmp_path / "meson.build").write_text(MESON)
    (tmp_path / "meson_options.txt").write_text("option('x', type: 'boolean', value: true)\n")
    assert unused(tmp_path, "-Dx=false") == []


def test_a_makefile_has_no_configure_step(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all:\n\ttrue\n")
    assert unused(tmp_path, "--enable-x") == ["--enable-x"]
