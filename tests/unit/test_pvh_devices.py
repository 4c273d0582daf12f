# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board's files of Xen's devices, on the host: whatever anybody does with them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.host_build import DEVICES, OWN, build
from rumprun import command


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See device_fuzz.c."""
    directory = tmp_path_factory.mktemp("devices")
    return build(directory, "devices", OWN / "device_fuzz.c", *DEVICES, xen=True)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=1500))
def test_nobody_makes_them_unsound(devices: Path, steps: bytes) -> None:
    file = devices.parent / "steps"
    file.write_bytes(steps)
    command.run([devices, file], timeout=30)


@pytest.mark.parametrize("seed", range(8))
def test_they_stand_many_steps(devices: Path, seed: int) -> None:
    file = devices.parent / "many"
    file.write_bytes(hashlib.shake_128(bytes([seed])).digest(1 << 20))
    command.run([devices, file], timeout=60)


def test_a_byte_cannot_be_cleared_where_nobody_may_write(devices: Path) -> None:
    begin, opened = bytes([0]), bytes([0, 6, 1])
    grant, notice = bytes([2, 0, 0, 0, 1, *bytes(7)]), bytes([2, 0, 0, 0x13, 1, *bytes(7)])
    mapped, unmapped = bytes([7, 0, 0, 0x20, 1, 1]), bytes([10, 1, 1, 0])
    file = devices.parent / "notice"
    file.write_bytes(begin + opened + grant + notice + mapped + unmapped)
    command.run([devices, file], timeout=30)
