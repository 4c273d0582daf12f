# SPDX-License-Identifier: BSD-2-Clause
"""Targets: what variants are compiled for, read from a TOML file each."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rumprun import paths
from rumprun.errors import InputError, MissingError
from rumprun.target.prefix import find_prefix
from rumprun.target.tools import provide_tools

DEFAULT_TARGET = "musl"

# Of the commands that compile.
TARGET_OPTION = "--target"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One target, as its descriptor file says.

    ``elf_programs`` are the ELF types that its programs may have; ``runs_here`` says whether they
    run on the machine that builds them. ``prefix_machine`` is set where the tools are those of an
    installed Rumprun for that machine, see :mod:`rumprun.target.prefix`.

    ``root`` is the directory under which the toolchain's ``usr`` is: ``/`` for an installed
    one. ``prefix`` is where variants install to on the user's machine. ``dpkg_architecture`` is
    DEB_HOST_ARCH of a variant pass, ``dpkg_build_architecture`` its DEB_BUILD_ARCH; the other
    two are lines for dpkg's tables, without their newlines.
    """

    name: str
    description: str
    triple: str
    libc: str
    package: str
    boards: tuple[str, ...]
    elf_class: int
    elf_machine: str
    elf_programs: tuple[str, ...]
    runs_here: bool
    prefix_machine: str | None
    dpkg_architecture: str
    dpkg_build_architecture: str
    dpkg_ostable: tuple[str, ...]
    dpkg_tupletable: tuple[str, ...]
    root: Path

    @property
    def prefix(self) -> Path:
        """Where variants live, mingw-w64 style: ``/usr/<triple>``."""
        return Path("/usr") / self.triple

    @property
    def sysroot(self) -> Path:
        """The toolchain's own ``lib`` and ``include``: :attr:`prefix` below :attr:`root`."""
        return self.root / "usr" / self.triple

    @property
    def bin(self) -> Path:
        """The directory of the prefixed tools."""
        return self.root / "usr" / "bin"

    @property
    def data(self) -> Path:
        """The directory of config.site, the cmake toolchain file and the meson cross file."""
        return self.root / "usr" / "share" / self.package

    @property
    def shared_link(self) -> Path:
        """The program that turns links with ``-shared`` into archives."""
        return self.root / "usr" / "lib" / self.package / "shared_link.py"

    def tool(self, name: str) -> Path:
        """The prefixed tool ``name``, such as ``gcc``.

        Raises :class:`MissingError` where the toolchain is not there.
        """
        path = self.bin / f"{self.triple}-{name}"
        if not path.exists():
            make = paths.IN_TREE and self.prefix_machine is None
            remedy = "run 'make toolchain'" if make else f"install {self.package}"
            raise MissingError(f"no {path.name} in {self.bin}", hint=remedy)
        return path


def load_target(name: str = DEFAULT_TARGET) -> Target:
    """The target called ``name``, with its tools where they are those of an installed prefix.

    Raises :class:`MissingError` for a name that no descriptor has and for a prefix that is not
    there, :class:`InputError` for a descriptor that cannot be read or lacks a key, and for a
    prefix that does not work.
    """
    target = read_descriptor(name)
    if target.prefix_machine is None:
        return target
    if installed_tools(target).is_file():
        return dataclasses.replace(target, root=paths.toolchain_root())
    return dataclasses.replace(target, root=provide_tools(target.name, find_prefix(target.triple)))


def installed_tools(target: Target) -> Path:
    """The driver of a target's toolchain package, which may be installed or not."""
    return paths.toolchain_root() / "usr" / "lib" / target.package / "driver.py"


def read_descriptor(name: str) -> Target:
    """As :func:`load_target`, but nobody looks for tools."""
    for directory in _directories():
        path = directory / f"{name}.toml"
        if path.is_file():
            return _parse(path, paths.toolchain_root())
    places = ", ".join(str(directory) for directory in _directories())
    raise MissingError(f"no target {name!r}", hint=f"a descriptor {name}.toml belongs in {places}")


def target_names() -> tuple[str, ...]:
    """The names of all targets that have a descriptor, the default one first."""
    names = {path.stem for directory in _directories() for path in directory.glob("*.toml")}
    return tuple(sorted(names, key=lambda name: (name != DEFAULT_TARGET, name)))


def _directories() -> tuple[Path, ...]:
    installed = paths.toolchain_root() / "usr" / "share" / "rumprun-toolchain"
    return (paths.DATA / "toolchain", installed)


def _parse(path: Path, root: Path) -> Target:
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return Target(
            name=document["name"],
            description=document["description"],
            triple=document["triple"],
            libc=document["libc"],
            package=document["package"],
            boards=tuple(document["boards"]),
            elf_class=document["elf"]["class"],
            elf_machine=document["elf"]["machine"],
            elf_programs=_lines(document["elf"]["programs"]),
            runs_here=document["runs_here"],
            prefix_machine=document["prefix"]["machine"] if "prefix" in document else None,
            dpkg_architecture=document["dpkg"]["architecture"],
            dpkg_build_architecture=document["dpkg"]["build_architecture"],
            dpkg_ostable=_lines(document["dpkg"]["ostable"]),
            dpkg_tupletable=_lines(document["dpkg"]["tupletable"]),
            root=root,
        )
    except KeyError as error:
        raise InputError(f"{path}: no key {error}", hint="compare with musl.toml") from error
    except (ValueError, TypeError) as error:  # no TOML, no UTF-8, a value of another type
        raise InputError(f"{path}: {error}", hint="compare with musl.toml") from error


def _lines(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise TypeError(f"{value!r} is no list of lines")
    return tuple(value)
