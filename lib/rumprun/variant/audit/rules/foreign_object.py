# SPDX-License-Identifier: BSD-2-Clause
"""foreign-object: nothing for another machine or another C library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.links import listed
from rumprun.variant.audit.subject import Rule, Subject
from rumprun.variant.audit.tree import Entry

# A native archive has hundreds of such members; a few make the point.
_MOST = 20


class ForeignObject:
    """Every ELF file is for the target's machine and C library, every member is an object."""

    name = "foreign-object"
    remedy = "compile it with the target's tools; find the rule that calls the native compiler"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Look at headers first, then at references that only glibc's headers make."""
        for entry in subject.entries:
            yield from self._headers(subject, entry)
        members: dict[tuple[str, str], list[str]] = {}
        for missing in subject.unresolved:
            if missing.glibc_only:
                for member in missing.members:
                    members.setdefault((missing.path, member), []).append(missing.symbol)
        counts: Counter[str] = Counter()
        for (path, member), symbols in members.items():
            counts[path] += 1
            where = f"member {member} refers" if member else "refers"
            if counts[path] <= _MOST:
                yield Fault(file=path, detail=f"{where} to {listed(symbols)}, which only glibc has")
        for path, count in counts.items():
            if count > _MOST:
                yield Fault(file=path, detail=f"{count - _MOST} further members refer to glibc")

    def _headers(self, subject: Subject, entry: Entry) -> Iterator[Fault]:
        target = subject.target
        for member, facts in entry.objects():
            where = f"member {member} " if member else ""
            if (facts.machine, facts.bits) != (target.elf_machine, target.elf_class):
                wanted = f"{target.elf_machine} of {target.elf_class} bits"
                found = f"{facts.machine} of {facts.bits} bits"
                yield Fault(file=entry.path, detail=f"{where}is for {found}, not for {wanted}")
            elif not facts.little_endian:
                yield Fault(file=entry.path, detail=f"{where}is big-endian")
            elif facts.program and not facts.dynamic and facts.abi_tag:
                yield Fault(file=entry.path, detail=f"{where}is a program linked with glibc")
        for part in entry.members:
            if not part.facts and not part.damage and part.libraries is None:
                yield Fault(file=entry.path, detail=f"member {part.name} is no ELF object")


RULE: Rule = ForeignObject()
