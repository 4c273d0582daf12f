# SPDX-License-Identifier: BSD-2-Clause
"""The words of a comparison: what differs, where, and for what reason."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What differs."""

    CONFIGURE = "configure"
    DEFINE = "define"
    DEPENDENCY = "dependency"
    SYMBOL = "symbol"
    SYMBOLS_GAINED = "symbols gained"
    LIBRARY = "library"
    PLUGIN = "plugin"
    HEADER = "header"
    PKG_CONFIG = "pkg-config"
    PROGRAM = "program"
    PACKAGE = "package"


class Cause(enum.Enum):
    """Why something differs, in general."""

    LIBC = "libc"
    NO_VARIANT = "no variant"
    STATIC = "static"
    PROFILE = "profile"
    RECIPE = "recipe"
    TARGET = "target"
    TOOL = "tool"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A cause, and in ``detail`` what shows it."""

    cause: Cause
    detail: str = ""

    def __str__(self) -> str:
        """The cause, and after a colon the detail; ``no variant of X`` reads as a sentence."""
        if self.cause is Cause.NO_VARIANT and self.detail:
            return f"no variant of {self.detail}"
        return f"{self.cause.value}: {self.detail}" if self.detail else self.cause.value


UNKNOWN = Reason(cause=Cause.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One thing that both sides were asked: ``None`` stands for no answer, or not there.

    ``where`` is the file that says it, relative to the source tree or the package, with the
    GNU type left out.
    """

    kind: Kind
    where: str
    name: str
    native: str | None
    variant: str | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """An :class:`Answer` whose two sides differ, with the reason."""

    kind: Kind
    where: str
    name: str
    native: str | None
    variant: str | None
    reason: Reason

    def to_json(self) -> dict[str, str | None]:
        """Plain data, for JSON."""
        return {
            "kind": self.kind.value,
            "where": self.where,
            "name": self.name,
            "native": self.native,
            "variant": self.variant,
            "cause": self.reason.cause.value,
            "detail": self.reason.detail,
        }


def with_reason(answer: Answer, reason: Reason) -> Difference:
    """``answer`` as a difference for ``reason``."""
    return Difference(
        kind=answer.kind,
        where=answer.where,
        name=answer.name,
        native=answer.native,
        variant=answer.variant,
        reason=reason,
    )
