# SPDX-License-Identifier: BSD-2-Clause
"""pkgconfig-link: what a .pc file promises holds for a static link."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rumprun.command import run
from rumprun.variant.audit import trial
from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.overlay import merge
from rumprun.variant.audit.rules.host_script import HOST_DIRECTORY
from rumprun.variant.audit.subject import Rule, Subject
from rumprun.variant.audit.tree import Entry, Kind
from rumprun.workdir import temporary_tree

_SECONDS = 120.0
_MOST_TEXT = 1 << 20
_MODULE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_PLACES = ("lib/pkgconfig", "share/pkgconfig")
_VARIABLE = re.compile(
    r"^(?P<name>prefix|exec_prefix|libdir|sharedlibdir|includedir)\s*=\s*(?P<value>/\S*)",
    re.MULTILINE,
)
_FLAGS = re.compile(
    r"^\s*(?:Libs|Libs\.private|Cflags|Cflags\.private|CFlags)\s*:.*$", re.MULTILINE
)
# pkgconf repeats itself; this is the line that says what it is about.
_NOBODY = "virtual:"
_TELLING = re.compile(r"required by|version of|has version|does not declare|requires")


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What pkg-config prints for one module: compiler and linker words."""

    cflags: list[str]
    libs: list[str]


class PkgconfigLink:
    """Every .pc file parses, names the target, finds its requirements, and links."""

    name = "pkgconfig-link"
    remedy = "correct the .pc file, or depend on the variants that it requires"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Ask the target's pkg-config, then link a program with all of the package's archives."""
        prefix = PurePosixPath(subject.target.prefix)
        folders = [str(prefix / place) for place in _PLACES]
        found = [
            entry
            for entry in subject.entries
            if entry.name.endswith(".pc")
            and entry.path.rpartition("/")[0] in folders
            and entry.kind is not Kind.DIRECTORY
            and subject.closure.resolve(entry.path)
        ]
        if not found or not subject.placed:
            return
        with temporary_tree() as work:
            overlay = work / "sysroot"
            overlay.mkdir()
            environment = merge(subject.closure, overlay)
            for entry in found:
                for detail in _Check(subject, work, overlay, environment).faults(entry):
                    yield Fault(file=entry.path, detail=detail)


class _Check:
    def __init__(self, subject: Subject, work: Path, overlay: Path, env: dict[str, str]) -> None:
        self._subject = subject
        self._work = work
        self._overlay = overlay
        self._env = env

    def faults(self, entry: Entry) -> Iterator[str]:
        """The faults of one file; a later check is left out where an earlier one explains it."""
        module = entry.name.removesuffix(".pc")
        if not _MODULE.fullmatch(module):
            yield "has a name that pkg-config does not take"
            return
        if entry.kind is Kind.OTHER and not entry.damage:
            with entry.real.open(encoding="utf-8", errors="replace") as stream:
                named = list(self._named(stream.read(_MOST_TEXT)))
            yield from named
            if named:
                return
        answer = self._ask(module)
        if isinstance(answer, str):
            yield answer
            return
        broken = [*self._host_paths(answer), *self._missing(answer)]
        yield from broken
        if not broken:
            own = self._own_archives(answer)
            yield from trial.link(self._subject, self._work, self._env, own, answer.libs)

    def _named(self, text: str) -> Iterator[str]:
        """Directories that the file itself names: pkg-config may hide the build host's."""
        prefix = PurePosixPath(self._subject.target.prefix)
        for match in _VARIABLE.finditer(text):
            if not PurePosixPath(match["value"]).is_relative_to(prefix):
                yield f"says {match['name']}={match['value']}, which is not below {prefix}"
        for line in _FLAGS.finditer(text):
            if not _splits(line[0]):
                yield f"has quotes that do not match in {line[0].strip()}"
            for path in sorted({found["path"] for found in HOST_DIRECTORY.finditer(line[0])}):
                yield f"names {path}, which is the build host's"

    def _ask(self, module: str) -> _Answer | str:
        tool = self._subject.target.tool("pkg-config")
        answers = []
        for words in (("--exists", "--print-errors"), ("--cflags",), ("--libs",)):
            argv: list[str | Path] = [tool, "--static", *words, module]
            done = run(argv, env=self._env, timeout=_SECONDS, check=False)
            if done.returncode != 0:
                return f"pkg-config: {self._complaint(module, done.stderr)}"
            if not _splits(done.stdout):
                return f"pkg-config prints quotes that do not match: {done.stdout.strip()}"
            answers.append(shlex.split(done.stdout))
        return _Answer(cflags=answers[1], libs=answers[2])

    def _complaint(self, module: str, stderr: str) -> str:
        """The line of pkg-config's complaints that tells what is wrong with ``module``."""
        lines = [line.strip() for line in stderr.splitlines() if line.strip()]
        if not any(_TELLING.search(line) and _NOBODY not in line for line in lines):
            # A file that does not parse counts as missing; only this option says why.
            tool = self._subject.target.tool("pkg-config")
            argv: list[str | Path] = [tool, "--validate", "--print-errors", module]
            done = run(argv, env=self._env, timeout=_SECONDS, check=False)
            said = (done.stdout + done.stderr).splitlines()
            about = [line.partition(f"/{module}.pc:")[2].strip() for line in said]
            lines = [line for line in about if line] + lines
        telling = [line for line in lines if _TELLING.search(line)]
        return (telling or lines or ["fails"])[0]

    def _installed(self, path: str) -> str:
        """A path that pkg-config printed, as installed."""
        target = self._subject.target
        for place in (self._overlay, target.sysroot):
            if PurePosixPath(path).is_relative_to(place):
                return str(target.prefix / PurePosixPath(path).relative_to(place))
        return path

    def _host_paths(self, answer: _Answer) -> Iterator[str]:
        prefix = PurePosixPath(self._subject.target.prefix)
        for word in dict.fromkeys((*answer.cflags, *answer.libs)):
            path = re.sub(r"^-(?:[LIRB]|isystem)", "", word)
            inside = PurePosixPath(self._installed(path)).is_relative_to(prefix)
            if path.startswith("/") and not inside:
                yield f"pkg-config prints {word}, which is the build host's"

    def _directories(self, answer: _Answer) -> list[str]:
        return [self._installed(word[2:]) for word in answer.libs if word.startswith("-L/")]

    def _missing(self, answer: _Answer) -> Iterator[str]:
        closure = self._subject.closure
        directories = self._directories(answer)
        for word in dict.fromkeys(answer.libs):
            if word.startswith("-l") and not closure.find_library(word[2:], directories):
                yield f"names {word}, and the closure has no archive for it"
            elif word.startswith("/") and not closure.resolve(self._installed(word)):
                yield f"names {self._installed(word)}, which is nowhere"

    def _own_archives(self, answer: _Answer) -> list[Path]:
        """The archives among the words that the package under audit ships."""
        closure = self._subject.closure
        directories = self._directories(answer)
        shipped = {entry.real.absolute() for entry in self._subject.archives()}
        named: dict[Path, None] = {}
        for word in answer.libs:
            found = closure.find_library(word[2:], directories) if word.startswith("-l") else None
            if word.startswith("/"):
                found = closure.resolve(self._installed(word))
            if found and found.absolute() in shipped:
                named[found.absolute()] = None
        return list(named)


def _splits(text: str) -> bool:
    """Whether a shell could split ``text`` into words."""
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True


RULE: Rule = PkgconfigLink()
