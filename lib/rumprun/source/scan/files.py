# SPDX-License-Identifier: BSD-2-Clause
"""The files of a source that say how it is built, each read once."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from rumprun.source.scan.model import Evidence, Risk, Severity

# Larger files are tables or amalgamations; of these the beginning has the includes.
_READ_LIMIT = 1_000_000
_SHOWN = 160
_PLACES_SHOWN = 3


class Use(enum.Enum):
    """What a file is read for."""

    CODE = "code"
    MAKE = "make"
    AUTOCONF = "autoconf"
    CMAKE = "cmake"
    MESON = "meson"
    CONFIG_SUB = "config.sub"
    INSTALL = "install"
    RULES = "rules"


LANGUAGES: Mapping[str, str] = {
    ".c": "C", ".h": "C", ".cc": "C++", ".cpp": "C++", ".cxx": "C++", ".C": "C++", ".hh": "C++",
    ".hpp": "C++", ".hxx": "C++", ".s": "assembly", ".S": "assembly", ".asm": "assembly",
    ".f": "Fortran", ".f90": "Fortran", ".F": "Fortran", ".F90": "Fortran", ".rs": "Rust",
    ".go": "Go", ".vala": "Vala", ".adb": "Ada", ".ads": "Ada", ".d": "D", ".hs": "Haskell",
    ".ml": "OCaml", ".java": "Java", ".m": "Objective-C", ".mm": "Objective-C", ".py": "Python",
    ".pyx": "Python", ".pl": "Perl", ".pm": "Perl", ".rb": "Ruby", ".tcl": "Tcl", ".lua": "Lua",
    ".cs": "C#", ".pas": "Pascal", ".zig": "Zig", ".swift": "Swift",
}  # fmt: skip

_CODE = frozenset({"C", "C++"})
_BY_NAME = {
    "Kbuild": Use.MAKE,
    "config.sub": Use.CONFIG_SUB,
    "configure.ac": Use.AUTOCONF,
    "configure.in": Use.AUTOCONF,
    "CMakeLists.txt": Use.CMAKE,
    "meson.build": Use.MESON,
    "meson.options": Use.MESON,
    "meson_options.txt": Use.MESON,
}
_BY_SUFFIX = {".am": Use.MAKE, ".mk": Use.MAKE, ".mak": Use.MAKE, ".cmake": Use.CMAKE}

_SKIPPED = frozenset({".git", ".pc", "autom4te.cache", ".github", "node_modules", "__pycache__"})

# What is there does not become part of a variant: tests, documents, other systems.
_ASIDE = frozenset(
    {
        "aix", "amiga", "android", "apple", "beos", "bench", "benchmark", "benchmarks", "build-aux",
        "ci", "contrib", "cygwin", "debug", "demo", "demos", "djgpp", "doc", "docs", "dos",
        "example", "examples", "fuzz", "fuzzing", "fuzzers", "gnulib-tests", "gtest", "ios", "mac",
        "macos", "macosx", "mingw", "msdos", "msvc", "openvms", "os2", "os400", "perf", "qnx",
        "regress", "sample", "samples", "symbian", "t", "test", "testing", "tests", "tests-fuzz",
        "testsuite", "unittest", "unittests", "visualc", "vms", "vs", "wince", "win", "win32",
        "windows", "xcode",
    }
)  # fmt: skip

_TEST = re.compile(r"test|bench|fuzz|example")
_SYSTEMS = frozenset(
    {
        "aix", "android", "beos", "bsd", "cygwin", "darwin", "freebsd", "haiku", "hpux", "hurd",
        "ibmi", "irix", "kqueue", "mac", "macos", "macosx", "mingw", "msdos", "msvc", "netbsd",
        "openbsd", "os2", "osx", "qnx", "solaris", "sunos", "vms", "w32", "win", "win32", "win64",
        "windows",
    }
)  # fmt: skip


@dataclass(frozen=True)
class File:
    """One text file; ``aside`` tells tests, documents and other systems' parts."""

    path: Path
    name: str
    use: Use
    language: str
    aside: bool

    @cached_property
    def text(self) -> str:
        """Its beginning, with a newline before it so that each line follows one."""
        try:
            with self.path.open("rb") as file:
                data = file.read(_READ_LIMIT)
        except OSError:
            return "\n"
        return "\n" + data.decode("utf-8", errors="replace")

    def evidence(self, place: int) -> Evidence:
        """The line around ``place`` in :attr:`text`."""
        start = self.text.rfind("\n", 0, place + 1) + 1
        end = self.text.find("\n", start)
        line = self.text[start : end if end >= 0 else None]
        return Evidence(file=self.name, line=self.text.count("\n", 0, start), text=shown(line))


class Places:
    """The places that show one risk: how many, and the lines of the first."""

    def __init__(self) -> None:
        self.count = 0
        self._evidence: list[Evidence] = []

    def add(self, file: File, place: int) -> None:
        """Count the line around ``place`` of ``file``."""
        self.count += 1
        if len(self._evidence) < _PLACES_SHOWN:
            self._evidence.append(file.evidence(place))

    def risk(self, name: str, severity: Severity, subject: str) -> Risk:
        """The risk that these show."""
        return Risk(
            name=name,
            severity=severity,
            subject=subject,
            evidence=tuple(self._evidence),
            count=self.count,
        )


@dataclass(frozen=True, kw_only=True)
class Files:
    """All that one walk over a tree found; ``names`` are the base names of all files."""

    tree: Path
    found: tuple[File, ...]
    names: frozenset[str]
    top: frozenset[str]
    languages: Mapping[str, int]
    main_languages: Mapping[str, int] = field(default_factory=dict)

    def of(self, *uses: Use) -> Iterable[File]:
        """The files for ``uses`` that may become part of a variant."""
        return (file for file in self.found if file.use in uses and not file.aside)


def shown(line: str) -> str:
    """``line`` fit to print: one line, without control characters, cut."""
    text = " ".join("".join(char if char.isprintable() else " " for char in line).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def read_files(tree: Path) -> Files:
    """Walk ``tree`` once. Symbolic links are not followed, so nothing outside it is read."""
    found: list[File] = []
    names: set[str] = set()
    languages: dict[str, int] = {}
    main: dict[str, int] = {}
    for directory, directories, files in os.walk(tree):
        here = Path(directory)
        relative = here.relative_to(tree)
        directories[:] = sorted(
            name
            for name in directories
            if name not in _SKIPPED and not (relative.parts == ("debian",) and name != "scripts")
        )
        names.update(files)
        aside = not _ASIDE.isdisjoint(part.lower() for part in relative.parts)
        for name in sorted(files):
            suffix = os.path.splitext(name)[1]  # noqa: PTH122 (a hundred thousand names)
            language = LANGUAGES.get(suffix, "")
            use = _use(relative, name, suffix, language)
            beside = aside or _is_beside(name)
            if language and relative.parts[:1] != ("debian",):
                languages[language] = languages.get(language, 0) + 1
                if not beside:
                    main[language] = main.get(language, 0) + 1
            path = here / name
            if use and not path.is_symlink() and path.is_file():
                found.append(File(path, str(relative / name), use, language, beside))
    ordered = dict(sorted(languages.items(), key=lambda item: (-item[1], item[0])))
    top = frozenset(entry.name for entry in tree.iterdir())
    return Files(
        tree=tree,
        found=tuple(found),
        names=frozenset(names),
        top=top,
        languages=ordered,
        main_languages=main,
    )


def _use(relative: Path, name: str, suffix: str, language: str) -> Use | None:
    if relative.parts[:1] == ("debian",):
        if name == "rules":
            return Use.RULES
        return Use.INSTALL if suffix == ".install" or name == "install" else None
    if name in _BY_NAME or suffix in _BY_SUFFIX:
        return _BY_NAME.get(name) or _BY_SUFFIX.get(suffix)
    if name.lower() in ("makefile", "gnumakefile") or name.startswith("Makefile"):
        return None if f"{suffix}" == ".am" else Use.MAKE
    return Use.CODE if language in _CODE else None


def _is_beside(name: str) -> bool:
    """Whether a file's name says that it is a test, or for another system (``rand_vms.c``)."""
    stem = name.lower().partition(".")[0]
    return not _SYSTEMS.isdisjoint(re.split(r"[-_]", stem)) or bool(_TEST.search(stem))
