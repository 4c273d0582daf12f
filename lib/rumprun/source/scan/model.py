# SPDX-License-Identifier: BSD-2-Clause
"""What a scan of a source finds, as plain data."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Severity(enum.Enum):
    """What a risk does to the variants of a source."""

    BLOCKER = "blocker"
    LOST = "feature lost"
    WATCH = "watch"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A line of the source; ``file`` is relative to its tree, ``line`` counts from 1."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class Risk:
    """One thing that may go wrong.

    ``name`` is the class of risk, ``subject`` what is at stake in few words; ``count`` is how
    many places were seen, of which ``evidence`` has the first.
    """

    name: str
    severity: Severity
    subject: str
    evidence: tuple[Evidence, ...]
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Package:
    """What apt and dpkg know of a binary package; ``source`` is empty where apt has none."""

    source: str = ""
    section: str = ""
    multi_arch: str = "no"
    installed: bool = False


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a scan is told of the world outside the source.

    ``variants`` are at hand; ``coming`` are made by the other sources given, by their names.
    ``packages`` has what the machine knows of all Build-Depends. ``missing_headers`` and
    ``missing_names`` are those of glibc and the BSDs that the target's libc lacks.
    """

    architecture: str
    variants: frozenset[str] = frozenset()
    coming: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, Package] = field(default_factory=dict)
    missing_headers: frozenset[str] = frozenset()
    missing_names: frozenset[str] = frozenset()
    has_cxx: bool = True


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Build-Depends, split by what they are for; each name as in debian/control.

    ``missing`` maps a target library without a variant to the source that makes it, or to ""
    where apt knows none; ``tools`` maps a tool to whether it is installed; ``dropped`` maps a
    package that the variant does without to the reason.
    """

    at_hand: tuple[str, ...] = ()
    coming: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, bool] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was predicted for one source. ``languages`` maps a language to its number of files."""

    source: str
    version: str
    variants: tuple[str, ...]
    rules: str
    build_systems: tuple[str, ...]
    languages: Mapping[str, int]
    needs: Needs
    risks: tuple[Risk, ...]

    def subjects(self, severity: Severity) -> tuple[str, ...]:
        """What the risks of ``severity`` are about, each once."""
        found = (risk.subject for risk in self.risks if risk.severity is severity)
        return tuple(dict.fromkeys(found))

    @property
    def is_blocked(self) -> bool:
        """Whether something stands against a conversion."""
        return bool(self.subjects(Severity.BLOCKER))

    @property
    def verdict(self) -> str:
        """The prediction in one line."""
        if self.is_blocked:
            return f"blocked: {'; '.join(self.subjects(Severity.BLOCKER))}"
        lost = self.subjects(Severity.LOST)
        return f"converts, features lost: {'; '.join(lost)}" if lost else "converts"

    def to_json(self) -> dict[str, object]:
        """Plain data, with the verdict."""
        rows = [
            {
                "class": risk.name,
                "severity": risk.severity.value,
                "subject": risk.subject,
                "count": risk.count,
                "evidence": [dataclasses.asdict(place) for place in risk.evidence],
            }
            for risk in self.risks
        ]
        return {
            "source": self.source,
            "version": self.version,
            "verdict": self.verdict,
            "blocked": self.is_blocked,
            "variants": list(self.variants),
            "rules": self.rules,
            "build_systems": list(self.build_systems),
            "languages": dict(self.languages),
            "build_depends": dataclasses.asdict(self.needs),
            "risks": rows,
        }
