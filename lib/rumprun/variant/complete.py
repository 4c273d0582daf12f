# SPDX-License-Identifier: BSD-2-Clause
"""Archives and pkg-config files made whole for static linking.

A shared library brings its own dependencies, so whoever links with it need not name them, and a
.pc file may be silent about them. A static link needs all of them: they are recorded in the
archive, which the target's compiler driver reads, and named in ``Libs.private``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rumprun.command import run
from rumprun.target.descriptor import Target
from rumprun.variant.audit import symbols
from rumprun.variant.audit.archive import LIBDEP
from rumprun.variant.harvest import Harvested
from rumprun.variant.sysroot import Sysroot

_FIELD = re.compile(r"^(Libs|Libs\.private|Requires|Requires\.private)\s*:(.*)$", re.MULTILINE)
_LIBRARY = re.compile(r"(?<!\S)-l(\S+)")
_MODULE = re.compile(r"[A-Za-z][\w.+-]*")

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
    own: frozenset[str]
    given: frozenset[str]
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

    def missing(self, named: Sequence[str]) -> list[str]:
        """The archives to name in addition, so that those of ours among ``named`` can link."""
        added: list[str] = []
        while True:
            ours = [name for name in (*named, *added) if name in self.own]
            wanted = {symbol for name in ours for symbol in self.symbols(name).wanted} - self.given
            for name in (*named, *added):
                wanted -= self.symbols(name).defined
            more = self._definer(wanted) if wanted else None
            if more is None:
                return added
            added.append(more)

    def _definer(self, wanted: set[str]) -> str | None:
        """The first archive that defines any of ``wanted``; those of our own source come first."""
        for name in sorted(self.archives, key=lambda name: (name not in self.own, name)):
            if self.symbols(name).defined & wanted:
                return name
        return None


def complete(harvested: Sequence[Harvested], target: Target, sysroot: Sysroot) -> None:
    """Let each archive and .pc file of ``harvested`` name the libraries that it needs.

    Only libraries of the same source and of ``sysroot`` are considered, and only for symbols that
    nothing that is named already defines. What a shared link recorded in an archive stays.
    """
    prefix = target.prefix.relative_to("/")
    places = [item.root / prefix for item in harvested]
    own = [path for place in places for path in sorted(place.glob("lib/lib*.a"))]
    if not own:
        return
    files = [path for place in places for path in sorted(place.glob("*/pkgconfig/*.pc"))]
    places += [sysroot.path] if sysroot.path else []
    always = [target.sysroot / "lib" / name for name in _ALWAYS]
    given = [read_symbols(path, target).defined for path in always if path.exists()]
    library = _Library(
        target=target,
        archives=_by_name(path for place in places for path in place.glob("lib/lib*.a")),
        modules={path.stem: path for place in places for path in place.glob("*/pkgconfig/*.pc")},
        own=frozenset(path.name for path in own),
        given=frozenset().union(*given),
    )
    for path in files:
        missing = [] if path.is_symlink() else library.missing(library.named_by(path))
        if missing:
            _append(path, missing)
    for path in own:
        settled = path.is_symlink() or recorded(path, target)
        missing = [] if settled else library.missing([path.name])
        if missing:
            # The modifier l makes the member; there are no objects to add.
            run([target.tool("ar"), "qsDl", _options(missing), path])


def recorded(archive: Path, target: Target) -> tuple[str, ...]:
    """The words of the archive's ``__.LIBDEP`` member: binutils' ar(1), modifier l."""
    answer = run([target.tool("ar"), "p", archive, LIBDEP], check=False)
    return tuple(answer.stdout.rstrip("\0").split())


def read_symbols(archive: Path, target: Target) -> Symbols:
    """The symbols of all members of ``archive``; nothing for a file that nm(1) cannot read."""
    found = symbols.read_symbols([archive], target)[archive]
    wanted = {name for part in found.objects for name in part.undefined}
    return Symbols(defined=frozenset(found.defined()), wanted=frozenset(wanted - found.defined()))


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
    words = _options(archives)
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"Libs\.private\s*:", line):
            lines[number] = f"{line.rstrip()} {words}"
            break
    else:
        lines.append(f"Libs.private: {words}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")


def _options(archives: Iterable[str]) -> str:
    return " ".join(f"-l{name.removeprefix('lib').removesuffix('.a')}" for name in archives)
