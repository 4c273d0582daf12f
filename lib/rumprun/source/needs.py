# SPDX-License-Identifier: BSD-2-Clause
"""Which variants a source's build wants, told from its debian/control alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rumprun.source.naming import (
    PASS_PROFILES,
    Candidate,
    Kind,
    is_variant_name,
    variant_name,
)
from rumprun.source.package import Binary, SourcePackage
from rumprun.source.relations import Relation, alternatives

# What every toolchain brings: nothing to depend on.
_LIBC = frozenset({"libc-dev", "libc6-dev", "linux-libc-dev", "musl-dev"})


def has_variant(name: str) -> bool:
    """Whether the package ``name`` is one that a variant can stand for: a library's -dev."""
    return name.endswith("-dev") and name not in _LIBC and not is_variant_name(name)


def provided_variants(binary: Binary) -> tuple[str, ...]:
    """The variants of the virtual packages that ``binary`` provides, sorted.

    ``libz-dev``, which zlib1g-dev provides, is ``libz-rumprun-dev``.
    """
    return _variants_of(binary.fields.get("Provides", "")) if has_variant(binary.name) else ()


def conflicting_variants(binary: Binary) -> tuple[str, ...]:
    """The variants of the -dev packages that ``binary`` conflicts with, sorted."""
    return _variants_of(binary.fields.get("Conflicts", "")) if has_variant(binary.name) else ()


def _variants_of(field: str) -> tuple[str, ...]:
    names = {relation.name for relation in alternatives(field)}
    return tuple(sorted(variant_name(name) for name in names if has_variant(name)))


def wanted_variants(
    source: SourcePackage, architecture: str, profiles: frozenset[str] = PASS_PROFILES
) -> tuple[str, ...]:
    """The variants that a build of ``source`` may use: those of its -dev Build-Depends.

    ``architecture`` is DEB_HOST_ARCH of the variant pass. Dependencies that are for the build
    machine (``:native``), for other architectures, or switched off by one of the ``profiles``
    are left out. The result is sorted.
    """
    relations = _build_relations(source, architecture, profiles)
    names = {variant_name(item.name) for item in relations if has_variant(item.name)}
    # A converted source, or a maintainer, names variants themselves.
    names |= {item.name for item in relations if is_variant_name(item.name)}
    return tuple(sorted(names))


def required_variants(
    source: SourcePackage, chosen: Iterable[Candidate], architecture: str
) -> tuple[str, ...]:
    """The variants that those of ``chosen`` cannot do without, sorted.

    These are the libraries that the source builds with and that its own -dev packages depend
    on: their headers or archives are part of what the -dev package offers. Of other
    Build-Depends nobody can tell without a build.
    """
    built_with = set(wanted_variants(source, architecture))
    linked = {
        variant_name(relation.name)
        for candidate in chosen
        if candidate.kind is Kind.DEV
        for relation in alternatives(candidate.original.depends)
        if has_variant(relation.name)
    }
    return tuple(sorted(built_with & linked))


def build_order(sources: Sequence[SourcePackage], architecture: str) -> tuple[SourcePackage, ...]:
    """``sources`` such that each comes after those whose variants it wants.

    Where they want one another in a circle, the given order decides.
    """
    provider: dict[str, SourcePackage] = {}
    for source in sources:
        for binary in source.binaries:
            if not is_variant_name(binary.name):
                provider[variant_name(binary.name)] = source
                for name in provided_variants(binary):
                    provider.setdefault(name, source)
    done: dict[str, SourcePackage] = {}
    visiting: set[str] = set()

    def visit(source: SourcePackage) -> None:
        if source.name in visiting:
            return
        visiting.add(source.name)
        for variant in wanted_variants(source, architecture):
            if variant in provider:
                visit(provider[variant])
        done[source.name] = source

    for source in sources:
        visit(source)
    return tuple(done.values())


def _build_relations(
    source: SourcePackage, architecture: str, profiles: frozenset[str]
) -> tuple[Relation, ...]:
    field = ", ".join(filter(None, (source.build_depends, source.build_depends_arch)))
    return tuple(
        relation
        for relation in alternatives(field)
        if relation.qualifier != "native" and relation.applies(architecture, profiles)
    )
