# SPDX-License-Identifier: BSD-2-Clause
"""The classes of failures, read from ``failure_classes.toml`` beside this module."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rumprun.errors import InputError

DATA_FILE = Path(__file__).with_name("failure_classes.toml")

# A log's line may be a compiler's whole command; what a message says is at its beginning.
LINE_LIMIT = 1000

# The kinds of patterns that a class may have, and the order in which they are tried.
STRENGTHS = ("patterns", "summary", "weak", "hints")

_LIST_NAME = re.compile(r"@(\w+)@")


@dataclass(frozen=True, kw_only=True)
class FailureClass:
    """One kind of failure; ``patterns`` holds each pattern with its strength.

    ``decisive`` are texts worth a look wherever in a log they stand; ``nothing`` stands for the
    subject where a pattern has none.
    """

    name: str
    title: str
    remedy: str
    nothing: str
    decisive: tuple[str, ...]
    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LineMatch:
    """What a line is a case of: its class, one of :data:`STRENGTHS`, and what it is about."""

    failure_class: FailureClass
    strength: str
    subject: str | None
    pattern: re.Pattern[str]


@dataclass(frozen=True, kw_only=True)
class FailureClasses:
    """All classes in the order in which they are tried, and what else the data file says.

    ``stop`` matches a line end and the start of a line by which a tool gives up; its group
    "below" says that the reason stands below. ``owners`` pairs symbols' beginnings with a package.
    """

    classes: tuple[FailureClass, ...]
    keywords: tuple[str, ...]
    stop: re.Pattern[str]
    owners: tuple[tuple[re.Pattern[str], str], ...]

    def match(self, line: str) -> LineMatch | None:
        """The class of ``line``, whose quotes are plain ones (see :func:`plain_quotes`)."""
        line = line[:LINE_LIMIT]
        if not any(word in line for word in self.keywords):
            return None
        for failure_class in self.classes:
            for strength, pattern in failure_class.patterns:
                found = pattern.search(line)
                if found:
                    subject = found.groupdict().get("subject")
                    return LineMatch(
                        failure_class=failure_class,
                        strength=strength,
                        subject=subject.strip() or None if subject else None,
                        pattern=pattern,
                    )
        return None

    def owner_of(self, symbol: str) -> str | None:
        """The -dev package whose library defines ``symbol``, if its name tells."""
        for pattern, package in self.owners:
            if pattern.match(symbol):
                return package
        return None

    def by_name(self, name: str) -> FailureClass:
        """The class called ``name``; raises :class:`KeyError`."""
        for failure_class in self.classes:
            if failure_class.name == name:
                return failure_class
        raise KeyError(name)


def plain_quotes(text: str) -> str:
    """``text`` with every single quote as ' and every double quote as ", as patterns expect.

    gcc quotes by the locale, ld and config.sub in the old GNU way; lengths do not change.
    """
    for char in "`\u2018\u2019\u00b4":
        text = text.replace(char, "'")
    for char in "\u201c\u201d":
        text = text.replace(char, '"')
    return text


@functools.cache
def failure_classes() -> FailureClasses:
    """The classes that ship; see :func:`parse_failure_classes`."""
    return parse_failure_classes(DATA_FILE.read_text(encoding="utf-8"))


def parse_failure_classes(text: str) -> FailureClasses:
    """The classes in the TOML document ``text``, whose own comments say what it holds.

    Raises :class:`InputError` where it is no TOML, lacks something or has a wrong pattern.
    """
    try:
        document = tomllib.loads(text)
        lists = {
            name: "(?:{})".format("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
            for name, words in document["lists"].items()
        }
        return FailureClasses(
            classes=tuple(_failure_class(table, lists) for table in document["class"]),
            keywords=tuple(document["keywords"]),
            stop=_stop(document["stops"]["above"], document["stops"]["below"]),
            owners=tuple(
                (re.compile("|".join(starts)), package)
                for package, starts in document["symbols"].items()
            ),
        )
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"failure classes: {error}") from error
    except (KeyError, TypeError) as error:
        raise InputError(f"failure classes: missing or misplaced: {error}") from error
    except re.error as error:
        raise InputError(f"failure classes: {error}: {error.pattern!r}") from error


def _failure_class(table: Mapping[str, Any], lists: Mapping[str, str]) -> FailureClass:
    return FailureClass(
        name=table["name"],
        title=table["title"],
        remedy=table["remedy"],
        nothing=table.get("nothing", ""),
        decisive=tuple(table.get("decisive", ())),
        patterns=tuple(
            (strength, re.compile(_LIST_NAME.sub(lambda name: lists[name[1]], pattern)))
            for strength in STRENGTHS
            for pattern in table.get(strength, ())
        ),
        examples=tuple(table["examples"]),
    )


def _stop(above: Iterable[str], below: Iterable[str]) -> re.Pattern[str]:
    """The literal at its beginning makes the search of a long log fast."""
    return re.compile("\n(?:{}|(?P<below>{}))".format("|".join(above), "|".join(below)))
