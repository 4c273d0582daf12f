# SPDX-License-Identifier: BSD-2-Clause
"""A source as it is, built for an upstream Rumprun, and its program booted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rumprun.bake.board import BakeRequest, ProgramRequest, find_board
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.output import bake_image
from rumprun.cli.main import main
from rumprun.command import run
from rumprun.errors import RumprunError
from rumprun.lab.qemu import RunRequest, run_image
from rumprun.target.descriptor import Target, load_target

pytestmark = pytest.mark.integration

GREET = Path(__file__).parents[1] / "packages" / "libgreet"
SECONDS = 120.0


@pytest.fixture(scope="module")
def target() -> Target:
    """The target; a skip where no upstream Rumprun is installed."""
    try:
        return load_target("netbsd")
    except RumprunError as error:
        pytest.skip(str(error))


def test_a_source_as_it_is(target: Target, tmp_path: Path) -> None:
    shutil.copytree(GREET, tmp_path / "source" / "libgreet-1.0")
    orig = ["tar", "--exclude=debian", "-czf", "libgreet_1.0.orig.tar.gz", "libgreet-1.0"]
    for argv in (orig, ["dpkg-source", "-b", "libgreet-1.0"]):
        run(argv, cwd=tmp_path / "source", timeout=SECONDS)
    (dsc,) = (tmp_path / "source").glob("*.dsc")
    options = ["--target", "netbsd", "--only-named", "--output", str(tmp_path / "out")]
    assert main(["build", *options, str(dsc)]) == 0
    for deb in sorted((tmp_path / "out").glob("*.deb")):
        run(["dpkg-deb", "--extract", deb, tmp_path / "root"], timeout=SECONDS)
    prefix = tmp_path / "root" / target.prefix.relative_to("/")
    assert (prefix / "lib" / "libgreet.a").is_file()
    assert main(["audit", "--target", "netbsd", str(tmp_path / "root")]) == 0
    request = BakeRequest(
        programs=(
            ProgramRequest(file=prefix / "bin" / "greet", name="greet", argv=("greet", "world")),
        ),
        target=target,
        kernel_package=DEFAULT_PACKAGE,
    )
    bake_image(find_board("hw_virtio"), request, tmp_path / "image")
    console = bytearray()
    wanted = RunRequest(timeout=SECONDS, accelerator="tcg")
    assert run_image(tmp_path / "image", wanted, sink=console.extend).status == 0
    assert b"world" in console


def test_its_own_tests_cannot_run(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    del target
    assert main(["build", "--target", "netbsd", "--check", "any"]) == 2
    assert "do not run on the machine that builds them" in capsys.readouterr().err
