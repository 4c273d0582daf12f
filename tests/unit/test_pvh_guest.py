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


def test_a_watch_may_end_with_the_connection(guest: Path) -> None:
    watch = bytes([9, 0, 10, 9, 1, 0, 4]) + b"a\0b\0" + bytes(28)
    # Nobody is told of the bad index: the request to end the watch is what meets it.
    bad_index, close = bytes([3, 9, 0x80, 0, 0, 0]), bytes([9, 0])
    file = guest.parent / "watch"
    file.write_bytes(watch + bad_index + close)
    command.run([guest, file], timeout=30)
