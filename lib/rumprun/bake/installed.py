# SPDX-License-Identifier: BSD-2-Clause
"""Programs of variant packages that are installed on this machine."""

from __future__ import annotations

from pathlib import Path

from rumprun import command
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


def list_programs(package: str, target: Target) -> list[Path]:
    """All files of the installed ``package`` where programs for ``target`` are, by name."""
    listed = command.run(["dpkg-query", "--listfiles", package], check=False)
    if listed.returncode != 0:
        raise MissingError(
            f"package {package} is not installed", hint=f"run 'apt-get install {package}'"
        )
    places = [target.prefix / name for name in _DIRECTORIES]
    files = (Path(line) for line in listed.stdout.splitlines())
    return sorted(
        file
        for file in files
        if any(file.is_relative_to(place) for place in places) and file.is_file()
    )
