# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb scan`` as a user runs it, with what this machine knows of packages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rumprun.command import Completed, run

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


def scan(*arguments: str | Path) -> Completed:
    return run([ROOT / "rumpdeb", "scan", *arguments], check=False, timeout=120)


@pytest.fixture
def greet(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "examples" / "greet", tmp_path / "greet"))


def test_a_tree_that_converts(greet: Path) -> None:
    answer = scan(greet)
    assert answer.returncode == 0, answer.stderr
    assert ": converts" in answer.stdout.splitlines()[0]
    assert "languages: C" in answer.stdout


def test_a_tree_that_does_not(greet: Path) -> None:
    (greet / "more.c").write_text("#include <execinfo.h>\n", encoding="utf-8")
    answer = scan("--json", greet)
    assert answer.returncode == 3, answer.stderr
    (report,) = json.loads(answer.stdout)
    assert report["verdict"] == "blocked: no <execinfo.h> in the libc"
    assert report["risks"][0]["evidence"][0]["file"] == "more.c"
    assert report["build_depends"]["tools"]["debhelper-compat"] is True


def test_a_library_without_a_variant(greet: Path, tmp_path: Path) -> None:
    control = greet / "debian" / "control"
    text = control.read_text(encoding="utf-8")
    control.write_text(text.replace("Build-Depends:", "Build-Depends: zlib1g-dev,", 1))
    (greet / "configure.ac").write_text("\nPKG_CHECK_MODULES([Z], [zlib])\n", encoding="utf-8")
    answer = scan(greet, "--variants", tmp_path)
    assert answer.returncode == 4, answer.stderr
    assert "needs zlib1g-rumprun-dev of the source zlib" in answer.stdout


def test_what_is_no_source(tmp_path: Path) -> None:
    assert scan(tmp_path).returncode == 3
    assert scan(tmp_path / "absent.dsc").returncode == 4
    assert scan(ROOT / "examples" / "greet", "--variants", tmp_path / "absent").returncode == 4
