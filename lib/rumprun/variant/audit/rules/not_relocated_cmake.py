# SPDX-License-Identifier: BSD-2-Clause
"""not-relocated-cmake: a cmake package finds its prefix from where it lies."""

from __future__ import annotations

from collections.abc import Iterator

from rumprun.variant.audit.cmake import climb
from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Rule, Subject
from rumprun.variant.audit.tree import Kind

_MOST_TEXT = 4 << 20


class NotRelocatedCmake:
    """The ladder of ``..`` in a cmake package file ends at the target's prefix."""

    name = "not-relocated-cmake"
    remedy = "install it as deep below the prefix as cmake was told, or correct the ladder"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Climb the ladder of each .cmake file that has one."""
        prefix = str(subject.target.prefix)
        for entry in subject.files() if subject.placed else ():
            if not entry.name.endswith(".cmake") or entry.kind is not Kind.OTHER or entry.damage:
                continue
            with entry.real.open(encoding="utf-8", errors="replace") as stream:
                text = stream.read(_MOST_TEXT)
            for variable, found in climb(text, entry.path):
                if found != prefix:
                    detail = f"takes {found} for its prefix ({variable}), not {prefix}"
                    yield Fault(file=entry.path, detail=detail)


RULE: Rule = NotRelocatedCmake()
