# SPDX-License-Identifier: BSD-2-Clause
"""From an unpacked source to audited variants: pass, harvest, audit."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun import ui
from rumprun.errors import AuditError, BuildError, InputError
from rumprun.source.build_depends import without_tools
from rumprun.source.naming import Candidate, original_name, variant_name
from rumprun.source.package import SourcePackage
from rumprun.source.recipe import Recipe
from rumprun.source.recipe_use import (
    RecipeUse,
    check_rules,
    check_used,
    known_features,
    use_in_build,
    use_in_source,
)
from rumprun.source.recipe_variants import candidates_with, wanted_with
from rumprun.target.descriptor import Target
from rumprun.variant.audit import Finding, all_rules, audit_tree
from rumprun.variant.check import OwnTests, run_own_tests
from rumprun.variant.complete import complete
from rumprun.variant.contributed import name_sources
from rumprun.variant.depends import missing_variants
from rumprun.variant.features import Switch
from rumprun.variant.harvest import Harvested, harvest, staged_files
from rumprun.variant.left_out import LeftOut, remove_left_out
from rumprun.variant.linked import read_link_log
from rumprun.variant.listed import read_listed
from rumprun.variant.passes import PassDone, run_passes
from rumprun.variant.recipe_options import with_recipe
from rumprun.variant.relations import VariantRelations, relate
from rumprun.variant.sysroot import Sysroot, Variant, assemble
from rumprun.variant.variant_pass import PassOptions
from rumprun.workdir import remove_tree

# What the audit says of objects that the native compiler made.
_NATIVE = frozenset({"dynamic-object", "foreign-object"})


@dataclass(frozen=True, kw_only=True)
class BuiltVariant:
    """One variant that passed the audit, ready to be packed."""

    harvested: Harvested
    relations: VariantRelations


@dataclass(frozen=True)
class Built:
    """What a build gave: its variants, what had to be switched off, and the recipe's use.

    ``left_out`` are programs that it does without; ``seconds`` is the wall time from the unpacked
    source to audited trees; ``own_tests`` is ``None`` where the source's own tests were not asked
    for.
    """

    variants: tuple[BuiltVariant, ...]
    switches: tuple[Switch, ...]
    recipe_use: RecipeUse
    seconds: float
    own_tests: OwnTests | None = None
    left_out: tuple[LeftOut, ...] = ()


def build_variants(
    tree: Path,
    source: SourcePackage,
    target: Target,
    pool: Mapping[str, Variant],
    *,
    work: Path,
    log: Path,
    options: PassOptions,
    only: Sequence[Candidate] | None = None,
    recipe: Recipe | None = None,
    check: bool = False,
) -> Built:
    """Build the variants of the source that is unpacked in ``tree``, in copies of it.

    A feature whose library is not at hand is switched off, where the source's build system can.
    ``pool`` are variants that the build may use, ``work`` an empty directory, ``log`` the file
    that collects what the build says; ``only`` restricts the candidates; ``check`` runs
    the source's own tests too. Raises :class:`InputError` for a source with nothing to vary and
    for a recipe with a line that changes nothing, :class:`BuildError` for a failed pass,
    :class:`AuditError` with all findings.
    """
    started = time.monotonic()
    recipe = recipe or Recipe(source=source.name, origin="", versions="", entries=())
    _check_recipe(recipe, tree, source)
    options = with_recipe(options, recipe)
    wanted = wanted_with(source, recipe, target.dpkg_architecture, options.profiles)
    job = _Job(
        tree=tree,
        source=source,
        target=target,
        work=work,
        log=log,
        recipe=recipe,
        chosen=_chosen(source, target, recipe, only),
        wanted=wanted,
        sysroot=assemble(wanted, pool, work / "sysroot", target),
    )
    stage, options = job.staged(options)
    _refuse(source, [f for f in stage.findings if not recipe.allows(f.rule, f.file)])
    use = _recipe_use(recipe, stage.done.tree, source, log, stage.findings)
    seconds = time.monotonic() - started
    own_tests = job.own_tests(options) if check else None
    return Built(
        job.related(stage), options.switches, use, seconds, own_tests, left_out=stage.left_out
    )


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """What a pass staged, sorted into variants and judged."""

    done: PassDone
    harvested: tuple[Harvested, ...]
    findings: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, kw_only=True)
class _Job:
    """All that stays the same from one attempt to build a source to the next."""

    tree: Path
    source: SourcePackage
    target: Target
    work: Path
    log: Path
    recipe: Recipe
    chosen: tuple[Candidate, ...]
    wanted: tuple[str, ...]
    sysroot: Sysroot

    def staged(self, options: PassOptions) -> tuple[_Stage, PassOptions]:
        """The stage, with the target's gcc as plain gcc if need be, and the options for it."""
        stage = self._stage(options)
        if any(finding.rule in _NATIVE for finding in stage.findings):
            reason = "with plain gcc being the target's: some of the source calls it by that name"
            ui.note(f"{self.source.name}: once more, {reason}")
            options = dataclasses.replace(options, plain_tools=True)
            stage = self._stage(options)
        done = stage.done
        return stage, dataclasses.replace(options, switches=done.switches, left_out=done.headers)

    def _stage(self, options: PassOptions) -> _Stage:
        """Run the pass, harvest and audit."""
        try:
            done = run_passes(
                self.tree,
                self.source,
                self.target,
                self.sysroot,
                work=self.work,
                log=self.log,
                options=options,
            )
        except BuildError as error:
            raise _with_missing(error, self.wanted, self.sysroot) from error
        left_out = remove_left_out(done.tree, self.source) if done.headers else ()
        for item in left_out:
            ui.note(f"{self.source.name}: {item}")
        harvested = self._harvest(done.tree)
        if not harvested:
            raise BuildError(
                f"{self.source.name}: the variant pass staged no static library and no program",
                hint=f"see {self.log}",
            )
        complete(harvested, self.target, self.sysroot)
        name_sources(harvested, self.source, self.target, self.sysroot)
        forbidden = (str(self.tree), str(self.work))
        findings = _audit(harvested, self.target, self.sysroot, forbidden=forbidden)
        return _Stage(done=done, harvested=harvested, findings=findings, left_out=left_out)

    def _harvest(self, tree: Path) -> tuple[Harvested, ...]:
        output = self.work / "variants"
        remove_tree(output)
        prefix = str(self.target.prefix)
        return harvest(
            tree,
            self.source,
            self.chosen,
            self.target,
            output=output,
            replacements={str(self.sysroot.path): prefix} if self.sysroot.path else {},
            listed={
                **read_listed(tree, self.chosen),
                **{variant.name: variant.files for variant in self.recipe.own_variants},
            },
            excluded=self.recipe.excludes,
            strip="nostrip" not in os.environ.get("DEB_BUILD_OPTIONS", "").split(),
        )

    def related(self, stage: _Stage) -> tuple[BuiltVariant, ...]:
        """The variants of ``stage`` with their relations."""
        siblings = [item.candidate for item in stage.harvested]
        links = read_link_log(stage.done.link_log)
        return tuple(
            BuiltVariant(
                harvested=item,
                relations=relate(item, siblings, self.source, self.sysroot, links, self.target),
            )
            for item in stage.harvested
        )

    def own_tests(self, options: PassOptions) -> OwnTests:
        """How the source's own tests go, in a build of their own."""
        return run_own_tests(
            self.tree,
            self.source,
            self.target,
            self.sysroot,
            work=self.work / "check",
            log=self.log.with_suffix(".check"),
            options=options,
        )


def _check_recipe(recipe: Recipe, tree: Path, source: SourcePackage) -> None:
    """See that ``recipe`` has something to do for ``source``, before anything is built."""
    check_rules(recipe, [rule.name for rule in all_rules()])
    check_used(_use_in_source(recipe, tree, source))


def _use_in_source(recipe: Recipe, tree: Path, source: SourcePackage) -> RecipeUse:
    return use_in_source(recipe, source, rules_text=_rules_text(tree))


def _recipe_use(
    recipe: Recipe, tree: Path, source: SourcePackage, log: Path, findings: Sequence[Finding]
) -> RecipeUse:
    """What the build made of ``recipe``; a line that changed nothing is an error."""
    if not recipe.entries:
        return RecipeUse(recipe=recipe, used=(), unused=())
    use = use_in_build(
        recipe,
        log_text=log.read_text(encoding="utf-8", errors="replace"),
        features=known_features(tree),
        staged=[str(file.name) for file in staged_files(tree, source)],
        findings=[(finding.rule, finding.file) for finding in findings],
    )
    check_used(use)
    before = _use_in_source(recipe, tree, source)
    return dataclasses.replace(use, used=(*before.used, *use.used))


def _chosen(
    source: SourcePackage, target: Target, recipe: Recipe, only: Sequence[Candidate] | None
) -> tuple[Candidate, ...]:
    found = candidates_with(source, recipe, target.dpkg_architecture)
    chosen = tuple(only) if only is not None else found
    if not chosen:
        raise InputError(
            f"{source.name} has no library or program to vary",
            hint="variants are made of -dev packages and of packages with programs",
        )
    return chosen


def _rules_text(tree: Path) -> str:
    path = tree / "debian" / "rules"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _with_missing(error: BuildError, wanted: Sequence[str], sysroot: Sysroot) -> BuildError:
    """A failed build's error, with the variants that were not at hand: often the cause."""
    originals = map(original_name, missing_variants(wanted, sysroot))
    missing = [variant_name(name) for name in without_tools(originals)]
    if not missing:
        return error
    names = ", ".join(missing)
    return BuildError(
        error.message,
        hint=f"{error.hint}; no variant was at hand of what it may need: {names}"
        " (build those first, into the same --output)",
    )


def _audit(
    harvested: Sequence[Harvested],
    target: Target,
    sysroot: Sysroot,
    *,
    forbidden: Sequence[str],
) -> tuple[Finding, ...]:
    """Audit each variant against its siblings and what the build used."""
    findings: list[Finding] = []
    for item in harvested:
        closure = [
            other.root / target.prefix.relative_to("/") for other in harvested if other != item
        ]
        if sysroot.path:
            closure.append(sysroot.path)
        findings += audit_tree(
            item.root,
            target=target,
            closure=closure,
            forbidden_paths=forbidden,
            package=item.candidate.variant,
        )
    return tuple(findings)


def _refuse(source: SourcePackage, findings: Sequence[Finding]) -> None:
    if findings:
        lines = "\n".join(
            f"{f.package}: {f.file}: {f.rule}: {f.detail}\n    {f.remedy}" for f in findings
        )
        raise AuditError(
            f"{source.name} {source.version}: {len(findings)} audit findings:\n{lines}"
        )
