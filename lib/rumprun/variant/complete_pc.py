# SPDX-License-Identifier: BSD-2-Clause
"""pkg-config files made whole for static linking.

A shared library brings its own dependencies, so a .pc file may be silent about them and natively
nobody notices. A static link needs all of them named, in ``Libs.private``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rumprun.command import run
from rumprun.target.descriptor import Target
from rumprun.variant.harvest import Harvested
from rumprun.variant.sysroot import Sysroot

_FIELD = re.compile(r"^(Libs|Libs\.private|Requires|Requires\.private)\s*:(.*)$", re.MULTILINE)
_LIBRARY = re.compile(r"(?<!\S)-l(\S+)")
_MODULE = re.compile(r"[A-Za-z][\w.+-]*")
_UNDEFINED = frozenset("U")
_WEAK = frozenset("wv")

# What every link gets, or can have without anybody naming a package.
_ALWAYS = ("libc.a", "libm.a", "libstdc++.a", "libsupc++.a")


@dataclass(frozen=True, kw_only=True)
class Symbols:
    """The global names of an archive: those that it defines, and those that it wants."""

    defined: frozenset[str]
    wanted: frozenset[str]


@dataclass(kw_only=True)
class _Library:
    """All archives and modules that a .pc file could mean, read when asked for."""

    target: Target
    archives: Mapping[str, Path]
    modules: Mapping[str, Path]
    known: dict[str, Symbols] = field(default_factory=dict)

    def symbols(self, name: str) -> Symbols:
        if name not in self.known:
            self.known[name] = read_symbols(self.archives[name], self.target)
        return self.known[name]

    def named_by(self, path: Path) -> list[str]:
        """The archives that ``path`` names, itself and by what it requires, in that order."""
        found: dict[str, None] = {}
        waiting, seen = [path], {path}
        while waiting:
            libraries, modules = _parse(waiting.pop(0))
            found.update(dict.fromkeys(name for name in libraries if name in self.archives))
            required = [self.modules[name] for name in modules if name in self.modules]
            waiting += [other for other in required if other not in seen]
            seen.update(required)
        return list(found)


def complete(harvested: Sequence[Harvested], target: Target, sysroot: Sysroot) -> None:
    """Name in each .pc file of ``harvested`` the libraries that its own archives need.

    Only libraries of the same source and of ``sysroot`` are considered, and only for symbols that
    nothing that the file names already defines.
    """
    prefix = target.prefix.relative_to("/")
    places = [item.root / prefix for item in harvested]
    files = [path for place in places for path in sorted(place.glob("*/pkgconfig/*.pc"))]
    if not files:
        return
    places += [sysroot.path] if sysroot.path else []
    always = [target.sysroot / "lib" / name for name in _ALWAYS]
    given = [read_symbols(path, target).defined for path in always if path.exists()]
    library = _Library(
        target=target,
        archives=_by_name(path for place in places for path in place.glob("lib/lib*.a")),
        modules={path.stem: path for place in places for path in place.glob("*/pkgconfig/*.pc")},
    )
    own = {path.name for place in places[: len(harvested)] for path in place.glob("lib/lib*.a")}
    for path in files:
        if path.is_symlink():
            continue
        missing = _missing(path, library, own, frozenset().union(*given))
        if missing:
            _append(path, missing)


def read_symbols(archive: Path, target: Target) -> Symbols:
    """What nm(1) says of ``archive``; nothing for a file that it cannot read."""
    answer = run([target.tool("nm"), "-P", "-g", archive], check=False)
    defined, wanted = set(), set()
    for line in answer.stdout.splitlines():
        words = line.split()
        if len(words) < 2 or len(words[1]) != 1:
            continue
        if words[1] in _UNDEFINED:
            wanted.add(words[0])
        elif words[1] not in _WEAK or len(words) > 2:
            defined.add(words[0])
    return Symbols(defined=frozenset(defined), wanted=frozenset(wanted - defined))


def _missing(path: Path, library: _Library, own: set[str], given: frozenset[str]) -> list[str]:
    """The archives to name in addition, so that those of ours which the file names can link."""
    named = library.named_by(path)
    added: list[str] = []
    while True:
        ours = [name for name in (*named, *added) if name in own]
        wanted = {symbol for name in ours for symbol in library.symbols(name).wanted} - given
        for name in (*named, *added):
            wanted -= library.symbols(name).defined
        more = _definers(wanted, library, own) if wanted else []
        if not more:
            return added
        added += more


def _definers(wanted: set[str], library: _Library, own: set[str]) -> list[str]:
    """The first archive that defines any of ``wanted``; those of our own source come first."""
    for name in sorted(library.archives, key=lambda name: (name not in own, name)):
        if library.symbols(name).defined & wanted:
            return [name]
    return []


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    """The archives by file name; of two, the first."""
    found: dict[str, Path] = {}
    for path in paths:
        found.setdefault(path.name, path)
    return found


def _parse(path: Path) -> tuple[list[str], list[str]]:
    """The archives that the file names by ``-l``, and the modules that it requires."""
    libraries: list[str] = []
    modules: list[str] = []
    for name, value in _FIELD.findall(path.read_text(encoding="utf-8", errors="replace")):
        if name.startswith("Libs"):
            libraries += [f"lib{word}.a" for word in _LIBRARY.findall(value)]
        else:
            modules += _MODULE.findall(value)
    return libraries, modules


def _append(path: Path, archives: Sequence[str]) -> None:
    words = " ".join(f"-l{name.removeprefix('lib').removesuffix('.a')}" for name in archives)
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"Libs\.private\s*:", line):
            lines[number] = f"{line.rstrip()} {words}"
            break
    else:
        lines.append(f"Libs.private: {words}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")
