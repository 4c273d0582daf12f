# SPDX-License-Identifier: BSD-2-Clause
"""Which sources linked files came from, as far as this machine can tell for sure.

A program names the archives that it was linked with, and their checksums. Where the same file is
still there and a package owns it, that package's source is the one; an archive that has changed
since then is known by name alone.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rumprun import paths, ui
from rumprun.contributions import Contributions, LinkedFile, Source, read_contributions, resolved
from rumprun.errors import InputError
from rumprun.source.installed import InstalledPackage, owners_of
from rumprun.target.descriptor import Target
from rumprun.version import VERSION

OWN_SOURCE = "dh-rumprun"

# Where scripts/lwip unpacks lwIP's variant, with a note of its source.
_UNPACKED = paths.DATA / "build" / "lwip"


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What is known of a program: its own source, and what it contains.

    ``contributions`` is None where the program does not say, ``linked`` then has the sources that
    its package names, or nothing.
    """

    source: Source | None = None
    contributions: Contributions | None = None
    linked: tuple[Source, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What this machine knows: the places of linked files, and the packages that own files."""

    places: Mapping[str, Path]
    owners: Mapping[Path, InstalledPackage]

    def owner_of(self, path: Path) -> InstalledPackage | None:
        """The package of ``path``, which may be a link to the package's file."""
        return self.owners.get(path) or self.owners.get(path.resolve())

    def source_of(self, file: LinkedFile) -> Source | None:
        """The source of ``file``, without its version where the file is another one by now."""
        path = self.places.get(file.file)
        if path is None:
            return None
        source = self._maker_of(path)
        if source and file.crc32 and file.crc32 != crc32_of(path):
            return Source(name=source.name, version=None)
        return source

    def _maker_of(self, path: Path) -> Source | None:
        package = self.owner_of(path)
        if package is None:
            return _built_here(path)
        if len(package.built_using) == 1:
            ((name, version),) = package.built_using
            return Source(name=name, version=version)
        return Source(name=package.source, version=package.source_version)


def trace_programs(programs: Iterable[Path], target: Target) -> dict[Path, Provenance]:
    """What is known of each of ``programs``; asks dpkg once, for all of them."""
    said = {program: _said_by(program) for program in programs}
    files = {file.file for found in said.values() if found for file in found.linked}
    machine = look_around(files, [*said], target)
    return {program: _trace(program, found, machine) for program, found in said.items()}


def look_around(files: Iterable[str], others: Iterable[Path], target: Target) -> Machine:
    """What this machine knows of linked ``files``, and of ``others``, by their paths."""
    places = {name: place for name in files if (place := _place_of(name, target))}
    known = [*places.values(), *others]
    owners = owners_of([path.absolute() for path in known] + [path.resolve() for path in known])
    return Machine(places=places, owners=owners)


def crc32_of(path: Path) -> str:
    """The CRC-32 of a file as the driver writes it."""
    return f"{zlib.crc32(path.read_bytes()):08x}"


def _said_by(program: Path) -> Contributions | None:
    try:
        return read_contributions(program)
    except InputError as error:
        ui.warn(f"{error.message}: what is in it counts as unknown")
        return None


def _place_of(name: str, target: Target) -> Path | None:
    """Where a linked file is: one that is relative, below the toolchain's prefix or variants'."""
    if "/" not in name:
        # What the pvh board's base is linked with, in a checkout.
        path = _UNPACKED / target.prefix.relative_to("/") / "lib" / name
        return path if paths.IN_TREE and path.is_file() else None
    for top in (target.sysroot, target.prefix):
        # An absolute name stays as it is.
        path = top / name
        if path.is_file():
            return path
    return None


def _built_here(path: Path) -> Source | None:
    """The source of what a checkout has built itself, and so no package owns."""
    built = paths.DATA / "build"
    note = _UNPACKED / "source"
    if path.is_relative_to(_UNPACKED) and note.is_file():
        name, _, version = note.read_text(encoding="ascii").strip().partition(" ")
        return Source(name=name, version=version)
    ours = (built / "boards", built / "toolchain")
    if not paths.IN_TREE or not any(path.resolve().is_relative_to(place) for place in ours):
        return None
    cxx = built / "toolchain-c++"
    if not (cxx / "stage" / "lib" / path.name).is_file():
        return Source(name=OWN_SOURCE, version=VERSION)
    # toolchain/build-libstdcxx notes what it is made of: "gcc-12-source 12.2.0-14".
    package, _, version = (cxx / "inputs").read_text(encoding="utf-8").split("\n")[0].partition(" ")
    return Source(name=package.removesuffix("-source"), version=version)


def _trace(program: Path, said: Contributions | None, machine: Machine) -> Provenance:
    package = machine.owner_of(program.absolute())
    own = Source(name=package.source, version=package.source_version) if package else None
    named = dict(package.static_built_using) if package else {}
    if said is None:
        linked = tuple(Source(name=name, version=version) for name, version in named.items())
        return Provenance(source=own or _built_here(program), linked=linked)

    maker = said.source or own or _built_here(program)

    def resolve(file: LinkedFile) -> Source | None:
        source = machine.source_of(file)
        if source and source.version is None and source.name in named:
            return Source(name=source.name, version=named[source.name])
        # An archive of the build that the program comes from.
        return source or (maker if "/" not in file.file else None)

    return Provenance(
        source=maker, contributions=dataclasses.replace(resolved(said, resolve), source=maker)
    )
