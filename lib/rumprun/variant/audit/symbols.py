# SPDX-License-Identifier: BSD-2-Clause
"""Symbols of objects and archives, by the target's nm: one run over many files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rumprun.command import run
from rumprun.elf_magic import is_elf
from rumprun.target.descriptor import Target
from rumprun.workdir import temporary_tree

# nm keeps each file open only while it reads it, but an argument list has an end.
_BATCH = 500
_NM_SECONDS = 300.0

_UNDEFINED = frozenset("U")
_WEAK_UNDEFINED = frozenset("wv")


@dataclass(kw_only=True)
class ObjectSymbols:
    """External symbols of one object: ``member`` of an archive, or "" for a file of its own.

    Weak references are left out: a link does without them.
    """

    member: str
    defined: list[str] = field(default_factory=list)
    undefined: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class FileSymbols:
    """The objects of one file; ``damage`` is what nm could not make sense of, in its words."""

    objects: list[ObjectSymbols] = field(default_factory=list)
    damage: str = ""

    def defined(self) -> set[str]:
        """All that the file defines."""
        return {name for part in self.objects for name in part.defined}


_Key = tuple[str, int, int, int]
_known: dict[_Key, FileSymbols] = {}


def read_symbols(files: Iterable[Path], target: Target) -> dict[Path, FileSymbols]:
    """The symbols of each of ``files``, which are ELF objects or archives.

    A file that has not changed since this process last asked is not read again.
    Raises :class:`MissingError` where the toolchain is not there.
    """
    keys = {path: _key(path) for path in files}
    missing = [path for path, key in keys.items() if key not in _known]
    for start in range(0, len(missing), _BATCH):
        batch = missing[start : start + _BATCH]
        for path, symbols in zip(batch, _run_nm(batch, target), strict=True):
            _known[keys[path]] = symbols
    return {path: _known[key] for path, key in keys.items()}


def _key(path: Path) -> _Key:
    status = path.stat()
    return str(path), status.st_ino, status.st_size, status.st_mtime_ns


def _run_nm(files: Sequence[Path], target: Target) -> list[FileSymbols]:
    with temporary_tree() as tree:
        # Numbers for names: what nm prints can then be told apart whatever the files are called.
        for number, path in enumerate(files):
            (tree / str(number)).symlink_to(path.absolute())
        argv: list[str | Path] = [target.tool("nm"), "-P", "-g", *map(str, range(len(files)))]
        done = run(argv, cwd=tree, timeout=_NM_SECONDS, check=False)
    if done.returncode >= 0:
        return parse_nm(done.stdout, done.stderr, len(files))
    if len(files) == 1:
        return [FileSymbols(damage=f"nm was killed by signal {-done.returncode}")]
    return list(itertools.chain.from_iterable(_run_nm([path], target) for path in files))


def parse_nm(output: str, errors: str, count: int) -> list[FileSymbols]:
    """What ``nm -P -g 0 1 2 …`` said of ``count`` files that are called by their numbers.

    ``output`` has a line ``3[member.o]:`` or ``3:`` before the symbols of each object (none
    before those of a lone object), each ``NAME TYPE VALUE SIZE``.
    """
    files = [FileSymbols() for _ in range(count)]
    part = ObjectSymbols(member="")
    if count == 1:
        files[0].objects.append(part)
    for line in output.splitlines():
        name, _, rest = line.partition(" ")
        kind = rest[:1]
        if line.endswith(":") and (found := _heading(line, count)):
            number, member = found
            part = ObjectSymbols(member=member)
            files[number].objects.append(part)
        elif kind in _UNDEFINED:
            part.undefined.append(name)
        elif kind and kind not in _WEAK_UNDEFINED:
            part.defined.extend(_versions(name))
    for line in errors.splitlines():
        number_text, _, message = line.partition(": ")[2].partition(": ")
        number_text = number_text.partition("[")[0].partition("(")[0]
        if "no symbols" not in message and number_text.isdigit() and int(number_text) < count:
            files[int(number_text)].damage = message
    return files


def _heading(line: str, count: int) -> tuple[int, str] | None:
    digits = line[: len(line) - len(line.lstrip("0123456789"))]
    rest = line[len(digits) : -1]
    if not digits or int(digits) >= count or (rest and not (rest[0] == "[" and rest[-1] == "]")):
        return None
    return int(digits), rest[1:-1]


def _versions(name: str) -> Iterator[str]:
    """``f@@V`` is the default version: it answers for ``f`` and for ``f@V``."""
    yield name
    base, default, version = name.partition("@@")
    if default:
        yield base
        yield f"{base}@{version}"


def native_definers(wanted: set[str], target: Target) -> dict[str, str]:
    """Which shared library of the build host defines each of ``wanted``, as far as it is known.

    A build has the native libraries of its Build-Depends installed, so this tells whose variant
    is missing. The C library comes first; a name that none defines is left out.
    """
    found: dict[str, str] = {}
    for libraries in _native_libraries():
        left = wanted - found.keys()
        if not left or not libraries:
            continue
        argv: list[str | Path] = [target.tool("nm"), "-P", "-D", "-g", "--defined-only"]
        # With one file alone, nm would leave the heading out; the null device has no symbols.
        argv += ["--without-symbol-versions", *libraries, "/dev/null"]
        done = run(argv, timeout=_NM_SECONDS, check=False)
        names = {str(path): path.name for path in libraries}
        library = ""
        for line in done.stdout.splitlines():
            symbol = line.partition(" ")[0]
            if line.endswith(":"):
                library = names.get(line[:-1], library)
            elif symbol in left:
                found.setdefault(symbol, library)
    return found


def _native_libraries() -> tuple[list[Path], list[Path]]:
    """The C library's, and those that build dependencies installed; each real file once."""
    directories = [Path("/usr/lib") / name for name in _multiarch_names()]
    core = [place / name for place in directories for name in ("libc.so.6", "libm.so.6")]
    others = [path for place in directories for path in sorted(place.glob("lib*.so"))]
    seen: set[str] = set()
    kept: tuple[list[Path], list[Path]] = ([], [])
    for path in (*core, *others):
        real = os.path.realpath(path)
        if real not in seen and _is_elf(path):
            seen.add(real)
            kept[path not in core].append(path)
    return kept


def _multiarch_names() -> list[str]:
    return sorted(path.parent.name for path in Path("/usr/lib").glob("*-linux-gnu*/libc.so.6"))


def _is_elf(path: Path) -> bool:
    try:
        return is_elf(path)
    except OSError:
        return False
