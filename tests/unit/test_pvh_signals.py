# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board's frames for signal handlers, on the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun import command

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "boards" / "pvh"
OWN = ROOT / "tests" / "boards"


@pytest.fixture(scope="module")
def frame_fuzz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See frame_fuzz.c."""
    if " xsave " not in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        pytest.skip("this processor has no XSAVE")
    tool = tmp_path_factory.mktemp("frames") / "fuzz"
    flags = ["-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror",
             "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]  # fmt: skip
    sources = [OWN / "frame_fuzz.c", BASE / "signal_frame.c"]
    command.run(["gcc", *flags, "-I", BASE, "-o", tool, *sources], timeout=300)
    return tool


@pytest.mark.parametrize("seed", range(1, 5))
def test_frames_give_a_program_nothing_it_may_not_have(frame_fuzz: Path, seed: int) -> None:
    command.run([frame_fuzz, seed, 20000], timeout=120)
