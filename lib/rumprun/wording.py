# SPDX-License-Identifier: BSD-2-Clause
"""Words of a message about what somebody wrote: a quotation of it, and what was perhaps meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_SHOWN = 60


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean ...?`` with the one of ``known`` that ``word`` may be a slip for, or none."""
    matches = difflib.get_close_matches(word, sorted(known), n=1)
    return f"did you mean {matches[0]}? " if matches else ""


def shown(text: str) -> str:
    """``text`` in quotes, in one line, and not too long for a message."""
    quoted = repr(text)
    return quoted if len(quoted) <= _SHOWN else f"{quoted[:_SHOWN]}..."
