# SPDX-License-Identifier: BSD-2-Clause
"""Targets: what variants are compiled for, read from a TOML file each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rumprun import paths
from rumprun.errors import InputError, MissingError

DEFAULT_TARGET = "musl"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One target, as its descriptor file says.

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
            remedy = "run 'make toolchain'" if paths.IN_TREE else f"install {self.package}"
            raise MissingError(f"no {path.name} in {self.bin}", hint=remedy)
        return path


def load_target(name: str = DEFAULT_TARGET) -> Target:
    """The target called ``name``.

    Raises :class:`MissingError` for a name that no descriptor has, :class:`InputError` for a
    descriptor that cannot be read or lacks a key.
    """
    root = paths.toolchain_root()
    directories = [paths.DATA / "toolchain", root / "usr" / "share" / "rumprun-toolchain"]
    for directory in directories:
        path = directory / f"{name}.toml"
        if path.is_file():
            return _parse(path, root)
    places = ", ".join(str(directory) for directory in directories)
    raise MissingError(f"no target {name!r}", hint=f"a descriptor {name}.toml belongs in {places}")


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
