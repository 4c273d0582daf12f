# SPDX-License-Identifier: BSD-2-Clause
"""Which sources belong to a plan: those named, and those whose libraries they cannot do without.

A source that the user names is built with all the libraries that it builds with in the archive.
One that is there for another's sake only is built with those that its own -dev packages depend
on, whose headers or archives are part of what it offers; otherwise the closure of nearly any
library would be the better part of the archive, by way of its tools and its test suite.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from rumprun.archive.model import ArchiveBinary, ArchivePackage, ArchiveSource, Need, Node
from rumprun.archive.unused import why_unused
from rumprun.errors import MissingError
from rumprun.source.control import formula_holds
from rumprun.source.naming import PASS_PROFILES, architecture_is, variant_name
from rumprun.source.needs import has_variant
from rumprun.source.recipe import Recipe
from rumprun.source.relations import alternatives
from rumprun.source.scan.depends import all_names, split_needs
from rumprun.source.scan.model import Context, Package

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
    found: dict[str, Node] = {}
    waiting = [(name, "asked for") for name in reversed(asked)]
    while waiting:
        name, because = waiting.pop()
        if name in found:
            continue
        source = catalogue.source(name)
        if source is None:
            raise MissingError(f"no source package {name!r}", hint=catalogue.suggestion(name))
        node = _node(source, because, catalogue, choices, is_asked=name in asked)
        found[name] = node
        waiting += [
            (need.source, f"{need.library} of {name}")
            for need in reversed(node.needs)
            if need.source not in found
        ]
    return found


def _node(
    source: ArchiveSource,
    because: str,
    catalogue: Lookup,
    choices: Choices,
    *,
    is_asked: bool,
) -> Node:
    packages = {name: catalogue.package(name) for name in sorted(all_names(source))}
    context = Context(
        architecture=choices.architecture,
        packages={name: _known(item) for name, item in packages.items() if item},
    )
    split = split_needs(source, context)
    recipe = choices.recipe_for(source.name, source.version)
    by_recipe = {name for name in split.missing if recipe and recipe.drops(name)}
    required = _required(source, catalogue)
    needs: list[Need] = []
    dropped = dict(split.dropped)
    for library, maker in split.missing.items():
        why = _why_dropped(library, maker, catalogue, choices.without, by_recipe)
        if why is None and not (is_asked or library in required):
            why = _NOT_NEEDED
        if why is not None:
            dropped[library] = why
        elif maker != source.name:
            needs.append(Need(library=library, source=maker, required=library in required))
    return Node(
        source=source.name,
        version=source.version,
        digest=source.digest,
        variants=tuple(_variants(source, choices.architecture)),
        needs=tuple(needs),
        because=because,
        dropped=dropped,
        tools=tuple(split.tools),
    )


def _known(package: ArchivePackage) -> Package:
    return Package(source=package.source, section=package.section, multi_arch=package.multi_arch)


def _why_dropped(
    library: str,
    maker: str,
    catalogue: Lookup,
    without: Collection[str],
    by_recipe: Collection[str],
) -> str | None:
    """Why the variant does without ``library`` of the source ``maker``, if it does."""
    source = catalogue.source(maker) if maker else None
    if source is None:
        return _NO_SOURCE
    if library in without or maker in without:
        return _BY_USER
    return _BY_RECIPE if library in by_recipe else why_unused(library, source.section)


def _required(source: ArchiveSource, catalogue: Lookup) -> frozenset[str]:
    """What the -dev packages of ``source`` depend on, as far as it may be a library."""
    found: set[str] = set()
    for binary in source.binaries:
        package = catalogue.package(binary.name) if has_variant(binary.name) else None
        if package is not None and package.name == binary.name:
            found.update(relation.name for relation in alternatives(package.depends))
    return frozenset(found)


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
