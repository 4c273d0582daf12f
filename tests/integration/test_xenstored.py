# SPDX-License-Identifier: BSD-2-Clause
"""xenstored as a static program, from the archive's Xen by the recipe that is shipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from archive_samples import Fetch

from rumprun import paths
from rumprun.command import run
from rumprun.source.recipe_files import read_recipe
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.integration

RUMPDEB = paths.DATA / "rumpdeb"


def test_xenstored_is_a_static_program_of_its_own(archive: Fetch, tmp_path: Path) -> None:
    words = (RUMPDEB, "build", "--only-named", archive("xen"), "--output", tmp_path / "out")
    run(words, timeout=1200)
    (deb,) = (tmp_path / "out").glob("*.deb")
    assert deb.name.startswith("xenstored-rumprun_4.17")
    run([RUMPDEB, "audit", deb])
    run(["dpkg-deb", "--extract", deb, tmp_path / "root"])
    program = tmp_path / "root" / load_target().prefix.relative_to("/") / "sbin" / "xenstored"
    shown = run([program, "--help"])
    said = shown.stdout + shown.stderr
    assert "xenstored <options>" in said
    # Without a hypervisor it says so, and goes no further.
    answer = run([program, "--no-fork", "--pid-file", tmp_path / "pid"], check=False, timeout=20)
    assert answer.returncode != 0
    assert "hypervisor" in answer.stderr


def test_its_recipe_is_short() -> None:
    assert read_recipe(paths.RECIPES / "xen.toml").lines <= 25
