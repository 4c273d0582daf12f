# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb build`` in clean chroots: under sbuild as a user, under pbuilder as root."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian.debfile import DebFile
from test_converted_build import as_user, build_our_packages, sbuild_user

from rumprun import paths
from rumprun.command import base_environment, run
from rumprun.target.descriptor import load_target
from rumprun.workdir import temporary_tree

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def ours() -> Iterator[Path]:
    """A directory with our own packages, which no suite has yet."""
    with temporary_tree() as work:
        directory = work / "ours"
        directory.mkdir()
        for deb in build_our_packages(work):
            shutil.copyfile(deb, directory / deb.name)
        yield directory


def files_of(deb: Path) -> set[str]:
    with DebFile(filename=str(deb)) as package:
        return {name.removeprefix("./") for name in package.data.tgz().getnames()}


def check_repository(repo: Path) -> None:
    """It has zlib's variant, and nothing of zlib's own."""
    record = json.loads((repo / "builds" / "zlib.json").read_text(encoding="utf-8"))
    (package,) = record["packages"]
    assert Path(package["file"]).name.startswith("zlib1g-rumprun-dev_")
    target = load_target()
    assert f"{target.prefix.relative_to('/')}/lib/libz.a" in files_of(repo / package["file"])
    assert "zlib" in (repo / "report.html").read_text(encoding="utf-8")


def test_sbuild(ours: Path) -> None:
    load_target().tool("gcc")
    with sbuild_user() as user:
        home = Path(f"/home/{user}")
        words = (
            *(paths.DATA / "rumpdeb", "build", "zlib", "--enable-deb-src", "--jobs", "2"),
            *("--repo", home / "repo", "--builder", "sbuild", "--extra-package", ours),
        )
        as_user(user, *words, cwd=home)
        check_repository(home / "repo")
        before = (home / "repo" / "builds" / "zlib.json").read_bytes()
        as_user(user, *words, cwd=home)
        assert (home / "repo" / "builds" / "zlib.json").read_bytes() == before


def test_pbuilder(ours: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("pbuilder needs root")
    words = (
        *(paths.DATA / "rumpdeb", "build", "zlib", "--enable-deb-src", "--jobs", "2"),
        *("--repo", tmp_path / "repo", "--builder", "pbuilder", "--extra-package", ours),
    )
    environment = {**base_environment(), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    run(words, env=environment, timeout=3000)
    check_repository(tmp_path / "repo")


def test_sbuild_is_not_for_root_nor_pbuilder_for_others(tmp_path: Path) -> None:
    builder = "sbuild" if os.geteuid() == 0 else "pbuilder"
    answer = run(
        [
            *(paths.DATA / "rumpdeb", "build", "zlib", "--enable-deb-src"),
            *("--repo", tmp_path / "repo", "--builder", builder),
        ],
        check=False,
    )
    assert (answer.returncode, answer.stderr.count("error:")) == (2, 1)
    assert not (tmp_path / "repo").exists()
