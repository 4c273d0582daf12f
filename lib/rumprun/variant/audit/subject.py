# SPDX-License-Identifier: BSD-2-Clause
"""What a rule gets to see, what a rule is, and where rules are found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, cast

from rumprun.target.descriptor import Target
from rumprun.variant.audit import links, rules
from rumprun.variant.audit.closure import Closure
from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.symbols import FileSymbols, read_symbols
from rumprun.variant.audit.tree import Entry, Kind


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One package, tree or file under audit.

    ``placed`` is False for a single file, whose path says nothing. ``forbidden`` are build
    directories. ``control`` holds the control fields, None where there is no control file.
    """

    target: Target
    entries: tuple[Entry, ...]
    closure: Closure
    placed: bool = True
    forbidden: tuple[str, ...] = ()
    control: dict[str, str] | None = field(default=None)

    def files(self) -> Iterator[Entry]:
        """The regular files, of whatever content."""
        return (e for e in self.entries if e.kind in (Kind.ELF, Kind.ARCHIVE, Kind.OTHER))

    def archives(self) -> Iterator[Entry]:
        """The files that are archives by content."""
        return (e for e in self.entries if e.kind is Kind.ARCHIVE)

    def programs(self) -> Iterator[Entry]:
        """The finished programs that need no dynamic loader."""
        for entry in self.entries:
            if entry.facts and entry.facts.program and not entry.facts.dynamic:
                yield entry

    @cached_property
    def symbols(self) -> dict[str, FileSymbols]:
        """The external symbols of each archive and object file of the subject, by path."""
        wanted = [e for e in self.entries if not e.damage and any(links.judged(e, self.target))]
        found = read_symbols([entry.real for entry in wanted], self.target)
        return {entry.path: found[entry.real] for entry in wanted}

    @cached_property
    def unresolved(self) -> tuple[links.Unresolved, ...]:
        """Every strong reference in the subject that nothing in the closure answers."""
        return links.find_unresolved(self.entries, self.symbols, self.closure)


class Rule(Protocol):
    """One rule: ``name`` in kebab case, ``remedy`` in one line, and the check itself."""

    name: str
    remedy: str

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Every breach in ``subject``; nothing is raised for what a package may contain."""
        ...


def all_rules() -> tuple[Rule, ...]:
    """The rules, by name: each is ``RULE`` in a module of its own in ``rules``."""
    modules = (
        importlib.import_module(f"{rules.__name__}.{found.name}")
        for found in pkgutil.iter_modules(rules.__path__)
    )
    return tuple(sorted((cast(Rule, module.RULE) for module in modules), key=lambda r: r.name))
