# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board's files, pipes, counters, locks, poll and epoll, on the host."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from boards.host_build import BASE, OWN, build
from rumprun import command

SOURCES = """console_file descriptor device_files devices_plain epoll eventfd file lock mount node
path pipe poll signalfd sys_copy sys_file sys_read timerfd tmpfs tmpfs_data tmpfs_entries wait"""

# The kernel is to have its files on a tmpfs, too.
TMPFS = Path("/dev/shm")


@pytest.fixture(scope="module")
def files_differ(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See files_differ.c."""
    sources = [OWN / "files_differ.c", OWN / "files_shim.c", OWN / "memory_shim.c"]
    base = [BASE / f"{name}.c" for name in SOURCES.split()]
    return build(tmp_path_factory.mktemp("files"), "differ", *sources, *base)


@pytest.mark.parametrize("seed", range(1, 5))
def test_files_are_as_the_kernels(files_differ: Path, seed: int) -> None:
    if not TMPFS.is_dir():
        pytest.skip(f"no tmpfs at {TMPFS}")
    with tempfile.TemporaryDirectory(dir=TMPFS) as directory:
        command.run([files_differ, directory, seed, 6000], timeout=120)


@pytest.mark.parametrize("seed", range(1, 3))
def test_without_memory_nothing_is_lost(files_differ: Path, seed: int) -> None:
    command.run([files_differ, "-", seed, 15000], timeout=120)
