# SPDX-License-Identifier: BSD-2-Clause
"""A private copy of dpkg's architecture tables, in which the target has its GNU type.

dpkg's Perl modules read ``ostable`` and ``tupletable`` from ``DPKG_DATADIR`` (Dpkg::Arch), so
that dpkg-architecture and all that asks it answer without any change to the system.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from rumprun.errors import MissingError
from rumprun.target.descriptor import Target

_SYSTEM_TABLES = Path("/usr/share/dpkg")


def write_dpkg_tables(target: Target, directory: Path) -> None:
    """Fill ``directory`` (made here) with dpkg's tables, changed by those of ``target``.

    Raises :class:`MissingError` where dpkg's tables are not there.
    """
    if not (_SYSTEM_TABLES / "tupletable").is_file():
        raise MissingError(f"no {_SYSTEM_TABLES}/tupletable", hint="install dpkg-dev")
    shutil.copytree(_SYSTEM_TABLES, directory)
    _put(directory / "ostable", target.dpkg_ostable)
    _put(directory / "tupletable", target.dpkg_tupletable)


def _put(table: Path, lines: Iterable[str]) -> None:
    """Put each line in the place of that of the same key (its first word), or at the end."""
    content = table.read_text(encoding="utf-8").splitlines()
    places = {line.split()[0]: number for number, line in enumerate(content) if line.strip()}
    for line in lines:
        place = places.get(line.split()[0])
        if place is None:
            content.append(line)
        else:
            content[place] = line
    table.write_text("\n".join(content) + "\n", encoding="utf-8")
