# SPDX-License-Identifier: BSD-2-Clause
"""unreadable-file: everything can be read, and is what it seems to be."""

from __future__ import annotations

from collections.abc import Iterator

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.links import judged, nm_name
from rumprun.variant.audit.subject import Rule, Subject
from rumprun.variant.audit.tree import Entry, Kind

_MOST_SCRIPT = 1 << 16


class UnreadableFile:
    """No damaged ELF file or archive, no thin archive, no device, socket or pipe."""

    name = "unreadable-file"
    remedy = "build the file again, or leave it out"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Report what the scan and nm could make no sense of."""
        for entry in subject.entries:
            if entry.kind is Kind.SPECIAL:
                yield Fault(file=entry.path, detail="is no file, directory or link")
            if entry.damage:
                yield Fault(file=entry.path, detail=_explain(entry))
            for member in entry.members:
                if member.damage:
                    detail = f"member {member.name}: damaged ELF file: {member.damage}"
                    yield Fault(file=entry.path, detail=detail)
            if _misnamed(entry):
                yield Fault(file=entry.path, detail="is called an archive and is none")
            yield from self._without_symbols(subject, entry)

    def _without_symbols(self, subject: Subject, entry: Entry) -> Iterator[Fault]:
        symbols = subject.symbols.get(entry.path)
        if symbols is None:
            return
        known = {part.member for part in symbols.objects}
        lost = [name for name in judged(entry, subject.target) if nm_name(name) not in known]
        for name in lost:
            yield Fault(file=entry.path, detail=f"member {name}: nm cannot read its symbols")
        if symbols.damage and not lost:
            yield Fault(file=entry.path, detail=f"nm: {symbols.damage}")


def _explain(entry: Entry) -> str:
    if entry.kind is Kind.ELF:
        return f"damaged ELF file: {entry.damage}"
    return entry.damage if entry.kind is Kind.ARCHIVE else f"cannot be read: {entry.damage}"


def _misnamed(entry: Entry) -> bool:
    """Whether it bears an archive's name and is no linker script in an archive's place, either."""
    if entry.kind is not Kind.OTHER or entry.damage or not entry.name.endswith(".a"):
        return False
    with entry.real.open("rb") as stream:
        return b"\0" in stream.read(_MOST_SCRIPT)


RULE: Rule = UnreadableFile()
