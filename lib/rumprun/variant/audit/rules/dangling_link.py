# SPDX-License-Identifier: BSD-2-Clause
"""dangling-link: a link or a linker script leads somewhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Rule, Subject
from rumprun.variant.audit.tree import Entry, Kind

_MOST_SCRIPT = 1 << 16
_INPUTS = re.compile(r"\b(?:INPUT|GROUP)\s*\(((?:[^()]|\([^()]*\))*)\)")
_NAME = re.compile(r"[^\s,()]+")


class DanglingLink:
    """Symbolic links, and libraries that are linker scripts, name what is in the closure."""

    name = "dangling-link"
    remedy = "ship what it names, depend on the variant that does, or leave it out"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Follow each as it would be once installed."""
        for entry in subject.entries if subject.placed else ():
            if entry.kind is Kind.LINK and not subject.closure.resolve(entry.path):
                yield Fault(file=entry.path, detail=f"points to {entry.link}, which is nowhere")
            if entry.kind is Kind.OTHER and not entry.damage:
                for word in _script_inputs(entry):
                    if not self._found(subject, entry, word):
                        yield Fault(file=entry.path, detail=f"names {word}, which is nowhere")

    def _found(self, subject: Subject, entry: Entry, word: str) -> bool:
        if word.startswith("-l"):
            return subject.closure.find_library(word[2:]) is not None
        path = posixpath.join(posixpath.dirname(entry.path), word)
        return subject.closure.resolve(path) is not None


def _script_inputs(entry: Entry) -> list[str]:
    """The files that a linker script in the place of a library names."""
    if not entry.name.endswith((".a", ".so")) or entry.size > _MOST_SCRIPT:
        return []
    text = entry.real.read_text(encoding="utf-8", errors="replace")
    return [
        word
        for match in _INPUTS.finditer(text)
        for word in _NAME.findall(match[1])
        if word != "AS_NEEDED"
    ]


RULE: Rule = DanglingLink()
