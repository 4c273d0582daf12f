# SPDX-License-Identifier: BSD-2-Clause
"""``dh_rumprun`` and ``dh_rumprun_prepare``: the variant pass as a debhelper command."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from rumprun.bake.packaging import bake_package, manifest_of
from rumprun.cli.outcome import exit_status_of
from rumprun.cli.target_option import FIELD, chosen_target
from rumprun.command import base_environment, run
from rumprun.errors import InputError
from rumprun.source.naming import Candidate, Kind, is_variant_name, original_name
from rumprun.source.package import SourcePackage, read_source_tree
from rumprun.source.recipe import Recipe
from rumprun.source.recipe_files import load_recipe
from rumprun.source.recipe_variants import own_candidates
from rumprun.variant.build import BuiltVariant, build_variants
from rumprun.variant.copy import DEBHELPER_DIRECTORY, clean_copy, keep_copy
from rumprun.variant.install import install
from rumprun.variant.sysroot import read_pool
from rumprun.variant.variant_pass import PassOptions
from rumprun.workdir import remove_tree

_USAGE = """Usage: dh_rumprun [debhelper options] [-- configure arguments]

Builds the source a second time, for the rumprun target, and puts the result into the
-rumprun packages that are being built; then bakes the images of packages that have a
debian/<package>.rumprun-bake. See dh_rumprun(1)."""

_PARALLEL = re.compile(r"parallel=(\d+)")


def prepare_main(argv: Sequence[str] | None = None) -> int:
    """Keep a copy of the source tree, as it is, for the variant pass."""
    words = list(sys.argv[1:] if argv is None else argv)
    return exit_status_of(lambda: _prepare(words))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the variant pass and fill the packages acted on; without such packages do nothing."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "--help" in words:
        print(_USAGE)
        return 0
    return exit_status_of(lambda: _run(words))


def _prepare(words: list[str]) -> int:
    if _variants_among(_packages_acted_on(words)):
        keep_copy(Path())
    return 0


def _run(words: list[str]) -> int:
    options, configure = _split(words)
    if "--no-act" in options or os.environ.get("DH_NO_ACT"):
        return 0
    tree = Path().absolute()
    packages = _packages_acted_on(options)
    variants = _variants_among(packages)
    if variants:
        _fill(tree, variants, configure)
    for package in packages:
        manifest = manifest_of(tree, package)
        if manifest:
            _need_cache(tree)
            bake_package(tree, package, manifest)
    return 0


def _need_cache(tree: Path) -> None:
    """Builders give a home that is not there (sbuild, pbuilder): then the tree has the cache."""
    if "XDG_CACHE_HOME" not in os.environ and not os.access(Path.home(), os.W_OK):
        os.environ["XDG_CACHE_HOME"] = str(tree / DEBHELPER_DIRECTORY / "cache")


def _fill(tree: Path, names: list[str], configure: list[str]) -> None:
    """Make the variants ``names`` and put them into their packages."""
    source = read_source_tree(tree)
    recipe = load_recipe(source.name, source.version, tree=tree)
    chosen = _chosen(source, names, recipe)
    target = chosen_target(stanza=source.fields.get(FIELD, ""))
    work = tree / DEBHELPER_DIRECTORY / "work"
    remove_tree(work)
    work.mkdir(parents=True)
    log = tree / DEBHELPER_DIRECTORY / "variant-pass.log"
    log.unlink(missing_ok=True)
    built = build_variants(
        clean_copy(tree, work / "source"),
        source,
        target,
        read_pool(_extra_debs()),
        work=work,
        log=log,
        options=PassOptions(jobs=_jobs(), configure=tuple(configure), echo=True),
        only=chosen,
        recipe=recipe,
    )
    _require_all(chosen, built.variants)
    for item in built.variants:
        install(item, tree)
    remove_tree(work)


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """The options for debhelper, and the arguments for configure after ``--``."""
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _packages_acted_on(options: list[str]) -> list[str]:
    """The packages that the debhelper options at hand select.

    dh_listpackages parses the options, and those of dh in its environment, as any debhelper
    command does.
    """
    environment = {**base_environment(), **os.environ}
    answer = run(["dh_listpackages", *_split(options)[0]], env=environment)
    return answer.stdout.split()


def _variants_among(packages: Sequence[str]) -> list[str]:
    """Those with a manifest are images, whatever their names end with."""
    return [name for name in packages if is_variant_name(name) and not manifest_of(Path(), name)]


def _chosen(
    source: SourcePackage, names: Sequence[str], recipe: Recipe | None
) -> tuple[Candidate, ...]:
    """The candidates for the stanzas ``names``.

    Each is named after a package of the source, or by its ``recipe``.
    """
    own = own_candidates(recipe, source) if recipe else ()
    by_recipe = {candidate.variant: candidate for candidate in own}
    originals = {binary.name: binary for binary in source.binaries}
    chosen = []
    for name in names:
        if name in by_recipe:
            chosen.append(by_recipe[name])
            continue
        original = originals.get(original_name(name))
        if original is None:
            known = sorted(binary for binary in originals if not is_variant_name(binary))
            raise InputError(
                f"debian/control: {name} is a variant of {original_name(name)}, which this"
                " source does not build",
                hint=f"name it after one of: {', '.join(known)}",
            )
        kind = Kind.DEV if original.name.endswith("-dev") else Kind.PROGRAM
        chosen.append(Candidate(original=original, variant=name, kind=kind))
    return tuple(chosen)


def _require_all(chosen: Sequence[Candidate], built: Sequence[BuiltVariant]) -> None:
    made = {item.harvested.candidate.variant for item in built}
    empty = [item.variant for item in chosen if item.variant not in made]
    if empty:
        raise InputError(
            f"the variant pass has nothing for {', '.join(empty)}",
            hint="drop the stanza, or list its files in debian/<package>.rumprun",
        )


def _jobs() -> int:
    found = _PARALLEL.search(os.environ.get("DEB_BUILD_OPTIONS", ""))
    return int(found.group(1)) if found else 1


def _extra_debs() -> list[Path]:
    """Variants that are not installed but lie in the directories of ``RUMPRUN_VARIANTS``."""
    directories = os.environ.get("RUMPRUN_VARIANTS", "").split(":")
    return [deb for name in directories if name for deb in sorted(Path(name).glob("*_all.deb"))]
