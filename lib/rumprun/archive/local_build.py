# SPDX-License-Identifier: BSD-2-Clause
"""Builds on this machine itself: from an unpacked source to packages beside their log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rumprun import ui
from rumprun.errors import MissingError
from rumprun.source.build_depends import install_packages, look_up, unmet_build_depends
from rumprun.source.naming import PASS_PROFILES, is_variant_name, variant_name
from rumprun.source.package import SourcePackage
from rumprun.source.recipe import Recipe
from rumprun.source.recipe_files import load_recipe
from rumprun.target.descriptor import Target
from rumprun.variant.build import Built, build_variants
from rumprun.variant.overwrites import check_overwrites
from rumprun.variant.pack import pack
from rumprun.variant.report import render_report
from rumprun.variant.sysroot import Variant, read_pool
from rumprun.variant.variant_pass import PassOptions
from rumprun.workdir import publish


@dataclass(frozen=True, kw_only=True)
class LocalBuild:
    """How sources are built here.

    ``output`` is where packages and logs go, and where the variants lie that builds use, beside
    those in the directories ``variants``; ``recipes`` are directories or files to look in first;
    ``install_deps`` lets apt-get install Build-Depends that are missing, and without
    ``check_builddeps`` nothing looks for them; ``check`` runs the sources' own tests.
    """

    target: Target
    output: Path
    options: PassOptions
    variants: tuple[Path, ...] = ()
    recipes: tuple[Path, ...] = ()
    install_deps: bool = False
    check_builddeps: bool = True
    check: bool = False

    def pool(self) -> dict[str, Variant]:
        """The variants that builds may use."""
        places = (self.output, *self.variants)
        return read_pool(deb for place in places for deb in place.glob("*_all.deb"))

    def build(self, tree: Path, source: SourcePackage, work: Path) -> tuple[Path, ...]:
        """Build and pack ``source``, unpacked in ``tree``, in the empty directory ``work``.

        Its packages appear together, or none does. Raises what
        :func:`rumprun.variant.build.build_variants` raises, and :class:`MissingError` for
        Build-Depends that are not installed.
        """
        pool = self.pool()
        version = source.version.partition(":")[2] or source.version
        stem = f"{source.name}_{version}_{self.target.name}"
        log = self.output / f"{stem}.build"
        log.unlink(missing_ok=True)
        recipe = load_recipe(source.name, source.version, directories=self.recipes, tree=tree)
        if self.check_builddeps:
            provide_build_depends(tree, source, pool, log, recipe, install=self.install_deps)
        with ui.step(f"{source.name} {source.version}: variant for {self.target.triple}"):
            built = build_variants(
                tree,
                source,
                self.target,
                pool,
                work=work,
                log=log,
                options=self.options,
                recipe=recipe,
                check=self.check,
            )
            debs = self._pack(built, tree, source, work / "packages")
            check_overwrites(debs, [item.deb for item in pool.values() if item.deb])
            report = work / f"{stem}.json"
            report.write_text(render_report(built, debs, source, self.target), encoding="utf-8")
            published = publish((*debs, report), self.output)
        if built.own_tests:
            ui.note(f"{source.name}: {built.own_tests}")
        return published[:-1]

    def _pack(
        self, built: Built, tree: Path, source: SourcePackage, directory: Path
    ) -> tuple[Path, ...]:
        directory.mkdir()
        return tuple(
            pack(item.harvested, tree, source, self.target, item.relations, output=directory)
            for item in built.variants
        )


def provide_build_depends(
    tree: Path,
    source: SourcePackage,
    pool: dict[str, Variant],
    log: Path,
    recipe: Recipe | None,
    *,
    install: bool,
) -> None:
    """See that the build machine has what the source wants; libraries come as variants.

    A library that neither is there as a variant does not stop the build, which may do without;
    what the ``recipe`` drops is not looked for.
    """
    missing = [
        name
        for name in unmet_build_depends(
            tree, recipe.profiles() if recipe else PASS_PROFILES, indep=source.is_all
        )
        if (name if is_variant_name(name) else variant_name(name)) not in pool
        or not name.endswith(("-dev", "-rumprun"))
    ]
    missing = [name for name in missing if not (recipe and recipe.drops(name))]
    known = look_up(missing)
    missing = [name for name in missing if name not in known or not known[name].is_for_documents]
    if install and missing:
        with ui.step(f"{source.name}: installing {', '.join(missing)}"):
            install_packages(missing, log=log)
        return
    tools = [name for name in missing if name not in known or not known[name].is_library]
    if tools:
        raise MissingError(
            f"{source.name} needs packages that are not installed: {', '.join(tools)}",
            hint=f"run 'apt-get install {' '.join(tools)}', or give --install-deps",
        )
