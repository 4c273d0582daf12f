# SPDX-License-Identifier: BSD-2-Clause
"""From what the variant pass staged to the trees of the variant packages.

Which variant gets which file follows the source's own binary packages; static libraries that
the source builds but does not package go where its headers and .pc files went.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rumprun.command import run
from rumprun.source.naming import Candidate, Kind
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.layout import destination, library_stem
from rumprun.variant.relocate import names_paths, relocate_text

_AR_MAGIC = (b"!<arch>\n", b"!<thin>\n")
_ELF_MAGIC = b"\x7fELF"


@dataclass(frozen=True, kw_only=True)
class Harvested:
    """A variant's files, in a tree that is laid out as the package will be."""

    candidate: Candidate
    root: Path


@dataclass(frozen=True, kw_only=True)
class _Staged:
    """One file of the stage: where it lies, and its name relative to the package's tree."""

    path: Path
    name: PurePosixPath
    binary: str


def harvest(
    tree: Path,
    source: SourcePackage,
    candidates: Sequence[Candidate],
    target: Target,
    *,
    output: Path,
    replacements: Mapping[str, str],
    strip: bool = True,
) -> tuple[Harvested, ...]:
    """Collect the variants of ``candidates`` from the staged ``tree`` into ``output``.

    ``replacements`` are literal strings that relocated text must lose (see
    :func:`rumprun.variant.relocate.relocate_text`). Candidates with no file are left out.
    """
    plan = assign(staged_files(tree, source), candidates, target)
    found = []
    for candidate in candidates:
        files = plan[candidate.variant]
        if not _is_worth_packing(candidate, files):
            continue
        root = output / candidate.variant
        prefix = root / target.prefix.relative_to("/")
        for relative, staged in sorted(files.items()):
            _place(staged.path, prefix, relative, target, replacements)
        if strip:
            _strip(prefix, target)
        found.append(Harvested(candidate=candidate, root=root))
    return tuple(found)


def _is_worth_packing(candidate: Candidate, files: Iterable[PurePosixPath]) -> bool:
    """A program's data without a program, or a directory of nothing, makes no package."""
    wanted = {"bin", "sbin", "libexec"} if candidate.kind is Kind.PROGRAM else {"include", "lib"}
    return any(place.parts[0] in wanted for place in files)


def staged_files(tree: Path, source: SourcePackage) -> tuple[_Staged, ...]:
    """All files that the pass staged: in the packages' own trees, then in debian/tmp."""
    found = []
    installers = {binary.name for binary in source.binaries if binary.package_type == "udeb"}
    names = [binary.name for binary in source.binaries if binary.name not in installers]
    for binary in [*names, "tmp"]:
        top = tree / "debian" / binary
        for directory, _, files in os.walk(top):
            for file in files:
                path = Path(directory) / file
                name = PurePosixPath(path.relative_to(top))
                found.append(_Staged(path=path, name=name, binary=binary))
    return tuple(sorted(found, key=lambda staged: (staged.binary == "tmp", staged.name)))


def assign(
    staged: Iterable[_Staged], candidates: Sequence[Candidate], target: Target
) -> dict[str, dict[PurePosixPath, _Staged]]:
    """Which file goes where: for each variant, its files by their place below the prefix."""
    by_original = {candidate.original.name: candidate for candidate in candidates}
    plan: dict[str, dict[PurePosixPath, _Staged]] = {c.variant: {} for c in candidates}
    libraries: dict[PurePosixPath, _Staged] = {}
    for file in staged:
        relative = destination(file.name, target)
        if relative is None:
            continue
        library = _library_place(relative, file.path)
        if library is not None:
            # A real archive wins over one that a shared link was translated into.
            libraries.setdefault(library, file)
            if relative == library:
                libraries[library] = _first_packaged(libraries[library], file)
            continue
        if library_stem(relative.name) is not None and relative.parts[0] == "lib":
            continue
        candidate = by_original.get(file.binary)
        if candidate is not None:
            plan[candidate.variant].setdefault(relative, file)
    for relative, file in libraries.items():
        owner = by_original.get(file.binary) or _library_owner(relative, candidates, plan)
        if owner is not None:
            plan[owner.variant][relative] = file
    return plan


def _first_packaged(known: _Staged, other: _Staged) -> _Staged:
    """Of two files for one place: the archive proper, and of those the one in a package."""
    if known.path.suffix != ".a":
        return other
    return known


def _library_place(relative: PurePosixPath, path: Path) -> PurePosixPath | None:
    """The name that the library at ``path`` has in a variant; ``None`` where it is none."""
    if relative.parts[0] != "lib" or path.is_symlink() or not _starts_with(path, _AR_MAGIC):
        return None
    if relative.suffix == ".a":
        return relative
    stem = library_stem(relative.name)
    return relative.with_name(f"{stem}.a") if stem and len(relative.parts) == 2 else None


def _library_owner(
    relative: PurePosixPath,
    candidates: Sequence[Candidate],
    plan: Mapping[str, Mapping[PurePosixPath, _Staged]],
) -> Candidate | None:
    """The -dev variant for a library that no -dev package claims."""
    developers = [candidate for candidate in candidates if candidate.kind is Kind.DEV]
    option = f"-l{relative.stem.removeprefix('lib')}"
    for candidate in developers:
        for place, file in plan[candidate.variant].items():
            if place.suffix == ".pc" and option in _words(file.path):
                return candidate
    return developers[0] if developers else None


def _words(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").split()


def _starts_with(path: Path, magics: tuple[bytes, ...]) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(8).startswith(magics)


def _place(
    path: Path,
    prefix: Path,
    relative: PurePosixPath,
    target: Target,
    replacements: Mapping[str, str],
) -> None:
    """Put one file into a variant's tree, relocated, with the modes that Policy 10.9 asks for."""
    place = prefix / relative
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        _place_link(path, place, relative, target)
        return
    if names_paths(relative, path):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        text = relocate_text(text, relative, target, replacements=replacements)
        place.write_text(text, encoding="utf-8", errors="surrogateescape")
    else:
        shutil.copyfile(path, place)
    place.chmod(0o755 if path.stat().st_mode & 0o111 else 0o644)


def _place_link(path: Path, place: Path, relative: PurePosixPath, target: Target) -> None:
    """Keep a symbolic link, pointed at where its target goes; none to what is left out."""
    goal = PurePosixPath(path.readlink())
    if goal.is_absolute():
        moved = destination(PurePosixPath(str(goal).lstrip("/")), target)
        if moved is None:
            return
        goal = PurePosixPath(os.path.relpath(moved, relative.parent))
    place.symlink_to(str(goal))


def _strip(prefix: Path, target: Target) -> None:
    """Drop debugging symbols as dh_strip does, with dates and owners in archives zeroed."""
    tool = target.tool("strip")
    sections = ["--remove-section=.comment", "--remove-section=.note"]
    for path in sorted(prefix.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if _starts_with(path, _AR_MAGIC):
            run([tool, "--strip-debug", "--enable-deterministic-archives", *sections, path])
        elif _starts_with(path, (_ELF_MAGIC,)):
            run([tool, "--strip-unneeded", *sections, path])
