# SPDX-License-Identifier: BSD-2-Clause
"""Relation fields (Depends, Build-Depends), typed; the parser is python-debian's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from debian.deb822 import PkgRelation

from rumprun.source.naming import architecture_is

# python-debian hands a relation to a substitution variable's version back unparsed.
_SUBSTITUTED_VERSION = re.compile(r"\(\s*[<>=]+\s*[^()]*\$\{[^}]*\}[^()]*\)")


@dataclass(frozen=True, kw_only=True)
class Relation:
    """One alternative of a relation.

    ``version`` is (operator, version), ``None`` for none or one that a substitution variable
    gives; ``qualifier`` is the ``any`` or ``native`` of ``name:any``; ``architectures`` are
    (wanted, wildcard) pairs, ``profiles`` alternatives of (wanted, profile) conjunctions.
    """

    name: str
    version: tuple[str, str] | None
    qualifier: str
    architectures: tuple[tuple[bool, str], ...]
    profiles: tuple[tuple[tuple[bool, str], ...], ...]

    def applies(self, architecture: str, active: frozenset[str]) -> bool:
        """Whether it counts for ``architecture`` under the ``active`` build profiles.

        As in Policy 7.1: a list of architectures names the only ones, or the excluded ones.
        """
        formula = self.profiles
        if formula and not any(
            all((name in active) is wanted for wanted, name in terms) for terms in formula
        ):
            return False
        for wanted, name in self.architectures:
            if architecture_is(architecture, name):
                return wanted
        return all(not wanted for wanted, _name in self.architectures)


def alternatives(field: str) -> Iterator[Relation]:
    """All alternatives of all relations in ``field``; substitution variables are passed over."""
    plain = _SUBSTITUTED_VERSION.sub("", field)
    entries = (word.strip() for entry in plain.split(",") for word in entry.split("|"))
    kept = ", ".join(entry for entry in entries if entry and "${" not in entry)
    for group in PkgRelation.parse_relations(kept) if kept else ():
        for parsed in group:
            yield Relation(
                name=parsed["name"],
                version=parsed.get("version"),
                qualifier=parsed.get("archqual") or "",
                architectures=tuple((term.enabled, term.arch) for term in parsed.get("arch") or ()),
                profiles=tuple(
                    tuple((term.enabled, term.profile) for term in terms)
                    for terms in parsed.get("restrictions") or ()
                ),
            )


def exact_versions(field: str) -> tuple[tuple[str, str], ...]:
    """Names and versions in a field such as Built-Using, ``name (= version), ...``."""
    return tuple(
        (relation.name, relation.version[1])
        for relation in alternatives(field)
        if relation.version is not None
    )
