# SPDX-License-Identifier: BSD-2-Clause
"""From what the variant pass staged to the trees of the variant packages.

Which variant gets which file follows the source's own binary packages; static libraries that
the source builds but does not package go where its headers and .pc files went.
"""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rumprun.command import run
from rumprun.elf_magic import ELF_MAGIC
from rumprun.errors import InputError
from rumprun.source.naming import Candidate, Kind
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.layout import destination, is_shared, library_stem
from rumprun.variant.listed import matches, unmatched
from rumprun.variant.relocate import names_paths, relocate_text

_AR_MAGIC = (b"!<arch>\n", b"!<thin>\n")


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
    listed: Mapping[str, Sequence[str]],
    excluded: Callable[[PurePosixPath], bool] = lambda _name: False,
    strip: bool = True,
) -> tuple[Harvested, ...]:
    """Collect the variants of ``candidates`` from the staged ``tree`` into ``output``.

    ``replacements`` are literal strings that relocated text must lose (see
    :func:`rumprun.variant.relocate.relocate_text`). ``listed`` has the patterns of the variants
    whose files the maintainer chose; files for which ``excluded`` holds are left out. Candidates
    with no file are left out too.
    """
    staged = [file for file in staged_files(tree, source) if not excluded(file.name)]
    plan = assign(staged, candidates, target)
    for variant, patterns in listed.items():
        plan[variant] = select(staged, variant, patterns, target)
    found = []
    for candidate in candidates:
        files = plan[candidate.variant]
        if not files or not (candidate.variant in listed or _is_worth_packing(candidate, files)):
            continue
        root = output / candidate.variant
        prefix = root / target.prefix.relative_to("/")
        for relative, file in sorted(files.items()):
            _place(file, prefix, relative, target, replacements)
        _settle(prefix, target)
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
        for directory, directories, files in os.walk(top):
            for file in [*files, *directories]:
                path = Path(directory) / file
                # Links to directories count as files; devices and pipes are nothing to ship.
                if path.is_symlink() or path.is_file():
                    name = PurePosixPath(path.relative_to(top))
                    found.append(_Staged(path=path, name=name, binary=binary))
    return tuple(sorted(found, key=lambda staged: (staged.binary == "tmp", staged.name)))


def assign(
    staged: Sequence[_Staged], candidates: Sequence[Candidate], target: Target
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
            libraries[library] = _preferred_library(libraries.get(library), file)
            continue
        owner = by_original.get(file.binary)
        if is_shared(relative.name) and relative.parts[0] in ("lib", "libexec"):
            if file.path.is_symlink() or not _starts_with(file.path, (ELF_MAGIC,)):
                continue
            # Our compiler makes none, so another one did: keep it for the audit to refuse.
            owner = owner or next(iter(candidates), None)
        if owner is not None:
            known = plan[owner.variant].get(relative)
            plan[owner.variant][relative] = _preferred_file(known, file)
    for relative, file in libraries.items():
        owner = by_original.get(file.binary)
        if owner is None or owner.kind is not Kind.DEV:
            owner = _library_owner(relative, candidates, plan)
        if owner is not None:
            plan[owner.variant][relative] = file
    _bring_link_targets(plan, staged, target)
    return plan


def _bring_link_targets(
    plan: Mapping[str, dict[PurePosixPath, _Staged]], staged: Iterable[_Staged], target: Target
) -> None:
    """Add the programs that a variant has a link to, and that a package without variant has.

    Such are GLib's tools, which its library package keeps for its own triggers.
    """
    by_name = {file.name: file for file in staged}
    placed = {place for files in plan.values() for place in files}
    for files in plan.values():
        for link in [file for file in files.values() if file.path.is_symlink()]:
            name = PurePosixPath(posixpath.normpath(link.name.parent / link.path.readlink()))
            file = by_name.get(PurePosixPath(str(name).lstrip("/")))
            place = destination(file.name, target) if file else None
            if file is None or place is None or place in placed or is_shared(place.name):
                continue
            if file.path.is_file() and not file.path.is_symlink():
                files[place] = file
                placed.add(place)


def _preferred_library(known: _Staged | None, other: _Staged) -> _Staged:
    """Of two archives for one place: the archive proper, not one that a shared link became."""
    if known is None or (known.path.suffix != ".a" and other.path.suffix == ".a"):
        return other
    return known


def _preferred_file(known: _Staged | None, other: _Staged) -> _Staged:
    """Of two files for one place, such as a header and a link to it: the file proper."""
    if known is None or (known.path.is_symlink() and not other.path.is_symlink()):
        return other
    return known


def select(
    staged: Iterable[_Staged], variant: str, patterns: Sequence[str], target: Target
) -> dict[PurePosixPath, _Staged]:
    """The files that a maintainer's ``patterns`` choose, by their place below the prefix.

    Raises :class:`InputError` for a pattern that covers no staged file.
    """
    files = {file.name: file for file in reversed(tuple(staged))}
    idle = unmatched(files, patterns)
    if idle:
        raise InputError(
            f"debian/{variant}.rumprun: nothing staged matches {', '.join(idle)}",
            hint="patterns are relative to the staged tree, such as usr/lib/*/libz.a",
        )
    chosen = {}
    for name, file in files.items():
        relative = destination(name, target)
        if relative is not None and any(matches(name, pattern) for pattern in patterns):
            chosen[_library_place(relative, file.path) or relative] = file
    return chosen


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
            if place.suffix == ".pc" and file.path.is_file() and option in _words(file.path):
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
    file: _Staged,
    prefix: Path,
    relative: PurePosixPath,
    target: Target,
    replacements: Mapping[str, str],
) -> None:
    """Put one file into a variant's tree, relocated, with the modes that Policy 10.9 asks for."""
    path, place = file.path, prefix / relative
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        _place_link(file, place, relative, target)
        return
    if names_paths(relative, path):
        # By bytes: a script may carry data in which a line's end must stay what it is.
        text = path.read_bytes().decode("utf-8", errors="surrogateescape")
        text = relocate_text(text, relative, target, replacements=replacements)
        place.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    else:
        shutil.copyfile(path, place)
    place.chmod(0o755 if path.stat().st_mode & 0o111 else 0o644)


def _place_link(file: _Staged, place: Path, relative: PurePosixPath, target: Target) -> None:
    """Keep a symbolic link, pointed at where its goal goes; none to what is left out."""
    goal = PurePosixPath("/", file.name.parent, file.path.readlink()).relative_to("/")
    moved = destination(goal, target)
    if moved is None:
        # One of the directories that are flattened, such as usr/include itself.
        inside = destination(goal / "any", target)
        moved = inside.parent if inside else None
    if moved is not None and moved != relative:
        place.symlink_to(os.path.relpath(moved, relative.parent))


def _settle(prefix: Path, target: Target) -> None:
    """Take the build's directories out of what translated archives record of their libraries."""
    archives = [path for path in sorted(prefix.rglob("*.a")) if not path.is_symlink()]
    if archives:
        run([target.shared_link, "--settle", *archives])


def _strip(prefix: Path, target: Target) -> None:
    """Drop debugging symbols as dh_strip does, with dates and owners in archives zeroed."""
    tool = target.tool("strip")
    sections = ["--remove-section=.comment", "--remove-section=.note"]
    for path in sorted(prefix.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if _starts_with(path, _AR_MAGIC):
            run([tool, "--strip-debug", "--enable-deterministic-archives", *sections, path])
        elif _starts_with(path, (ELF_MAGIC,)):
            run([tool, "--strip-unneeded", *sections, path])
