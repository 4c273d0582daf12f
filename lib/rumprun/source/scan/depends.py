# SPDX-License-Identifier: BSD-2-Clause
"""Build-Depends of a source, split by what each is for, and what a missing library means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from rumprun.source.build_depends import Known
from rumprun.source.naming import PASS_PROFILES, Candidate, is_variant_name, variant_name
from rumprun.source.needs import has_variant, required_variants
from rumprun.source.package import SourcePackage
from rumprun.source.relations import Relation, alternatives
from rumprun.source.scan.debian_files import evidence_for, is_binding
from rumprun.source.scan.files import File, Files, Use
from rumprun.source.scan.model import Context, Evidence, Needs, Package, Risk, Severity

# Sections of -dev packages that are for another language: no library of the target.
_OTHER_LANGUAGES = frozenset(
    {"golang", "haskell", "java", "lisp", "ocaml", "perl", "php", "python", "ruby", "rust"}
)
_PROFILE = "only for documentation, tests or another language"
_DOCUMENT = "documentation"


class HasBuildDepends(Protocol):
    """What has the fields of a source package that say what it is built with."""

    @property
    def name(self) -> str:
        """The source's name."""

    @property
    def build_depends(self) -> str:
        """The raw field Build-Depends."""

    @property
    def build_depends_arch(self) -> str:
        """The raw field Build-Depends-Arch."""


def split_needs(source: HasBuildDepends, context: Context) -> Needs:
    """The Build-Depends of ``source`` for the architecture; those of indep packages are unused."""
    at_hand: list[str] = []
    coming: dict[str, str] = {}
    missing: dict[str, str] = {}
    tools: dict[str, bool] = {}
    dropped: dict[str, str] = {}
    for group in _groups(source):
        useful = [item for item in group if item.applies(context.architecture, PASS_PROFILES)]
        if not useful:
            if any(item.applies(context.architecture, frozenset()) for item in group):
                dropped[group[0].name] = _PROFILE
            continue
        chosen = _choice(useful, context)
        package = context.packages.get(chosen.name, Package())
        if is_library(chosen, package):
            variant = _variant(chosen.name)
            if variant in context.variants:
                at_hand.append(chosen.name)
            elif context.coming.get(variant, source.name) != source.name:
                coming[chosen.name] = context.coming[variant]
            else:
                missing[chosen.name] = package.source
        elif Known(section=package.section, typesets=False).is_for_documents:
            dropped[chosen.name] = _DOCUMENT
        else:
            tools[chosen.name] = package.installed
    return Needs(
        at_hand=tuple(dict.fromkeys(at_hand)),
        coming=coming,
        missing=missing,
        tools=tools,
        dropped=dropped,
    )


def is_library(relation: Relation, package: Package) -> bool:
    """Whether it is a library of the target, for which a variant stands."""
    if relation.qualifier == "native" or is_variant_name(relation.name):
        return is_variant_name(relation.name)
    if not has_variant(relation.name) or is_binding(relation.name):
        return False
    if package.multi_arch == "foreign":
        return False
    section = package.section.rpartition("/")[2]
    # Where apt does not know it, the name has to do.
    return section not in _OTHER_LANGUAGES and section in {"", "libdevel", "oldlibs"}


def all_names(source: HasBuildDepends) -> frozenset[str]:
    """The names of all Build-Depends, for a look-up."""
    return frozenset(relation.name for group in _groups(source) for relation in group)


def _groups(source: HasBuildDepends) -> Iterator[list[Relation]]:
    """The relations, each as its alternatives."""
    for field in (source.build_depends, source.build_depends_arch):
        for entry in field.split(","):
            group = list(alternatives(entry))
            if group:
                yield group


def _choice(group: Sequence[Relation], context: Context) -> Relation:
    """Of alternatives the first that is there, as a variant, installed, or known, or the first."""
    for relation in group:
        variant = _variant(relation.name)
        if variant in context.variants or variant in context.coming:
            return relation
    for relation in group:
        if context.packages.get(relation.name, Package()).installed:
            return relation
    return next((relation for relation in group if relation.name in context.packages), group[0])


def _variant(name: str) -> str:
    return name if is_variant_name(name) else variant_name(name)


def find_depends_risks(
    source: SourcePackage,
    candidates: Iterable[Candidate],
    files: Files,
    needs: Needs,
    context: Context,
) -> Iterator[Risk]:
    """What stands in the way for want of a library's variant, or of a package at all.

    A library is needed where configure, cmake or meson ends without it; or where a -dev package
    of the source depends on it, and there is no switch by its name. Of others the build is
    repeated without the feature.
    """
    required = set(required_variants(source, candidates, context.architecture))
    for name, maker in needs.missing.items():
        evidence = _insists(name, files)
        depends = _variant(name) in required and not _has_switch(name, files)
        where = f"of the source {maker}" if maker else "which no source that apt knows makes"
        if depends or evidence:
            yield Risk(
                name="needs-variant",
                severity=Severity.BLOCKER,
                subject=f"needs {_variant(name)} {where}",
                evidence=(evidence or evidence_for(source, files, name),),
            )
        else:
            yield Risk(
                name="lost-library",
                severity=Severity.LOST,
                subject=f"what {name} is for",
                evidence=(evidence_for(source, files, name),),
            )
    for name, installed in needs.tools.items():
        if not installed:
            known = bool(context.packages.get(name, Package()).source)
            yield Risk(
                name="tool-missing",
                severity=Severity.WATCH,
                subject=f"{name} is not installed"
                + ("" if known else ", and apt does not know it"),
                evidence=(evidence_for(source, files, name),),
            )


def _stems(package: str) -> tuple[str, ...]:
    """What configure may call the library of ``package``: ``libgmp3-dev`` is ``gmp``."""
    full = package.removesuffix("-dev")
    plain = full.removeprefix("lib")
    short = re.sub(r"(?<=[a-z])[-\d.]+$", "", plain)
    short = re.sub(r"\dg$", "", short)
    return tuple(dict.fromkeys(stem for stem in (full, plain, short) if len(stem) > 1))


def _insists(package: str, files: Files) -> Evidence | None:
    """The line by which the build ends without the library of ``package``, if one is seen."""
    names = "|".join(map(re.escape, _stems(package)))
    # Without a third and fourth argument, PKG_CHECK_MODULES ends configure.
    modules = rf"\nPKG_CHECK_MODULES\(\[?\w+\]?,[^,()]*\b(?:{names})[\d.-]*\b[^,()]*\)"
    words = "can't be found|not found|is required|is needed|or later|missing"
    # What is "requested" or "specified" is not, where the variant pass takes the request back.
    near = r"(?:(?!request|support|specif)[^\])]){0,40}"
    asked = r"[^\])]{0,40}(?:request|specif)"
    error = rf"AC_MSG_ERROR\(\[?{near}\b(?:lib)?(?:{names})(?:\.h)?\b{near}(?:{words})(?!{asked})"
    cmake = rf"\n(?i:find_package)[ \t]*\([ \t]*(?i:{names})\b[^()]*\bREQUIRED\b"
    meson = rf"\n\w+[ \t]*=[ \t]*dependency[ \t]*\([ \t]*'(?:lib)?(?:{names})[\d.-]*'"
    patterns = (
        (Use.AUTOCONF, modules),
        (Use.AUTOCONF, error),
        (Use.CMAKE, cmake),
        (Use.MESON, rf"{meson}(?![^()]*(?:required|fallback))"),
    )
    for use, pattern in patterns:
        regex = re.compile(pattern)
        for file in files.of(use):
            place = _found(file, regex)
            if place is not None:
                return file.evidence(place)
    return None


def _has_switch(package: str, files: Files) -> bool:
    """Whether the build system has an option that is called after the library."""
    names = "|".join(map(re.escape, _stems(package)))
    option = re.compile(
        rf"AC_ARG_(?:WITH|ENABLE)\(\s*\[*[\w-]*(?:{names})(?![\w-]*prefix)"
        rf"|\boption[ \t]*\(\s*'?[\w-]*(?i:{names})"
    )
    uses = (Use.AUTOCONF, Use.MESON, Use.CMAKE)
    return any(_found(file, option) is not None for file in files.of(*uses))


def _found(file: File, regex: re.Pattern[str]) -> int | None:
    match = regex.search(file.text)
    return match.end() - 1 if match else None
