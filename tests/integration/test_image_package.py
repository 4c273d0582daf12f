# SPDX-License-Identifier: BSD-2-Clause
"""A package that is an image: started by ``rumpdeb new``, built by dh, booted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian.debfile import DebFile
from packaging_machine import ROOT, apt_get, installed, may_install

from rumprun import paths
from rumprun.command import base_environment, run
from rumprun.target.descriptor import load_target

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not may_install(), reason="packages can be installed by root only"),
]

RUMPDEB = ROOT / "rumpdeb"


@pytest.fixture(scope="module")
def variant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a variant package with a program, installed while these tests run."""
    load_target().tool("gcc")
    directory = tmp_path_factory.mktemp("greet")
    tree = shutil.copytree(ROOT / "tests" / "packages" / "libgreet", directory / "libgreet-1.0")
    orig = ["tar", "--exclude=debian", "-czf", "libgreet_1.0.orig.tar.gz", tree.name]
    run(orig, cwd=directory)
    run(["dpkg-source", "--build", tree], cwd=directory)
    (dsc,) = directory.glob("*.dsc")
    out = directory / "out"
    run([RUMPDEB, "build", dsc, "--output", out], timeout=600)
    (deb,) = out.glob("greet-rumprun_*.deb")
    present = bool(installed(["greet-rumprun"]))
    apt_get("install", deb)
    yield "greet-rumprun"
    if not present:
        apt_get("purge", "greet-rumprun")


@pytest.fixture(scope="module")
def package(variant: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's package, as its source builds it; the kernel is the one in the cache."""
    directory = tmp_path_factory.mktemp("image")
    # An image of anything fetches the kernel, which the build of a package does not.
    (program,) = (load_target().prefix / "bin").glob("greet")
    run([RUMPDEB, "bake", "-o", directory / "probe", program], timeout=600)
    words = ["new", "greet-image", "--program", variant, "--maintainer", "A B <a@example.org>"]
    run([RUMPDEB, *words], cwd=directory)
    tree = directory / "greet-image"
    environment = {
        **base_environment(),
        "PATH": f"{paths.DATA}:{os.environ['PATH']}",
        "PERL5LIB": str(paths.DEBHELPER),
    }
    # -d: neither our own packages nor a kernel are installed while the checkout is tested.
    run(["dpkg-buildpackage", "-us", "-uc", "-d", "-b"], cwd=tree, env=environment, timeout=600)
    (deb,) = directory.glob("greet-image_*.deb")
    return deb


def test_the_package_boots(package: Path, tmp_path: Path) -> None:
    run(["dpkg-deb", "--extract", package, tmp_path])
    image = tmp_path / "usr" / "lib" / "rumprun-images" / "greet-image"
    words = ["run", "--accel", "tcg", "--timeout", "200", image, "--", "you"]
    assert run([RUMPDEB, *words], timeout=300).stdout == "Hello, you, from plain!\n"


def test_the_package_names_the_sources_that_are_in_it(package: Path) -> None:
    with DebFile(filename=str(package)) as deb:
        built_using = deb.debcontrol()["Static-Built-Using"]
    assert "libgreet (= 1.0-1)" in built_using
    assert "musl (= " in built_using
    assert "linux (= " in built_using


def test_lintian_finds_nothing(package: Path) -> None:
    (changes,) = package.parent.glob("*.changes")
    words = ["lintian", "--allow-root", "--fail-on", "error,warning", changes]
    answer = run(words, check=False, timeout=600)
    assert (answer.returncode, answer.stdout) == (0, "")
