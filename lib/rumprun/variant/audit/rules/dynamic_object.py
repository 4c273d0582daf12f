# SPDX-License-Identifier: BSD-2-Clause
"""dynamic-object: nothing that needs a dynamic loader."""

from __future__ import annotations

from collections.abc import Iterator

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Rule, Subject


class DynamicObject:
    """No ELF file with an interpreter or needed libraries, no shared object, in or out of .a."""

    name = "dynamic-object"
    remedy = "build it static: configure with shared libraries off, or leave the file out"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Look at each ELF file and member."""
        for entry in subject.entries:
            for member, facts in entry.objects():
                reason = facts.dynamic
                if reason:
                    where = f"member {member} " if member else ""
                    yield Fault(file=entry.path, detail=f"{where}{reason}")


RULE: Rule = DynamicObject()
