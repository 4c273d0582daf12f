# SPDX-License-Identifier: BSD-2-Clause
"""misplaced-file: a variant lives in its own prefix and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Rule, Subject
from rumprun.variant.audit.tree import Kind

# Documentation and what Debian's own tools want to find beside it.
_SHARED = (PurePosixPath("/usr/share/doc"), PurePosixPath("/usr/share/lintian/overrides"))


class MisplacedFile:
    """Every path is in the target's prefix, in /usr/share/doc or among lintian's overrides."""

    name = "misplaced-file"
    remedy = "install it below the target's prefix, or leave it out"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Look at files and links, and at directories that do not lead to an allowed place."""
        places = (PurePosixPath(subject.target.prefix), *_SHARED)
        for entry in subject.entries if subject.placed else ():
            path = PurePosixPath(entry.path)
            inside = any(path.is_relative_to(place) for place in places)
            leads = entry.kind is Kind.DIRECTORY and any(
                place.is_relative_to(path) for place in places
            )
            if not inside and not leads:
                yield Fault(file=entry.path, detail=f"is not below {places[0]}")


RULE: Rule = MisplacedFile()
