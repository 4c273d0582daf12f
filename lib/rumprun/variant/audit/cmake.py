# SPDX-License-Identifier: BSD-2-Clause
"""The little of CMake's language that decides where a package file takes its prefix from."""

from __future__ import annotations

import posixpath
import re

_PREFIXES = ("PACKAGE_PREFIX_DIR", "_IMPORT_PREFIX")
_STEP = re.compile(
    r"""^[ \t]*(?P<command>get_filename_component|set)\s*\(\s*
        (?P<variable>\w+)\s+"?(?P<value>[^\s")]+)"?\s*(?P<mode>\w*)""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_REFERENCE = re.compile(r"\$\{(\w+)\}")
# "Use original install prefix when loaded through a '/usr move' symbolic link": what cmake writes
# for installations in /usr. Once the file lies elsewhere, the branch is never taken.
_MOVE_GUARD = re.compile(
    r"""get_filename_component\(_realOrig\ "(?P<origin>[^"]*)"\ REALPATH\)\s*
        if\(_realCurr\ STREQUAL\ _realOrig\).{0,2000}?endif\(\)""",
    re.DOTALL | re.VERBOSE,
)


def without_dead_guards(text: str, path: str) -> str:
    """``text`` of the cmake file ``path``, without branches for a place where it is not."""
    place = posixpath.dirname(path)
    return _MOVE_GUARD.sub(lambda guard: guard[0] if guard["origin"] == place else "", text)


def climb(text: str, path: str) -> list[tuple[str, str]]:
    """The prefix variables that the cmake file ``text`` at ``path`` sets, with their ends.

    Only what cmake itself generates is understood: ``get_filename_component`` and ``set`` of
    paths that begin at the file or at the root. Conditions count as true, but for the guard.
    """
    known = {
        "CMAKE_CURRENT_LIST_FILE": path,
        "CMAKE_CURRENT_LIST_DIR": posixpath.dirname(path),
    }
    ends: dict[str, str] = {}
    for match in _STEP.finditer(without_dead_guards(text, path)):
        variable = match["variable"]
        value = _REFERENCE.sub(lambda name: known.get(name[1], ""), match["value"])
        if not value.startswith("/"):
            continue
        mode = match["mode"].upper()
        if match["command"].lower() == "get_filename_component":
            value = posixpath.normpath(value)
            if mode in ("PATH", "DIRECTORY"):
                value = posixpath.dirname(value)
            elif mode not in ("ABSOLUTE", "REALPATH"):
                continue
        known[variable] = value
        if variable in _PREFIXES:
            ends[variable] = value
    return sorted(ends.items())
