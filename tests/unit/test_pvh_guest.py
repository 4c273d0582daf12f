# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board as a guest of Xen, on the host: whatever others write into shared pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.host_build import BASE, OWN, build
from rumprun import command


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See guest_fuzz.c."""
    sources = [OWN / "guest_fuzz.c", BASE / "xen" / "xenbus_ring.c"]
    return build(tmp_path_factory.mktemp("guest"), "guest", *sources, xen=True)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=1500))
def test_nobody_makes_it_unsound(guest: Path, steps: bytes) -> None:
    file = guest.parent / "steps"
    file.write_bytes(steps)
    command.run([guest, file], timeout=30)
