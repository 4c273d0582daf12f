# SPDX-License-Identifier: BSD-2-Clause
"""empty-archive: an archive has something to link."""

from __future__ import annotations

from collections.abc import Iterator

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Rule, Subject
from rumprun.variant.audit.tree import Entry, Kind

_LTO_MARK = "__gnu_lto_slim"


class EmptyArchive:
    """Every archive has an object; one that is called a library defines a symbol, too."""

    name = "empty-archive"
    remedy = "find out why the build put no objects into it, or leave the file out"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Look at archives by content, and at empty files by name."""
        for entry in subject.files():
            if entry.kind is Kind.OTHER and entry.size == 0 and entry.name.endswith(".a"):
                yield Fault(file=entry.path, detail="is an empty file")
            if entry.kind is not Kind.ARCHIVE or entry.damage:
                continue
            if not any(member.facts or member.damage for member in entry.members):
                yield Fault(file=entry.path, detail="has no object in it")
            elif entry.name.startswith("lib") and self._defines_nothing(subject, entry):
                yield Fault(file=entry.path, detail="defines no symbol that a program could use")

    def _defines_nothing(self, subject: Subject, entry: Entry) -> bool:
        symbols = subject.symbols.get(entry.path)
        return symbols is not None and not symbols.defined() - {_LTO_MARK}


RULE: Rule = EmptyArchive()
