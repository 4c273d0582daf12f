# SPDX-License-Identifier: BSD-2-Clause
"""apt's state changes with its lists and settings, and with nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import apt_pkg
import pytest

from rumprun.bake.apt_state import apt_state

NAMES = {
    "Dir::Etc::sourcelist": "sources.list",
    "Dir::State::status": "status",
    "Dir::State::lists": "lists/",
}


@pytest.fixture
def apt_files(tmp_path: Path) -> Iterator[Path]:
    """A directory that apt takes its lists and sources from, as far as these tests change them."""
    apt_pkg.init_config()
    before = {name: apt_pkg.config.get(name) for name in NAMES}
    (tmp_path / "lists").mkdir()
    for name, place in NAMES.items():
        apt_pkg.config.set(name, str(tmp_path / place))
    yield tmp_path
    for name, value in before.items():
        apt_pkg.config.set(name, value)


def test_it_stays_where_nothing_changes(apt_files: Path) -> None:
    (apt_files / "status").write_text("one")
    assert apt_state() == apt_state()


@pytest.mark.parametrize("name", ["sources.list", "status", "lists/new_Packages"])
def test_it_changes_with_a_file(apt_files: Path, name: str) -> None:
    empty = apt_state()
    path = apt_files / name
    path.write_text("one")
    os.utime(path, (1, 1))
    first = apt_state()
    os.utime(path, (2, 2))
    assert len({empty, first, apt_state()}) == 3
