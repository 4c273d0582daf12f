# SPDX-License-Identifier: BSD-2-Clause
"""A private copy of dpkg's architecture tables that knows the target's architecture.

dpkg's Perl modules read ``ostable`` and ``tupletable`` from ``DPKG_DATADIR`` (Dpkg::Arch), so
that ``dpkg-architecture -a rumprun-amd64`` answers without any change to the system.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from rumprun.errors import MissingError
from rumprun.target.descriptor import Target

_SYSTEM_TABLES = Path("/usr/share/dpkg")

# A tuple must come before the one that it specialises: the first line that matches wins.
_TUPLE_ANCHOR = "base-gnu-linux-<cpu>"


def write_dpkg_tables(target: Target, directory: Path) -> None:
    """Fill ``directory`` (made here) with dpkg's tables, extended by those of ``target``.

    Raises :class:`MissingError` where dpkg-dev's tables are not there or are of another form.
    """
    if not (_SYSTEM_TABLES / "tupletable").is_file():
        raise MissingError(f"no {_SYSTEM_TABLES}/tupletable", hint="install dpkg-dev")
    shutil.copytree(_SYSTEM_TABLES, directory)
    _insert(directory / "ostable", target.dpkg_ostable, before="")
    _insert(directory / "tupletable", target.dpkg_tupletable, before=_TUPLE_ANCHOR)


def _insert(table: Path, line: str, *, before: str) -> None:
    """Put ``line`` before the first line that starts with ``before``; at the end for ``""``."""
    lines = table.read_text(encoding="utf-8").splitlines()
    if before:
        found = [number for number, old in enumerate(lines) if old.startswith(before)]
        if not found:
            raise MissingError(f"{table}: no line {before}", hint="this dpkg-dev is not supported")
        lines.insert(found[0], line)
    else:
        lines.append(line)
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
