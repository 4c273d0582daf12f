# SPDX-License-Identifier: BSD-2-Clause
"""What a package is linked against: its own files, its dependencies', the toolchain's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from rumprun.command import run
from rumprun.elf_magic import ELF_MAGIC
from rumprun.target.descriptor import Target
from rumprun.variant.audit import archive
from rumprun.variant.audit.symbols import read_symbols

# As many links in a row as Linux follows.
_MAX_LINKS = 40
_GCC_SECONDS = 60.0

# Besides the prefix, dependencies count for links between directories of documentation.
_DOC = PurePosixPath("/usr/share/doc")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One unpacked package: ``sysroot`` is its ``/usr/<triple>``, ``root`` its ``/`` if it has."""

    sysroot: Path
    root: Path | None = None


def layer_of(sysroot: Path, target: Target) -> Layer:
    """The layer of ``sysroot``, with its root where the path shows it."""
    whole = str(sysroot).endswith(str(target.prefix))
    return Layer(sysroot=sysroot, root=sysroot.parents[1] if whole else None)


@dataclass(frozen=True, kw_only=True)
class Closure:
    """All that the files under audit may refer to.

    ``own`` is the audited tree's layer (None for single files), ``others`` the dependencies';
    the toolchain's own sysroot always comes last.
    """

    target: Target
    own: Layer | None = None
    others: tuple[Layer, ...] = ()

    def resolve(self, installed: str) -> Path | None:
        """The real place of an absolute installed path, or None where nothing is there.

        Links are followed as they would be once everything is installed, never on this machine.
        """
        pending = list(reversed(PurePosixPath(installed).parts[1:]))
        done = PurePosixPath("/")
        links = 0
        while pending:
            part = pending.pop()
            if part == "..":
                done = done.parent
                continue
            done /= part
            places = list(self._places(done))
            if not places:
                return None
            if all(place.is_symlink() for place in places):
                links += 1
                if links > _MAX_LINKS:
                    return None
                step = PurePosixPath(places[0].readlink())
                done = PurePosixPath("/") if step.is_absolute() else done.parent
                pending.extend(reversed(step.parts[1:] if step.is_absolute() else step.parts))
        return next(self._places(done), None)

    def _places(self, path: PurePosixPath) -> Iterator[Path]:
        """Where ``path``, whose parents are no links, is in each layer."""
        prefix = PurePosixPath(self.target.prefix)
        inside = path.relative_to(prefix) if path.is_relative_to(prefix) else None
        for layer in [self.own] if self.own else []:
            place = layer.root / path.relative_to("/") if layer.root else layer.sysroot
            if os.path.lexists(place):
                yield place
        for layer in self.others:
            if inside is not None:
                place = layer.sysroot / inside
            elif layer.root and (path.is_relative_to(_DOC) or _DOC.is_relative_to(path)):
                place = layer.root / path.relative_to("/")
            else:
                continue
            if os.path.lexists(place):
                yield place
        if inside is not None or prefix.is_relative_to(path):
            place = self.target.root / path.relative_to("/")
            # The toolchain links to the C library's own package: on this machine, rightly.
            if place.exists():
                yield place.resolve() if inside is not None else place

    @cached_property
    def gcc_directory(self) -> Path:
        """Where the compiler's own libraries and start files are."""
        argv: list[str | Path] = [self.target.tool("gcc"), "-print-libgcc-file-name"]
        return Path(run(argv, timeout=_GCC_SECONDS).stdout.strip()).parent

    @cached_property
    def libraries(self) -> tuple[Path, ...]:
        """Every archive of the dependencies, the toolchain and the compiler that ld could use."""
        found = {self.gcc_directory / name for name in ("libgcc.a", "libgcc_eh.a")}
        for layer in (*self.others, Layer(sysroot=self.target.sysroot)):
            found.update(_archives(layer.sysroot / "lib"))
        return tuple(sorted(path for path in found if path.exists()))

    @cached_property
    def definers(self) -> dict[str, str]:
        """Symbols that the dependencies, the toolchain and the start files define, and where."""
        starts = [
            *(self.target.sysroot / "lib").glob("*.o"),
            *self.gcc_directory.glob("crt*.o"),
        ]
        files = read_symbols((*self.libraries, *sorted(starts)), self.target)
        definers: dict[str, str] = {}
        for path, symbols in files.items():
            for name in symbols.defined():
                definers.setdefault(name, path.name)
        return definers

    def find_library(self, name: str, directories: Sequence[str] = ()) -> Path | None:
        """The archive that ``-l name`` finds, with ``directories`` as ``-L`` gave them.

        The target's ld also takes an archive that is called ``lib<name>.so``.
        """
        prefix = str(self.target.prefix / "lib")
        for directory in (*directories, prefix):
            for file in _candidates(name):
                found = self.resolve(f"{directory}/{file}")
                if found and is_archive(found):
                    return found
        for file in _candidates(name):
            if name in ("gcc", "gcc_eh") and (self.gcc_directory / file).is_file():
                return self.gcc_directory / file
        return None


def _candidates(name: str) -> tuple[str, ...]:
    if name.startswith(":"):
        return (name[1:],)
    return (f"lib{name}.a", f"lib{name}.so")


def is_archive(path: Path) -> bool:
    """Whether ``path`` is a file that holds its objects itself, or a linker script."""
    try:
        with path.open("rb") as stream:
            magic = stream.read(8)
    except OSError:
        return False
    return magic == archive.MAGIC or (not magic.startswith(ELF_MAGIC) and path.suffix == ".a")


def _archives(directory: Path) -> Iterator[Path]:
    for here, _, names in os.walk(directory):
        for name in names:
            path = Path(here) / name
            if (name.endswith(".a") or ".so" in name) and _has_magic(path):
                yield path


def _has_magic(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return path.is_file() and stream.read(8) == archive.MAGIC
    except OSError:
        return False
