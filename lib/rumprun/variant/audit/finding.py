# SPDX-License-Identifier: BSD-2-Clause
"""What the audit says: a fault as a rule sees it, a finding as a person reads it."""

from __future__ import annotations

from dataclasses import dataclass


def printable(text: str) -> str:
    """``text`` as one line that any terminal and JSON take: what cannot be shown is escaped.

    File and symbol names come from packages; they may hold line ends, escapes or bytes that
    are not UTF-8 (as surrogates, see PEP 383).
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One breach of one rule: ``file`` as installed, ``detail`` in one line.

    ``remedy`` replaces the rule's own where the rule knows better.
    """

    file: str
    detail: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One breach: the package, the file as installed, the rule's id, what is wrong, what to do."""

    package: str
    file: str
    rule: str
    detail: str
    remedy: str

    def to_json(self) -> dict[str, str]:
        """The finding as a JSON object of strings."""
        return {
            "package": self.package,
            "file": self.file,
            "rule": self.rule,
            "detail": self.detail,
            "remedy": self.remedy,
        }

    def to_line(self) -> str:
        """``package: file: rule: detail``, without the package where it is not known."""
        parts = (self.package, self.file, self.rule, self.detail)
        return ": ".join(part for part in parts if part)
