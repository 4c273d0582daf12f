# SPDX-License-Identifier: BSD-2-Clause
"""program: a finished program keeps code, data and stack apart."""

from __future__ import annotations

from collections.abc import Iterator

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Rule, Subject


class Program:
    """No text relocations, no executable stack, no segment both writable and executable."""

    name = "program"
    remedy = "link with the target's compiler and its defaults; mark assembler's stack (see ld -z)"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Look at the programs that need no loader; the others are dynamic-object's."""
        for entry in subject.programs():
            facts = entry.facts
            if not facts:
                continue
            if facts.text_relocations:
                yield Fault(file=entry.path, detail="has text relocations")
            if facts.stack is None:
                yield Fault(file=entry.path, detail="has no PT_GNU_STACK header")
            elif facts.executable_stack:
                yield Fault(file=entry.path, detail="has an executable stack")
            if facts.writable_code:
                yield Fault(file=entry.path, detail="has a segment that is writable and executable")


RULE: Rule = Program()
