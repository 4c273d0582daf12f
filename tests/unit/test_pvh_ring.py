# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board's virtio rings, on the host: a device that behaves, and devices that do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.host_build import BASE, OWN, build
from rumprun import command


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See ring_fuzz.c."""
    sources = [OWN / "ring_fuzz.c", BASE / "virtio" / "ring.c"]
    return build(tmp_path_factory.mktemp("ring"), "ring", *sources)


def test_all_that_is_given_to_a_device_comes_back(ring: Path) -> None:
    command.run([ring], timeout=60)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=2000))
def test_a_device_cannot_make_it_unsound(ring: Path, steps: bytes) -> None:
    file = ring.parent / "steps"
    file.write_bytes(steps)
    command.run([ring, file], timeout=30)
