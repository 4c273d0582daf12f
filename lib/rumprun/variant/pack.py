# SPDX-License-Identifier: BSD-2-Clause
"""From a variant's tree to its ``.deb``, bit-identical for identical input."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from rumprun.command import run
from rumprun.errors import InputError
from rumprun.source.naming import Kind
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.templates import load_template
from rumprun.variant.harvest import Harvested
from rumprun.variant.relations import VariantRelations


@dataclass(frozen=True, kw_only=True)
class Description:
    """Synopsis and paragraphs of a variant's Description field (Policy 5.6.13)."""

    synopsis: str
    paragraphs: tuple[str, ...]


def pack(
    harvested: Harvested,
    tree: Path,
    source: SourcePackage,
    target: Target,
    relations: VariantRelations,
    *,
    output: Path,
) -> Path:
    """Add documents and control data to the variant's tree and write its ``.deb``.

    ``tree`` is the source tree (for copyright and changelog), ``output`` an existing directory
    for the package.
    """
    root = harvested.root
    _add_documents(root, tree, harvested.candidate.variant, source)
    control = root / "DEBIAN"
    control.mkdir()
    size = _installed_size(root)
    for name, text in (
        ("md5sums", _md5sums(root)),
        ("control", _control(harvested, source, target, relations, size)),
    ):
        (control / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    # Whatever the umask; and the top directory's date changed with the new entry.
    _normalise(root, source.timestamp)
    version = source.version.partition(":")[2] or source.version
    deb = output / f"{harvested.candidate.variant}_{version}_all.deb"
    run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, deb],
        env={
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            # dpkg-deb clamps all dates to it (dpkg-deb(1), ENVIRONMENT).
            "SOURCE_DATE_EPOCH": str(source.timestamp),
        },
    )
    return deb


def describe(harvested: Harvested, source: SourcePackage, target: Target) -> Description:
    """What a variant's Description says, derived from the original's."""
    original = harvested.candidate.original
    if harvested.candidate.kind is Kind.PROGRAM:
        content = "the programs, linked statically"
    else:
        content = "the headers and static libraries"
    return Description(
        synopsis=_shortened(original.description_synopsis or original.name, " (rumprun variant)"),
        paragraphs=(
            f"This is a static variant of {original.name} for unikernels and stub domains,",
            f"compiled for {target.triple}. It contains {content}.",
            f"The source is that of {source.name} {source.version}, as it is in the archive.",
        ),
    )


def _shortened(synopsis: str, mark: str, limit: int = 80) -> str:
    """``synopsis`` with ``mark`` at its end, cut at a word so that the line stays readable."""
    room = limit - len(mark) - 1
    if len(synopsis) > room:
        words = synopsis[: room + 1].rpartition(" ")[0].rstrip(",;:-( ")
        synopsis = words or synopsis[:room]
    return synopsis + mark


def _add_documents(root: Path, tree: Path, variant: str, source: SourcePackage) -> None:
    """The copyright file and the changelog that each package has (Policy 12.5 and 12.7)."""
    documents = root / "usr" / "share" / "doc" / variant
    documents.mkdir(parents=True)
    shutil.copyfile(_copyright_file(tree, source), documents / "copyright")
    changelog = (tree / "debian" / "changelog").read_bytes()
    name = "changelog.Debian.gz" if "-" in source.version else "changelog.gz"
    (documents / name).write_bytes(gzip.compress(changelog, mtime=0))


def _copyright_file(tree: Path, source: SourcePackage) -> Path:
    """The source's own, or what it makes that of when it packs, which a variant pass does not."""
    for name in ("copyright", "copyright.in"):
        path = tree / "debian" / name
        if path.is_file():
            return path
    raise InputError(
        f"{source.name}: no debian/copyright", hint="Policy 12.5 wants one in each package"
    )


def _normalise(root: Path, epoch: int) -> None:
    """Directories 0755, documents 0644, and one date for all."""
    for directory, names, files in os.walk(root, topdown=False):
        for name in files:
            path = Path(directory) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
            os.utime(path, (epoch, epoch), follow_symlinks=False)
        for name in names:
            path = Path(directory) / name
            # A link to a directory leads out of the tree, or to where the walk comes anyway.
            if path.is_symlink():
                os.utime(path, (epoch, epoch), follow_symlinks=False)
            else:
                path.chmod(0o755)
        os.utime(directory, (epoch, epoch))
    root.chmod(0o755)


def _md5sums(root: Path) -> str:
    """The md5sums file that ``dpkg --verify`` reads (deb-md5sums(5))."""
    lines = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and root / "DEBIAN" not in path.parents:
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            lines.append(f"{digest}  {path.relative_to(root)}\n")
    return "".join(lines)


def _installed_size(root: Path) -> int:
    """Installed-Size in KiB, as deb-substvars(5) tells dpkg-gencontrol to count."""
    total = 1  # the top directory
    for path in root.rglob("*"):
        if path == root / "DEBIAN":
            continue
        if path.is_symlink() or path.is_file():
            total += -(-path.lstat().st_size // 1024)
        else:
            total += 1
    return total


def _control(
    harvested: Harvested,
    source: SourcePackage,
    target: Target,
    relations: VariantRelations,
    installed_size: int,
) -> str:
    description = describe(harvested, source, target)
    return load_template("variant.control.j2", trim_blocks=True).render(
        name=harvested.candidate.variant,
        source=source.name,
        version=source.version,
        maintainer=source.maintainer,
        installed_size=installed_size,
        depends=relations.depends,
        provides=relations.provides,
        conflicts=relations.conflicts,
        static_built_using=relations.static_built_using,
        section=harvested.candidate.original.section or "libdevel",
        homepage=source.fields.get("Homepage", ""),
        synopsis=description.synopsis,
        description=description.paragraphs,
    )
