# SPDX-License-Identifier: BSD-2-Clause
"""Whether apt would still give the same answer, without opening its cache, which takes a second."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import apt_pkg

# What apt's choice of a version depends on, by apt's own names (apt.conf(5)): the archive's lists,
# which of them, preferences, and what is installed.
_FILES = ("Dir::Etc::sourcelist", "Dir::Etc::preferences", "Dir::Etc::main", "Dir::State::status")
_DIRECTORIES = (
    "Dir::State::lists",
    "Dir::Etc::sourceparts",
    "Dir::Etc::preferencesparts",
    "Dir::Etc::parts",
)


def apt_state() -> str:
    """A hash that changes with apt's lists and settings: of names, sizes and times of the files."""
    apt_pkg.init_config()
    digest = hashlib.sha256()
    for path in _inputs():
        try:
            facts = path.stat()
        except OSError:
            continue
        digest.update(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    for name in _FILES:
        yield Path(apt_pkg.config.find_file(name))
    for name in _DIRECTORIES:
        directory = Path(apt_pkg.config.find_dir(name))
        if directory.is_dir():
            yield from sorted(path for path in directory.iterdir() if path.is_file())
