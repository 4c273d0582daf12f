# SPDX-License-Identifier: BSD-2-Clause
"""The package of the Xenstore's stub domain, as its source builds it for each version of Xen."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian.debfile import DebFile
from packaging_machine import apt_get, installed, may_install

from rumprun import paths
from rumprun.bake.image import check_files, read_image
from rumprun.bake.xen_abi import domctl_in
from rumprun.command import base_environment, run
from xenstored_samples import DOMCTL, PACKAGE, xenstored_package

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not may_install(), reason="packages can be installed by root only"),
]

NAME = PACKAGE.name
IMAGE = Path("usr/lib/rumprun-images") / NAME


def build(directory: Path, **environment: str) -> Path:
    """Build the package in ``directory``; its .deb."""
    tree = shutil.copytree(PACKAGE, directory / NAME)
    own = {
        "PATH": f"{paths.DATA}:{os.environ['PATH']}",
        "PERL5LIB": str(paths.DEBHELPER),
        **environment,
    }
    # -d: our own packages are not installed while the checkout is tested.
    words = ["dpkg-buildpackage", "-us", "-uc", "-d", "-b"]
    run(words, cwd=tree, env={**base_environment(), **own}, timeout=600)
    (deb,) = directory.glob("*.deb")
    return deb


@pytest.fixture(scope="module", autouse=True)
def left_as_it_was() -> Iterator[None]:
    """The variant is not installed afterwards where it was not before."""
    present = bool(installed(["xenstored-rumprun"]))
    yield
    if not present:
        apt_get("purge", "xenstored-rumprun")


@pytest.fixture(name="deb", params=["4.17", "4.20"], scope="module")
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built where the variant of that version is installed."""
    apt_get("install", "--allow-downgrades", xenstored_package(request.param))
    return build(tmp_path_factory.mktemp(f"for-{request.param}"))


def test_the_kernel_is_where_launch_xenstore_looks(deb: Path, tmp_path: Path) -> None:
    """XENSTORE_DOMAIN_KERNEL in that script of xen-utils-common is LIBEXEC/boot/ and this name."""
    xen = deb.name.split("+xen")[1].partition("_")[0]
    run(["dpkg-deb", "--extract", deb, tmp_path])
    packed = (tmp_path / f"usr/lib/xen-{xen}/boot/xenstore-stubdom.gz").read_bytes()
    kernel = gzip.decompress(packed)
    assert kernel == (tmp_path / IMAGE / "kernel").read_bytes()
    assert domctl_in(kernel, where="kernel") == DOMCTL[xen]
    check_files(read_image(tmp_path / IMAGE), tmp_path / IMAGE)
    assert os.access(tmp_path / "usr/lib/xenstore-stubdom-rumprun/launch", os.X_OK)
    with DebFile(filename=str(deb)) as content:
        control = content.debcontrol()
    assert control["Recommends"] == f"xen-utils-{xen}"
    assert control["Built-Using"].startswith(f"xen (= {xen}.")
    assert control["Built-Using"] in control["Static-Built-Using"]


def test_lintian_finds_nothing(deb: Path) -> None:
    (changes,) = deb.parent.glob("*.changes")
    words = ["lintian", "--allow-root", "--fail-on", "error,warning", changes]
    answer = run(words, check=False, timeout=600)
    assert (answer.returncode, answer.stdout) == (0, "")


def test_two_builds_are_bit_identical(deb: Path, tmp_path: Path) -> None:
    twin = build(tmp_path, TZ="Pacific/Auckland", LC_ALL="C")
    assert twin.name == deb.name
    assert twin.read_bytes() == deb.read_bytes()
