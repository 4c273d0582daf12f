# SPDX-License-Identifier: BSD-2-Clause
"""What a failed build says that it lacks."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Each names what is missing in the group "what". The wordings are those of autoconf 2.71,
# cmake 3.25, meson 1.0, gcc 12, binutils 2.40 and pkg-config 0.29 and pkgconf 1.8.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:^|\.\.\. )configure: error: (?P<what>.{1,400})",
        r"Could NOT find (?P<what>\w[\w.+-]*)(?: \(missing: (?P<more>[^)]{0,400})\))?",
        r'package configuration file provided by "(?P<what>[^"]{1,80})"',
        r'By not providing "Find(?P<what>\w{1,80})\.cmake"',
        r'ERROR: Dependency "(?P<what>[^"]{1,80})" not found',
        r"ERROR: \w+ (?:shared or static )?library ['\"](?P<what>[^'\"]{1,80})['\"] not found",
        r"ERROR: Program ['\"](?P<what>[^'\"]{1,80})['\"] not found",
        r"No package '(?P<what>[^']{1,80})' found",
        r"Package '?(?P<what>[\w.+-]{1,80})'?(?:, required by '[^']*',)? (?:was )?not found",
        r"fatal error: (?P<what>[\w./+-]{1,120}): No such file or directory",
        r"cannot find -l(?P<what>[\w.+-]{1,80})",
    )
)
_MESON_PLACE = re.compile(r"(?P<file>[\w./+-]*meson\.build):(?P<line>\d{1,6}):\d{1,6}: ERROR: ")
# debhelper repeats the command line of what failed, with all options that were given.
_ECHO = re.compile(r"^(?:dh_\w+: error: |\t|make(?:\[\d+\])?: )")

# A longer line is no message of a tool; the patterns need not see it.
_LONGEST = 2000


@dataclass(frozen=True, kw_only=True)
class Lack:
    """One complaint: the ``line`` of the log, ``what`` is missing, and ``place`` for meson.

    ``place`` is the file as meson names it, and the line's number. ``more`` are words about
    what is missing, for where no option has its name.
    """

    line: str
    what: str
    place: tuple[str, int] | None = None
    more: str = ""


def find_lacks(log: str) -> tuple[Lack, ...]:
    """The complaints in ``log``, first things first, each once."""
    found: dict[str, Lack] = {}
    for raw in log.splitlines():
        if len(raw) > _LONGEST or _ECHO.match(raw):
            continue
        # A terminal will show it.
        line = "".join(char if char.isprintable() else " " for char in raw)
        for pattern in _PATTERNS:
            match = pattern.search(line)
            if match:
                lack = Lack(
                    line=line.strip(),
                    what=match["what"].strip(),
                    place=_place(line),
                    more=match.groupdict().get("more") or "",
                )
                found.setdefault(lack.line, lack)
                break
    return tuple(found.values())


def _place(line: str) -> tuple[str, int] | None:
    match = _MESON_PLACE.search(line)
    return (match["file"], int(match["line"])) if match else None
