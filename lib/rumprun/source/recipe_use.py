# SPDX-License-Identifier: BSD-2-Clause
"""Which entries of a recipe had an effect, and on what evidence. One that had none is an error.

Part can be told from the source before anything is built, the rest from what the build said,
staged and had found by the audit.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rumprun.errors import InputError
from rumprun.source.control import parse_formula
from rumprun.source.naming import DEFAULT_DPKG_ARCHITECTURE, PASS_PROFILES, candidates
from rumprun.source.package import SourcePackage
from rumprun.source.recipe import Entry, Kind, Recipe, covers
from rumprun.source.relations import Relation, alternatives
from rumprun.wording import nearest, shown

_FEATURE = re.compile(r"--(enable|disable|with|without)-([^=]+)")
_SPECIAL = re.compile(r"[^\w=./:,-]")
_DEFINITION = re.compile(r"-D([^=:]+)")

# Written by autoconf since 2.62: the features that a configure script knows, one a line.
_KNOWN_FEATURES = re.compile(rb"^ac_user_opts='\n(.*?)'$", re.MULTILINE | re.DOTALL)
_AUTOCONF_WARNING = re.compile(r"configure: WARNING: unrecognized options: (.*)")
_AUTOCONF_CHECKS = re.compile(r"^checking ", re.MULTILINE)
_CMAKE_WARNING = re.compile(
    r"Manually-specified variables were not used by the project:\n\n((?: +\S+\n)+)"
)
# What each of the three says whatever it is told, also where commands are not shown.
_CONFIGURED = re.compile(r"^(checking for |-- Configuring |The Meson build system)", re.MULTILINE)
# A command line of one of them, but not one of dh_auto_configure.
_CONFIGURES = re.compile(r"(?:^|[\s/])(configure|cmake|meson)\s")

_ALWAYS_USED = {
    Kind.VARIABLE: "set in the variant pass",
    Kind.BUILD_STEP: "run in the place of build",
    Kind.INSTALL_STEP: "run in the place of binary",
}


@dataclass(frozen=True, kw_only=True)
class Used:
    """An entry that had an effect, and what shows it."""

    entry: Entry
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Unused:
    """An entry that had no effect, and what shows it."""

    entry: Entry
    why: str


@dataclass(frozen=True, kw_only=True)
class RecipeUse:
    """What became of entries of a recipe."""

    recipe: Recipe
    used: tuple[Used, ...]
    unused: tuple[Unused, ...]

    def to_json(self) -> dict[str, object]:
        """The use as a JSON object, for a report."""
        return {
            "origin": self.recipe.origin,
            "used": [
                {"key": u.entry.key, "entry": u.entry.text, "evidence": u.evidence}
                for u in self.used
            ],
            "unused": [
                {"key": u.entry.key, "entry": u.entry.text, "why": u.why} for u in self.unused
            ],
        }


def use_in_source(
    recipe: Recipe,
    source: SourcePackage,
    *,
    rules_text: str,
    dpkg_architecture: str = DEFAULT_DPKG_ARCHITECTURE,
) -> RecipeUse:
    """What can be told before the build: of dropped packages, profiles and variables.

    ``rules_text`` is debian/rules, which may ask for a profile by name. A variable always
    counts as used, for what reads it cannot be told; and so does a step, which is run.
    """
    judged = [
        *_build_depends(recipe, source, dpkg_architecture),
        *_packages(recipe, source, dpkg_architecture),
        *_profiles(recipe, source, rules_text),
        *(Used(entry=e, evidence="set in the variant pass") for e in recipe.of(Kind.VARIABLE)),
        *(Used(entry=e, evidence="run in the place of build") for e in recipe.of(Kind.BUILD_STEP)),
        *(
            Used(entry=e, evidence="run in the place of binary")
            for e in recipe.of(Kind.INSTALL_STEP)
        ),
    ]
    return _sorted_out(recipe, judged)


def use_in_build(
    recipe: Recipe,
    *,
    log_text: str,
    features: frozenset[str] | None,
    staged: Iterable[str],
    findings: Iterable[tuple[str, str]],
) -> RecipeUse:
    """What only the build can tell: of arguments, excluded files and allowed findings.

    ``log_text`` is what the build said; ``features`` see :func:`known_features`; ``staged`` are
    all staged files, relative to their package's trees; ``findings`` are rule and file of all
    that the audit found, those that the recipe allows among them.
    """
    judged = [
        *_arguments(recipe, log_text, features),
        *_staged(recipe, tuple(staged)),
        *_allowed(recipe, tuple(findings)),
    ]
    return _sorted_out(recipe, judged)


def check_used(*uses: RecipeUse) -> None:
    """Raise :class:`InputError` that names each entry without effect, if there is any."""
    unused = [one for use in uses for one in use.unused]
    if not unused:
        return
    named = "; ".join(f"{one.entry.key} {one.entry.text!r}: {one.why}" for one in unused)
    count = "an entry has" if len(unused) == 1 else f"{len(unused)} entries have"
    raise InputError(
        f"{uses[0].recipe.origin}: {count} no effect: {named}",
        hint="remove it" if len(unused) == 1 else "remove them",
    )


def check_rules(recipe: Recipe, known: Iterable[str]) -> None:
    """Raise :class:`InputError` for a rule in ``recipe`` that is none of the audit's, ``known``."""
    names = sorted(known)
    for entry in recipe.of(Kind.ALLOWED):
        if entry.setting not in names:
            raise InputError(
                f"{recipe.origin}: allow[{entry.table}].rule: no rule {shown(entry.setting)}",
                hint=f"{nearest(entry.setting, names)}the rules are {', '.join(names)}",
            )


def known_features(tree: Path) -> frozenset[str] | None:
    """What the configure scripts below ``tree`` know, as ``enable_foo`` and ``with_foo``.

    They are asked because debhelper switches off configure's own warning about others, with
    ``--disable-option-checking``. ``None`` where there is no such script, or one that autoconf
    did not make, which may know anything.
    """
    scripts = [script.read_bytes() for script in tree.rglob("configure") if script.is_file()]
    listed = [_KNOWN_FEATURES.search(script) for script in scripts]
    if not listed or not all(listed):
        return None
    words = (match.group(1).decode("utf-8", errors="replace") for match in listed if match)
    return frozenset(word for text in words for word in text.split())


def unused_configure(
    log_text: str, recipe: Recipe, features: frozenset[str] | None = None
) -> tuple[Unused, ...]:
    """The arguments of ``recipe`` that no configure step took, as its log shows.

    For autoconf, ``features`` are what the source's scripts know; see :func:`known_features`.
    meson itself fails for an option that it does not know.
    """
    judged = _arguments(recipe, log_text, features)
    return tuple(one for one in judged if isinstance(one, Unused))


def _sorted_out(recipe: Recipe, judged: Iterable[Used | Unused]) -> RecipeUse:
    known = tuple(judged)
    return RecipeUse(
        recipe=recipe,
        used=tuple(one for one in known if isinstance(one, Used)),
        unused=tuple(one for one in known if isinstance(one, Unused)),
    )


def _arguments(
    recipe: Recipe, log: str, features: frozenset[str] | None
) -> Iterator[Used | Unused]:
    for entry in recipe.of(Kind.ARGUMENT):
        why = _refusal(entry.value, log, features)
        yield (
            Unused(entry=entry, why=why)
            if why
            else Used(entry=entry, evidence="the configure step took it")
        )


def _refusal(argument: str, log: str, features: frozenset[str] | None) -> str:
    """Why ``argument`` had no effect; empty: it had one, as far as can be told."""
    runs = _runs_with(argument, log)
    if not runs:
        # With DEB_BUILD_OPTIONS=terse the commands are not shown.
        if _CONFIGURES.search(log) or not _CONFIGURED.search(log):
            return "no configure step was given it"
        runs = [log]
    if all(_warns_about(argument, run) for run in runs):
        return "configure does not know it"
    feature = _FEATURE.fullmatch(argument.partition("=")[0])
    if feature and features is not None:
        prefix = feature.group(1).replace("disable", "enable").replace("without", "with")
        name = f"{prefix}_{re.sub('[-+.]', '_', feature.group(2))}"
        if name not in features:
            return f"configure does not know it{_guess(name, features)}"
    return ""


def _guess(name: str, features: Iterable[str]) -> str:
    hint = nearest(name, features)
    return f" ({hint.strip()})" if hint else ""


def _runs_with(argument: str, log: str) -> list[str]:
    """What was said from each command line that has ``argument`` up to the next such."""
    # Up to what would be quoted; to look for it first is quick where a log is long.
    start = _SPECIAL.split(argument, maxsplit=1)[0]
    runs: list[list[str]] = []
    for line in log.splitlines(keepends=True):
        if start in line and _CONFIGURES.search(line) and argument in _words(line):
            runs.append([])
        if runs:
            runs[-1].append(line)
    return ["".join(run) for run in runs]


def _words(line: str) -> list[str]:
    """The words of what may be a command line, however quoted."""
    try:
        return shlex.split(line)
    except ValueError:  # prose with an apostrophe
        return line.split()


def _warns_about(argument: str, run: str) -> bool:
    """Whether a configure step that was given ``argument`` said that it does not know it.

    configure says so first of all; what comes later may be about other scripts.
    """
    start = _AUTOCONF_CHECKS.split(run, maxsplit=1)[0]
    option = argument.partition("=")[0]
    for listed in _AUTOCONF_WARNING.findall(start):
        if option in listed.split(", "):
            return True
    definition = _DEFINITION.match(argument)
    return definition is not None and any(
        definition.group(1) in listed.split() for listed in _CMAKE_WARNING.findall(run)
    )


def _build_depends(
    recipe: Recipe, source: SourcePackage, architecture: str
) -> Iterator[Used | Unused]:
    relations = _build_relations(source)
    declared = {relation.name for relation in relations}
    profiles = recipe.profiles(PASS_PROFILES | {f"pkg.{source.name}.rumprun"})
    wanted = {item.name for item in relations if item.applies(architecture, profiles)}
    for entry in recipe.of(Kind.ADDED):
        if entry.value in wanted:
            yield Unused(entry=entry, why=f"{source.name} build-depends on it anyway")
        else:
            yield Used(entry=entry, evidence=f"{source.name} does not build-depend on it")
    for entry in (*recipe.of(Kind.BUILD_DEPENDS), *recipe.of(Kind.KEPT)):
        if wanted.intersection(entry.names):
            yield Used(entry=entry, evidence=f"{source.name} build-depends on it")
        elif declared.intersection(entry.names):
            yield Unused(entry=entry, why="not wanted in a variant pass anyway")
        else:
            hint = _guess(entry.value, declared)
            yield Unused(entry=entry, why=f"not in Build-Depends of {source.name}{hint}")


def _packages(recipe: Recipe, source: SourcePackage, architecture: str) -> Iterator[Used | Unused]:
    names = {binary.name for binary in source.binaries}
    varied = {item.original.name: item.variant for item in candidates(source, architecture)}
    for variant in recipe.own_variants:
        if variant.of not in names:
            raise InputError(
                f"{recipe.origin}: variant {variant.name}: {variant.of} is no package of"
                f" {source.name}",
                hint=nearest(variant.of, names).strip(),
            )
    for entry in recipe.of(Kind.PACKAGE):
        if entry.value in varied:
            yield Used(entry=entry, evidence=f"else there would be {varied[entry.value]}")
        elif entry.value in names:
            yield Unused(entry=entry, why="gets no variant anyway")
        else:
            hint = _guess(entry.value, names)
            yield Unused(entry=entry, why=f"no package of {source.name}{hint}")


def _profiles(recipe: Recipe, source: SourcePackage, rules_text: str) -> Iterator[Used | Unused]:
    formulas = [relation.profiles for relation in _build_relations(source)]
    formulas += [parse_formula(binary.build_profiles) for binary in source.binaries]
    restricting = {name for formula in formulas for terms in formula for _wanted, name in terms}
    for entry in (*recipe.of(Kind.PROFILE_ADDED), *recipe.of(Kind.PROFILE_REMOVED)):
        in_rules = re.search(rf"(?<![\w.+-]){re.escape(entry.value)}(?![\w.+-])", rules_text)
        if entry.value in restricting:
            yield Used(entry=entry, evidence="debian/control has it in a restriction")
        elif in_rules:
            yield Used(entry=entry, evidence="debian/rules names it")
        else:
            yield Unused(entry=entry, why="neither debian/control nor debian/rules asks for it")


def _staged(recipe: Recipe, staged: tuple[str, ...]) -> Iterator[Used | Unused]:
    """What is said of files: that they are left out, or are a variant's."""
    for entry in (*recipe.of(Kind.EXCLUDED), *recipe.of(Kind.VARIANT)):
        found = sorted(name for name in staged if covers(entry.value, name))
        if found:
            yield Used(entry=entry, evidence=f"{len(found)} staged, such as {found[0]}")
        else:
            yield Unused(entry=entry, why="nothing staged matches")


def _allowed(recipe: Recipe, findings: tuple[tuple[str, str], ...]) -> Iterator[Used | Unused]:
    for entry in recipe.of(Kind.ALLOWED):
        found = sorted(
            file for rule, file in findings if rule == entry.setting and covers(entry.value, file)
        )
        if found:
            yield Used(entry=entry, evidence=f"{len(found)} found, such as {found[0]}")
        else:
            yield Unused(entry=entry, why="the audit has no such finding")


def _build_relations(source: SourcePackage) -> tuple[Relation, ...]:
    fields = (source.build_depends, source.build_depends_arch, source.build_depends_indep)
    return tuple(alternatives(", ".join(field for field in fields if field)))
