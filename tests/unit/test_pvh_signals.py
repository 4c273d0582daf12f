# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board's frames for signal handlers, on the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from boards.host_build import BASE, OWN, build
from rumprun import command


@pytest.fixture(scope="module")
def frame_fuzz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See frame_fuzz.c."""
    if " xsave " not in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        pytest.skip("this processor has no XSAVE")
    sources = [OWN / "frame_fuzz.c", BASE / "signal_frame.c"]
    return build(tmp_path_factory.mktemp("frames"), "fuzz", *sources)


@pytest.mark.parametrize("seed", range(1, 5))
def test_frames_give_a_program_nothing_it_may_not_have(frame_fuzz: Path, seed: int) -> None:
    command.run([frame_fuzz, seed, 20000], timeout=120)
