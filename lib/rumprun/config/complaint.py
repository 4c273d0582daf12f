# SPDX-License-Identifier: BSD-2-Clause
"""What is wrong with a document, where in it, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rumprun.errors import InputError

Path = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = re.compile(r'["\\\x00-\x1f]')


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """One fault: ``path`` leads to it from the root, ``hint`` says what would be right."""

    path: Path
    wrong: str
    hint: str = ""

    @property
    def where(self) -> str:
        """The path as :func:`path_text` writes it."""
        return path_text(self.path)

    def __str__(self) -> str:
        text = f"{self.where}: {self.wrong}" if self.path else self.wrong
        return f"{text}; {self.hint}" if self.hint else text

    def to_json(self) -> dict[str, str]:
        """The complaint as a JSON object of three strings."""
        return {"path": self.where, "wrong": self.wrong, "hint": self.hint}


class ConfigError(InputError):
    """A document is not acceptable; ``complaints`` are all that is wrong with it."""

    def __init__(self, where: str, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        first, *others = self.complaints
        more = f" (and {len(others)} more)" if others else ""
        place = f"{where}: {first.where}" if first.path else where
        super().__init__(f"{place}: {first.wrong}{more}", hint=first.hint)


def path_text(path: Path) -> str:
    """``path`` as jq(1) has it, without the first dot: ``rc[2].runmode``, counted from 0.

    A key with other characters than letters, digits, dash and underscore is quoted as in
    ``mount["/data"]``. The library in C writes the same.
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _BARE_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f'["{_ESCAPED.sub(_escape, part)}"]'
    return text


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return f"\\{character}" if character in '"\\' else f"\\u{ord(character):04x}"
