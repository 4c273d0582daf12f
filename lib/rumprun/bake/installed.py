# SPDX-License-Identifier: BSD-2-Clause
"""Programs of variant packages and kernels that are installed on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rumprun import command
from rumprun.bake.image import KernelOrigin
from rumprun.errors import InputError, MissingError
from rumprun.target.descriptor import Target

# The prefix's directories of programs, see rumprun.variant.layout.
_DIRECTORIES = ("bin", "sbin", "libexec")


def find_program(package: str, path: str | None, target: Target) -> Path:
    """The program of ``package``; ``path`` is its end, such as ``bin/lua5.4``, None for the only.

    Raises :class:`MissingError` where the package is not installed, :class:`InputError` where
    it has no such program, or several.
    """
    programs = list_programs(package, target)
    names = [str(program.relative_to(target.prefix)) for program in programs]
    if path is None and len(programs) == 1:
        return programs[0]
    found = [program for program in programs if path and program.match(path)]
    if len(found) == 1:
        return found[0]
    if not programs:
        raise InputError(f"package {package} has no program for {target.name}")
    wrong = f"no program {path}" if path else f"{len(programs)} programs"
    raise InputError(
        f"package {package} has {wrong}", hint=f"set path to one of {', '.join(names)}"
    )


@dataclass(frozen=True, kw_only=True)
class InstalledFile:
    """A file of an installed package, and which package that is."""

    path: Path
    origin: KernelOrigin


def find_kernel(package: str) -> InstalledFile | None:
    """The kernel of an installed ``package`` such as ``linux-image-amd64``; None: there is none."""
    return _find(package, "/boot/vmlinuz-*", r"\blinux-image-[a-z0-9+.-]+")


def find_kernel_source(package: str) -> InstalledFile | None:
    """The packed kernel source of an installed ``package`` such as ``linux-source``, or None."""
    return _find(package, "/usr/src/linux-source-*.tar.xz", r"\blinux-source-[0-9.]+")


def _find(package: str, pattern: str, dependency: str) -> InstalledFile | None:
    """The package's file, or that of one that it depends on, as a metapackage does."""
    form = "${db:Status-Abbrev}\n${Version}\n${Depends}\n"
    asked = command.run(["dpkg-query", "--show", f"--showformat={form}", package], check=False)
    if asked.returncode != 0 or not asked.stdout.startswith("ii"):
        return None
    _status, version, depends = asked.stdout.split("\n")[:3]
    files = [file for file in _list_files(package) if file.match(pattern)]
    if files:
        origin = KernelOrigin(package=package, version=version)
        return InstalledFile(path=files[0], origin=origin)
    for name in re.findall(dependency, depends):
        found = _find(name, pattern, dependency)
        if found:
            return found
    return None


def _list_files(package: str) -> list[Path]:
    listed = command.run(["dpkg-query", "--listfiles", package], check=False)
    if listed.returncode != 0:
        raise MissingError(
            f"package {package} is not installed", hint=f"run 'apt-get install {package}'"
        )
    return [Path(line) for line in listed.stdout.splitlines()]


def list_programs(package: str, target: Target) -> list[Path]:
    """All files of the installed ``package`` where programs for ``target`` are, by name."""
    places = [target.prefix / name for name in _DIRECTORIES]
    files = _list_files(package)
    return sorted(
        file
        for file in files
        if any(file.is_relative_to(place) for place in places) and file.is_file()
    )
