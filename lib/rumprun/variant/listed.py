# SPDX-License-Identifier: BSD-2-Clause
"""``debian/<package>.rumprun``: the files of a variant, where the automatic choice is not wanted.

One pattern a line, in debhelper's usual style: relative to the staged tree, ``#`` starts a
comment, a directory stands for all below it, ``*`` does not cross a slash.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from rumprun.errors import InputError
from rumprun.source.naming import Candidate
from rumprun.source.recipe import covers


def read_listed(tree: Path, candidates: Iterable[Candidate]) -> dict[str, tuple[str, ...]]:
    """The patterns for each variant that has such a file.

    Raises :class:`InputError` for a file without any pattern.
    """
    found = {}
    for candidate in candidates:
        path = tree / "debian" / f"{candidate.variant}.rumprun"
        if not path.is_file():
            continue
        lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
        patterns = tuple(line.lstrip("/") for line in lines if line and not line.startswith("#"))
        if not patterns:
            raise InputError(f"{path}: lists no file", hint="remove it for the automatic choice")
        found[candidate.variant] = patterns
    return found


def matches(name: PurePosixPath, pattern: str) -> bool:
    """Whether ``pattern`` covers the staged file ``name``, itself or by a directory above it."""
    return covers(pattern, str(name))


def unmatched(names: Iterable[PurePosixPath], patterns: Iterable[str]) -> tuple[str, ...]:
    """Those of ``patterns`` that cover none of ``names``."""
    known = tuple(names)
    return tuple(
        pattern for pattern in patterns if not any(matches(name, pattern) for name in known)
    )
