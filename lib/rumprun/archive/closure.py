# SPDX-License-Identifier: BSD-2-Clause
"""Which sources belong to a plan: those named, and those whose libraries they cannot do without.

A source that the user names is built with all the libraries that it builds with in the archive.
One that is there for another's sake is built with those that the -dev packages wanted of it depend
on, whose headers or archives are part of what they offer; otherwise the closure of nearly any
library would be the better part of the archive, by way of its tools and its test suite.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from rumprun.archive.model import ArchiveBinary, ArchivePackage, ArchiveSource, Need, Node
from rumprun.archive.unused import why_unused
from rumprun.errors import MissingError
from rumprun.source.control import formula_holds
from rumprun.source.naming import PASS_PROFILES, architecture_is, variant_name
from rumprun.source.needs import has_variant
from rumprun.source.recipe import Kind, Recipe
from rumprun.source.relations import alternatives
from rumprun.source.scan.depends import all_names, split_needs
from rumprun.source.scan.model import Context, Needs, Package

_NOT_NEEDED = "nothing that was asked for needs it"
_NO_SOURCE = "no source of the suite makes it"
_BY_RECIPE = "dropped by the recipe"
_BY_USER = "left out with --without"


class Lookup(Protocol):
    """Where sources and packages are looked up: an index, or one with local sources before it."""

    def source(self, name: str) -> ArchiveSource | None:
        """The source ``name``."""

    def package(self, name: str) -> ArchivePackage | None:
        """The binary package ``name``, or the first that provides it."""

    def suggestion(self, name: str) -> str:
        """What a user who asks for the source ``name``, which there is not, may have meant."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the user and the recipes have a say in.

    ``without`` are -dev packages or sources to leave out; ``recipe_for`` gives a source's recipe
    by its name and version.
    """

    architecture: str
    without: frozenset[str] = frozenset()
    recipe_for: Callable[[str, str], Recipe | None] = field(default=lambda _name, _version: None)


def find_closure(names: Iterable[str], catalogue: Lookup, choices: Choices) -> dict[str, Node]:
    """The sources ``names`` and what they need, by name, in no particular order.

    Raises :class:`MissingError` for a name that the ``catalogue`` has no source of.
    """
    asked = tuple(dict.fromkeys(names))
    search = _Search(catalogue, choices)
    for name in asked:
        search.want(name, None, "asked for")
    return {name: search.node(name) for name in search.wanted}


class _Search:
    """The sources found so far, and which of their -dev packages are wanted."""

    def __init__(self, catalogue: Lookup, choices: Choices) -> None:
        self._catalogue = catalogue
        self._choices = choices
        # None among the packages of a source: all of it is wanted, for it was asked for.
        self.wanted: dict[str, set[str | None]] = {}
        self._because: dict[str, str] = {}
        self._splits: dict[str, tuple[ArchiveSource, Needs]] = {}
        self._recipes: dict[str, Recipe | None] = {}

    def want(self, name: str, library: str | None, because: str) -> None:
        """Want the package ``library`` of the source ``name``, and what that leads to."""
        waiting: list[tuple[str, str | None, str]] = [(name, library, because)]
        while waiting:
            name, library, because = waiting.pop()
            known = self.wanted.setdefault(name, set())
            if library in known:
                continue
            known.add(library)
            self._because.setdefault(name, because)
            waiting += [
                (need.source, need.library, f"{need.library} of {name}")
                for need in reversed(self._needs(name))
            ]

    def node(self, name: str) -> Node:
        """What is known of the source ``name`` in the end."""
        source, split = self._split(name)
        needs = self._needs(name)
        needed = {need.library for need in needs}
        recipe = self._recipes[name]
        return Node(
            source=name,
            version=source.version,
            digest=source.digest,
            variants=self._variants(source),
            needs=needs,
            because=self._because[name],
            dropped={
                **split.dropped,
                **{
                    library: self._why_dropped(name, library, maker) or _NOT_NEEDED
                    for library, maker in split.missing.items()
                    if library not in needed and maker != name
                },
            },
            tools=tuple(tool for tool in split.tools if recipe is None or not recipe.drops(tool)),
        )

    def _variants(self, source: ArchiveSource) -> tuple[str, ...]:
        recipe = self._recipes[source.name]
        own = [variant.name for variant in recipe.own_variants] if recipe else []
        if recipe and recipe.names_all_variants:
            return tuple(own)
        return (*_variants(source, self._choices.architecture), *own)

    def _needs(self, name: str) -> tuple[Need, ...]:
        source, split = self._split(name)
        wanted = self.wanted[name]
        required = _required(source, self._catalogue, wanted)
        recipe = self._recipes[name]
        if recipe is not None:
            required |= {*recipe.values(Kind.KEPT), *recipe.values(Kind.ADDED)}
        return tuple(
            Need(library=library, source=maker, required=library in required)
            for library, maker in split.missing.items()
            if maker != name
            and (None in wanted or library in required)
            and self._why_dropped(name, library, maker) is None
        )

    def _split(self, name: str) -> tuple[ArchiveSource, Needs]:
        """The source ``name`` and its Build-Depends, looked up once, as its recipe is."""
        if name not in self._splits:
            source = self._catalogue.source(name)
            if source is None:
                hint = self._catalogue.suggestion(name)
                raise MissingError(f"no source package {name!r}", hint=hint)
            recipe = self._choices.recipe_for(name, source.version)
            if recipe is not None:
                built_with = recipe.added_to(source.build_depends)
                source = dataclasses.replace(source, build_depends=built_with)
            packages = {each: self._catalogue.package(each) for each in sorted(all_names(source))}
            context = Context(
                architecture=self._choices.architecture,
                packages={each: _known(item) for each, item in packages.items() if item},
            )
            self._splits[name] = source, split_needs(source, context)
            self._recipes[name] = recipe
        return self._splits[name]

    def _why_dropped(self, name: str, library: str, maker: str) -> str | None:
        """Why the variant of ``name`` does without ``library`` of the source ``maker``, if so."""
        made = self._catalogue.source(maker) if maker else None
        if made is None:
            return _NO_SOURCE
        if {library, maker} & self._choices.without:
            return _BY_USER
        recipe = self._recipes[name]
        if recipe is not None and recipe.drops(library):
            return _BY_RECIPE
        return why_unused(library, made.section)


def _known(package: ArchivePackage) -> Package:
    return Package(source=package.source, section=package.section, multi_arch=package.multi_arch)


def _required(
    source: ArchiveSource, catalogue: Lookup, wanted: Collection[str | None]
) -> frozenset[str]:
    """What the -dev packages of ``source`` that are ``wanted`` depend on, as far as can be told.

    ``None`` among them means all; those that another of the same source depends on count too.
    """
    own = {binary.name for binary in source.binaries if has_variant(binary.name)}
    waiting = sorted(own) if None in wanted else [_real(name, catalogue) for name in wanted if name]
    found: set[str] = set()
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        package = catalogue.package(name) if name in own and name not in seen else None
        seen.add(name)
        if package is not None and package.name == name:
            depends = {relation.name for relation in alternatives(package.depends)}
            found |= depends
            waiting += sorted(depends & own)
    return frozenset(found)


def _real(name: str, catalogue: Lookup) -> str:
    """The package that ``name`` is, or that provides it."""
    package = catalogue.package(name)
    return package.name if package is not None else name


def _variants(source: ArchiveSource, architecture: str) -> Iterable[str]:
    """The variants with libraries; programs cannot be told from an index."""
    for binary in source.binaries:
        if has_variant(binary.name) and _is_built(binary, architecture):
            yield variant_name(binary.name)


def _is_built(binary: ArchiveBinary, architecture: str) -> bool:
    return (
        binary.package_type == "deb"
        and binary.section.rpartition("/")[2] in {"libdevel", "oldlibs", "devel", "libs"}
        and formula_holds(binary.build_profiles, PASS_PROFILES)
        and any(
            word == "all" or architecture_is(architecture, word) for word in binary.architecture
        )
    )
