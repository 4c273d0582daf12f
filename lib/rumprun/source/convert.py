# SPDX-License-Identifier: BSD-2-Clause
"""A source package re-issued with ``-rumprun`` packages: the same upstream, a changed debian/."""

from __future__ import annotations

import datetime as dt
import email.utils
import filecmp
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debian.changelog import Changelog
from debian.debian_support import Version

from rumprun import ui
from rumprun.command import CommandFailed, base_environment, run
from rumprun.errors import BuildError, InputError
from rumprun.source.control import read_text, relation_names
from rumprun.source.convert_control import (
    add_build_depends,
    append_stanzas,
    drop_build_depends,
)
from rumprun.source.convert_rules import convert_rules
from rumprun.source.dsc import SourceControl, read_dsc, unpack
from rumprun.source.naming import DEFAULT_DPKG_ARCHITECTURE, Candidate, is_variant_name
from rumprun.source.needs import required_variants
from rumprun.source.package import RulesStyle, SourcePackage, read_source_tree
from rumprun.source.recipe import Kind, Recipe
from rumprun.source.recipe_files import IN_SOURCE, load_recipe
from rumprun.source.recipe_variants import candidates_with, wanted_with
from rumprun.source.stanza import disabling_profile, render_stanzas
from rumprun.workdir import publish, temporary_tree

# Newer than the version it follows, older than that version's next security update, stable
# update, binNMU or revision: -3 < -3+0rumprun1 < -3+b1 < -3+deb12u1 < -3.1 < -4.
VERSION_SUFFIX = "+0rumprun1"

_ADD_ON = "dh-sequence-rumprun"
_PACKAGE = "dh-rumprun"
_SINGLE_BINARY = "dh-sequence-single-binary"

# Who signs the changelog entry where the user did not say: no person, least of all the
# package's maintainer, and not the machine's name, which would differ from place to place.
_AUTHOR = ("rumpdeb convert", "dh-rumprun@packages.debian.org")
_TIMEOUT = 1800.0


@dataclass(frozen=True, kw_only=True)
class Converted:
    """A converted source package: its ``.dsc``, all files, and the variants that it has."""

    dsc: Path
    name: str
    version: str
    files: tuple[Path, ...]
    variants: tuple[str, ...]


def convert(
    dsc: Path,
    *,
    output: Path,
    keep: bool = False,
    recipes: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> Converted:
    """Re-issue the source package ``dsc`` in ``output`` with stanzas for its variants.

    The upstream tarballs and their signatures stay byte for byte what they are; only debian/
    changes. ``environment`` (default: the process's) may say who makes the change, with
    ``DEBFULLNAME`` and ``DEBEMAIL``, and when, with ``SOURCE_DATE_EPOCH``; otherwise the date
    is one second after the original's, so that the result is always the same. ``keep`` leaves
    the work tree. ``recipes`` are files or directories to look in first; a recipe from there
    becomes debian/rumprun.toml.

    Raises :class:`InputError` where the source has nothing to vary or has variants already,
    and whatever :func:`rumprun.source.dsc.unpack` and
    :func:`rumprun.source.package.read_source_tree` raise.
    """
    settings = os.environ if environment is None else environment
    original = read_dsc(dsc)
    with temporary_tree(keep=keep) as work:
        upstream = Version(original.version).upstream_version
        tree = unpack(dsc, work / f"{original.name}-{upstream}")
        source = read_source_tree(tree)
        recipe = load_recipe(source.name, source.version, directories=recipes, tree=tree)
        chosen = _choose(source, recipe)
        timestamp = int(settings.get("SOURCE_DATE_EPOCH") or source.timestamp + 1)
        with ui.step(f"{source.name} {source.version}: adding {len(chosen)} variant package(s)"):
            _change_debian(tree, source, chosen, recipe, _author(settings), timestamp)
            if recipe is not None and recipe != load_recipe(source.name, source.version, tree=tree):
                shutil.copyfile(recipe.origin, tree / IN_SOURCE)
            built = _build(original, tree, work, timestamp)
        files = _publish(built, output)
    return Converted(
        dsc=output / built.path.name,
        name=source.name,
        version=built.version,
        files=files,
        variants=tuple(candidate.variant for candidate in chosen),
    )


def _choose(source: SourcePackage, recipe: Recipe | None) -> tuple[Candidate, ...]:
    present = [binary.name for binary in source.binaries if is_variant_name(binary.name)]
    build_depends = relation_names(f"{source.build_depends}, {source.build_depends_indep}")
    if present or build_depends & {_ADD_ON, _PACKAGE}:
        what = ", ".join(present) or f"a Build-Depends on {_ADD_ON}"
        raise InputError(
            f"{source.name} {source.version} has {what} already", hint="build it as it is"
        )
    chosen = candidates_with(source, recipe)
    if not chosen:
        raise InputError(
            f"{source.name} {source.version} has no library or program to vary",
            hint="its packages are: " + ", ".join(binary.name for binary in source.binaries),
        )
    return chosen


def _change_debian(
    tree: Path,
    source: SourcePackage,
    chosen: Sequence[Candidate],
    recipe: Recipe | None,
    author: tuple[str, str],
    timestamp: int,
) -> None:
    debian = tree / "debian"
    for name in ("control", "rules", "changelog"):
        # A hostile source could point us at a file outside of it.
        if not (debian / name).resolve().is_relative_to(tree.resolve()):
            raise InputError(f"{debian / name}: leads out of the source package")
    control = debian / "control"
    text = drop_build_depends(read_text(control), _SINGLE_BINARY, path=control)
    provider = _ADD_ON if source.rules_style is RulesStyle.DH else _PACKAGE
    profile = f"<!{disabling_profile(source.name)}>"
    needed = _needed(source, chosen, recipe)
    for package in (provider, *needed):
        text = add_build_depends(text, f"{package} {profile}", path=control)
    text = append_stanzas(text, render_stanzas(source, chosen), path=control)
    rules = convert_rules(tree, source)
    entry = _changelog_entry(source, chosen, author, timestamp)
    changelog = read_text(debian / "changelog")
    control.write_text(text, encoding="utf-8")
    (debian / "rules").write_text(rules, encoding="utf-8")
    (debian / "changelog").write_text(f"{entry}\n{changelog}", encoding="utf-8")
    if control.with_name("control.in").exists():
        ui.warn(
            f"{source.name} has debian/control.in: if 'debian/rules clean' makes debian/control"
            " from it, the -rumprun packages have to be added there too"
        )


def _needed(
    source: SourcePackage, chosen: Sequence[Candidate], recipe: Recipe | None
) -> tuple[str, ...]:
    """The variants to build with: all that a recipe names, or what cannot be done without."""
    if recipe is not None and recipe.values(Kind.KEPT):
        return wanted_with(source, recipe)
    return required_variants(source, chosen, DEFAULT_DPKG_ARCHITECTURE)


def _changelog_entry(
    source: SourcePackage,
    chosen: Sequence[Candidate],
    author: tuple[str, str],
    timestamp: int,
) -> str:
    """An entry for the original's distribution; "Local package" says that this is no NMU."""
    changelog = Changelog()
    changelog.new_block(
        package=source.name,
        version=Version(source.version + VERSION_SUFFIX),
        distributions=source.distribution,
        urgency="medium",
        author=f"{author[0]} <{author[1]}>",
        date=email.utils.format_datetime(dt.datetime.fromtimestamp(timestamp, dt.UTC)),
    )
    lines = [
        "",
        "  * Local package: the archive's source, with static variants for rumprun",
        "    unikernels and stub domains added:",
        *(f"    - {candidate.variant}" for candidate in chosen),
        "",
    ]
    for line in lines:
        changelog.add_change(line)
    return str(changelog)


def _author(settings: Mapping[str, str]) -> tuple[str, str]:
    name = settings.get("DEBFULLNAME") or settings.get("NAME") or _AUTHOR[0]
    address = settings.get("DEBEMAIL") or settings.get("EMAIL") or _AUTHOR[1]
    given, parsed = email.utils.parseaddr(address)
    return (given or name) if "DEBFULLNAME" not in settings else name, parsed or address


def _build(original: SourceControl, tree: Path, work: Path, timestamp: int) -> SourceControl:
    """The new source package, in ``work``, checked to have the original's upstream files."""
    native = original.format == "3.0 (native)" or not any(map(_is_upstream, original.files))
    kept = () if native else tuple(filter(_is_upstream, original.files))
    for path in kept:
        shutil.copyfile(path, work / path.name)
    _normalise_modes(tree)
    environment = {**base_environment(), "SOURCE_DATE_EPOCH": str(timestamp)}
    try:
        run(
            ["dpkg-source", "--build", tree.name],
            cwd=work,
            env=environment,
            timeout=_TIMEOUT,
            hint="install dpkg-dev",
        )
    except CommandFailed as failure:
        raise BuildError(
            f"dpkg-source cannot build {original.name} again: {failure.message}", hint=failure.hint
        ) from failure
    (dsc,) = work.glob("*.dsc")
    built = read_dsc(dsc)
    for path in kept:
        copy = work / path.name
        if copy not in built.files or not filecmp.cmp(path, copy, shallow=False):
            raise BuildError(f"{path.name} did not survive the conversion as it was")
    return built


def _normalise_modes(tree: Path) -> None:
    """Undo what the user's umask did to the tree, for modes go into the new tarball."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)


def _is_upstream(path: Path) -> bool:
    """Whether ``path`` is an upstream tarball, or the signature of one (deb-src-control(5))."""
    return ".orig.tar." in path.name or ".orig-" in path.name


def _publish(built: SourceControl, output: Path) -> tuple[Path, ...]:
    """Copy the files into ``output``, the .dsc last; a tarball that is there must be the same."""
    files = (*built.files, built.path)
    for path in filter(_is_upstream, files):
        present = output / path.name
        if present.exists() and not filecmp.cmp(path, present, shallow=False):
            raise InputError(
                f"{present} is there with another content", hint="choose another --output"
            )
    return publish(files, output)
