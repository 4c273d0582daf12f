# SPDX-License-Identifier: BSD-2-Clause
"""Prefixes: where upstream's Rumprun is installed, what it has, and what is wrong with it.

A prefix is what upstream's build-rr.sh installs: ``bin/<triple>-gcc``, ``bin/rumprun-bake``,
``rumprun-<machine>`` with headers and libraries, and the backing compiler's names in ``libexec``.
What it records in each program, its own ``recipe.s`` says.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rumprun import paths
from rumprun.command import CommandFailed, base_environment, run
from rumprun.errors import InputError, MissingError

VARIABLE: Final = "RUMPRUN_PREFIX"
# Where 'rumpdeb toolchain pack' puts one.
PACKED: Final = Path("usr/lib/rumprun-toolchain-netbsd/prefix")
DIRECTORY: Final = Path("/etc/dh-rumprun/targets.d")

# Upstream's name of a platform, and what is there where it was built.
PLATFORMS: Final = ("hw", "xen")

_RECORDED = re.compile(r'\.asciz "rumprun_(\w+): (.*)"')
_BOARD = re.compile(r"(\w+)\s*: (.*)")
_SECONDS = 60.0

_BUILD = "build it with upstream's build-rr.sh, and install it"

# What upstream's baker says each time, and sleeps for.
_QUIET: Final = {"RUMPRUN_WARNING_STFU": "please"}


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """One installed Rumprun.

    ``tooldir`` is where it was installed to, as its programs record it; ``compiler`` is the
    backing compiler, ``cflags`` what it is always given; ``platforms`` are those of
    :data:`PLATFORMS` that are there; ``boards`` are names of the baker's with their descriptions.
    """

    path: Path
    triple: str
    tooldir: Path
    compiler: Path
    cflags: tuple[str, ...]
    platforms: tuple[str, ...]
    boards: Mapping[str, str]

    @property
    def machine(self) -> Path:
        """The directory of headers and libraries."""
        return self.path / f"rumprun-{self.triple.partition('-')[0]}"

    @property
    def recipe(self) -> Path:
        """The assembler source of what each program records."""
        return self.machine / "share" / f"{self.triple}-recipe.s"

    def tool(self, name: str) -> Path:
        """The prefixed tool ``name``, such as ``objcopy``."""
        return self.path / "bin" / f"{self.triple}-{name}"

    @property
    def baker(self) -> Path:
        """The program that links images."""
        return self.path / "bin" / "rumprun-bake"


def environment() -> dict[str, str]:
    """The environment for upstream's tools, in which they do not wait for anybody to read."""
    return {**base_environment(), **_QUIET}


def find_prefix(triple: str, named: Path | None = None) -> Prefix:
    """The prefix for ``triple``: ``named``, or the first that the machine has.

    Looked at are :envvar:`RUMPRUN_PREFIX`, :data:`DIRECTORY`, PATH, and the package. Raises
    :class:`MissingError` where there is none, :class:`InputError` for one that is damaged.
    """
    place = named or next(candidates(triple), None)
    if place is None:
        raise MissingError(
            f"no Rumprun prefix with {triple}-gcc",
            hint=f"set {VARIABLE}, name it in {DIRECTORY}/NAME.toml, or install "
            "rumprun-toolchain-netbsd",
        )
    return read_prefix(place, triple)


def candidates(triple: str) -> Iterator[Path]:
    """Where a prefix for ``triple`` is said to be, the most explicit word first.

    Raises :class:`InputError` for a file in :data:`DIRECTORY` that does not say.
    """
    said = os.environ.get(VARIABLE)
    if said:
        yield Path(said)
    if DIRECTORY.is_dir():
        for file in sorted(DIRECTORY.glob("*.toml")):
            yield _named_in(file)
    for directory in os.environ.get("PATH", "").split(":"):
        front = Path(directory) / f"{triple}-gcc"
        if directory and front.is_file():
            top = front.resolve().parents[1]
            # Not the front end of a packed toolchain, which is in /usr/bin.
            if (top / "bin" / "rumprun-bake").exists():
                yield top

    packed = paths.toolchain_root() / PACKED
    if packed.is_dir():
        yield packed


def _named_in(file: Path) -> Path:
    try:
        place = tomllib.loads(file.read_text(encoding="utf-8"))["prefix"]
    except (ValueError, KeyError) as error:
        raise InputError(f"{file}: {error}", hint='write: prefix = "/path"') from error
    if not isinstance(place, str) or not place.startswith("/"):
        raise InputError(f"{file}: prefix is no absolute path", hint='write: prefix = "/path"')
    return Path(place)


def read_prefix(path: Path, triple: str) -> Prefix:
    """What is installed in ``path``.

    Raises :class:`MissingError` for no directory, :class:`InputError` that names what is wrong
    with a prefix and what to do.
    """
    path = path.absolute()
    if not path.is_dir():
        raise MissingError(f"{path}: no such prefix", hint=f"see {VARIABLE}; {_BUILD}")
    _check_machine(path, triple)
    machine = path / f"rumprun-{triple.partition('-')[0]}"
    recipe = machine / "share" / f"{triple}-recipe.s"
    for needed in (recipe, path / "bin" / "rumprun-bake", machine / "lib" / "libc.a"):
        if not needed.is_file():
            raise InputError(
                f"{path}: half installed: no {needed.relative_to(path)}",
                hint=f"run upstream's build-rr.sh with 'install' again; {_BUILD}",
            )
    said = dict(_RECORDED.findall(recipe.read_text(encoding="utf-8", errors="replace")))
    if said.get("tuple") != triple or not {"tooldir", "backingcc", "cflags"} <= said.keys():
        raise InputError(f"{recipe}: not upstream's for {triple}", hint=_BUILD)
    tooldir = Path(said["tooldir"])
    if not tooldir.is_dir() or tooldir.resolve() != path.resolve():
        raise InputError(
            f"{path}: was installed as {tooldir}, which its scripts name",
            hint="put it back there, or make a package of it there with 'rumpdeb toolchain pack'",
        )
    platforms = tuple(
        name for name in PLATFORMS if (machine / "lib" / f"rumprun-{name}" / "specs-bake").is_file()
    )
    if not platforms:
        raise InputError(f"{path}: half installed: neither platform hw nor xen", hint=_BUILD)
    compiler = _compiler(path, Path(said["backingcc"]))
    return Prefix(
        path=path,
        triple=triple,
        tooldir=tooldir,
        compiler=compiler,
        cflags=tuple(said["cflags"].split()),
        platforms=platforms,
        boards=_boards(path),
    )


def _check_machine(path: Path, triple: str) -> None:
    """Another machine's prefix is known by the names of its compilers."""
    if (path / "bin" / f"{triple}-gcc").is_file():
        return
    others = sorted((path / "bin").glob("*-rumprun-netbsd*-gcc"))
    if others:
        raise InputError(
            f"{path}: for {others[0].name.removesuffix('-gcc')}, not for {triple}",
            hint="build one for this machine",
        )
    raise InputError(f"{path}: no bin/{triple}-gcc, so no prefix", hint=_BUILD)


def _compiler(path: Path, backing: Path) -> Path:
    """``backing``, once it has said which version it is."""
    if not os.access(backing, os.X_OK):
        raise InputError(
            f"{path}: its backing compiler {backing} is gone",
            hint="install that compiler, or build the prefix again with one that is there",
        )
    try:
        run([backing, "-dumpversion"], timeout=_SECONDS)
    except (CommandFailed, MissingError) as error:
        raise InputError(
            f"{path}: its backing compiler {backing} does not run",
            hint="install the gcc that it calls, or build the prefix again with one that is there",
        ) from error
    return backing


def _boards(path: Path) -> dict[str, str]:
    try:
        said = run([path / "bin" / "rumprun-bake", "list"], env=environment(), timeout=_SECONDS)
    except CommandFailed as error:
        raise InputError(
            f"{path}: rumprun-bake list fails: {error.message}", hint=_BUILD
        ) from error
    return dict(_BOARD.findall(said.stdout))


def compiler_version(prefix: Prefix) -> str:
    """The first line of what the backing compiler says of itself."""
    said = run([prefix.compiler, "--version"], timeout=_SECONDS).stdout.splitlines()
    return said[0] if said else shutil.which(str(prefix.compiler)) or ""
