# SPDX-License-Identifier: BSD-2-Clause
"""A C++ program as all that runs in a machine: exceptions, threads, streams, files."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot.boot_samples import HERE, boot, make_request
from rumprun import command, paths
from rumprun.bake.board import find_board
from rumprun.bake.output import bake_image
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.boot


def test_a_cplusplus_program_finds_its_whole_library(board_root: Path, tmp_path: Path) -> None:
    assert board_root.is_dir()
    target = load_target()
    if not (target.sysroot / "lib" / "libstdc++.a").is_file():
        remedy = "run 'make toolchain-c++'" if paths.IN_TREE else "install rumprun-toolchain-c++"
        pytest.skip(f"the target's C++ library is not there; {remedy}")
    program = tmp_path / "features"
    words = [target.tool("g++"), "-std=c++17", "-O1", "-o", program, HERE / "features.cc"]
    command.run(words, timeout=300)
    said = command.run([program], timeout=60).stdout
    assert said.endswith("goodbye\n")
    bake_image(find_board("linux"), make_request(program), tmp_path / "image")
    outcome = boot(tmp_path / "image")
    assert outcome.console.decode() == said
    assert outcome.ended.status == 0
