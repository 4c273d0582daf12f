# SPDX-License-Identifier: BSD-2-Clause
"""Libraries that no variant is made of, because what they serve is not there in an image."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

DATA_FILE = Path(__file__).with_name("unused.toml")


@dataclass(frozen=True, kw_only=True)
class UnusedClass:
    """One class of such libraries: sections of their sources, and patterns of their names."""

    name: str
    reason: str
    sections: frozenset[str]
    packages: tuple[str, ...]

    def covers(self, library: str, section: str) -> bool:
        """Whether the -dev package ``library`` of a source of ``section`` belongs to it."""
        return section in self.sections or any(
            fnmatchcase(library, pattern) for pattern in self.packages
        )


@functools.cache
def unused_classes() -> tuple[UnusedClass, ...]:
    """The classes of the data file."""
    document = tomllib.loads(DATA_FILE.read_text(encoding="utf-8"))
    return tuple(
        UnusedClass(
            name=row["name"],
            reason=row["reason"],
            sections=frozenset(row.get("sections", ())),
            packages=tuple(row.get("packages", ())),
        )
        for row in document["class"]
    )


def why_unused(library: str, section: str) -> str | None:
    """Why variants are built without ``library``; ``None`` where they are built with it."""
    return next((row.reason for row in unused_classes() if row.covers(library, section)), None)
