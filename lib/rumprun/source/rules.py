# SPDX-License-Identifier: BSD-2-Clause
"""What kind of ``debian/rules`` a source has, told from the file without running it.

Running it (``make -n``) would execute code of the source, so the text is read as make would
read it: continuation lines joined, comments dropped, simple variables expanded, included
files of the source followed. The heuristic is then: the style is

``DH``
    when a recipe's command is the sequencer, ``dh``, given the target at hand (``$@``,
    ``${@}``, ``$(@)``, ``$*``) or a target by name (``dh build``, ``dh binary-arch``), or
    when a snippet is included that is known to do this;
``CDBS``
    when something under ``/usr/share/cdbs`` is included;
``CLASSIC``
    otherwise: recipes written out, with or without ``dh_*`` commands.
"""

from __future__ import annotations

import enum
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class RulesStyle(enum.Enum):
    """How a ``debian/rules`` is written."""

    DH = "dh"
    CLASSIC = "classic"
    CDBS = "cdbs"


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The targets that rules define: in any case, and under an ``ifeq`` or the like only."""

    always: frozenset[str]
    conditional: frozenset[str]


_CONDITION = re.compile(r"\s*(?:ifeq|ifneq|ifdef|ifndef)\b")
_END = re.compile(r"\s*endif\b")

_THIS_TARGET = frozenset({"$@", "${@}", "$(@)", "$*", "${*}", "$(*)"})
_SEQUENCES = frozenset({"clean"}) | {
    f"{verb}{suffix}"
    for verb in ("build", "install", "binary")
    for suffix in ("", "-arch", "-indep")
}
# Makefile snippets of other packages whose "%" rule calls dh.
_SNIPPETS_CALLING_DH = ("/usr/share/pkg-kde-tools/qt-kde-team/", "/usr/share/ddeb-tools/")
_CDBS = "/usr/share/cdbs/"

# Words of a shell command line that may stand before the command itself.
_SHELL_WORDS = frozenset({"if", "then", "else", "do", "{", "(", "!", "exec", "env", "command"})
_ASSIGNMENT = re.compile(
    r"\s*(?:override\s+|export\s+)*([A-Za-z_][\w.-]*)\s*(?:\?|:{1,3})?=\s*(.*)"
)
_ENVIRONMENT = re.compile(r"[A-Za-z_]\w*=")
_REFERENCE = re.compile(r"\$\(([\w.-]+)\)|\$\{([\w.-]+)\}")
_INCLUDE = re.compile(r"\s*(?:-include|sinclude|include)\s+(.+)")
_DEPTH = 5


def rules_style(tree: Path) -> RulesStyle:
    """The style of ``tree``'s ``debian/rules``; the tree's own includes are followed."""
    lines, included = _logical_lines(tree, tree / "debian" / "rules", _DEPTH)
    variables = _variables(lines)
    if any(_calls_dh(command) for line in lines for command in _commands(line, variables)):
        return RulesStyle.DH
    if any(name.startswith(_SNIPPETS_CALLING_DH) for name in included):
        return RulesStyle.DH
    if any(name.startswith(_CDBS) for name in included):
        return RulesStyle.CDBS
    return RulesStyle.CLASSIC


def read_targets(tree: Path) -> Targets:
    """The targets of ``tree``'s ``debian/rules``, those of the tree's own includes too."""
    lines, _included = _logical_lines(tree, tree / "debian" / "rules", _DEPTH)
    found: dict[bool, set[str]] = {False: set(), True: set()}
    depth = 0
    for line in lines:
        if line.startswith("\t"):
            continue
        depth += bool(_CONDITION.match(line)) - bool(_END.match(line))
        head, colon, _rest = line.partition("#")[0].partition(":")
        if colon and not _ASSIGNMENT.fullmatch(line):
            found[depth > 0].update(head.split())
    return Targets(
        always=frozenset(found[False]), conditional=frozenset(found[True] - found[False])
    )


def _logical_lines(tree: Path, path: Path, depth: int) -> tuple[list[str], list[str]]:
    """The joined lines of a makefile and of what it includes, and the included names."""
    text = path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
    lines: list[str] = []
    included: list[str] = []
    for line in text.splitlines():
        lines.append(line)
        match = None if line.startswith("\t") else _INCLUDE.match(line)
        for name in match.group(1).split() if match else ():
            included.append(name)
            inner = tree / name
            inside = inner.resolve().is_relative_to(tree.resolve())
            if depth and inside and inner.is_file():
                more_lines, more_included = _logical_lines(tree, inner, depth - 1)
                lines += more_lines
                included += more_included
    return lines, included


def _variables(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        match = None if line.startswith("\t") else _ASSIGNMENT.fullmatch(line)
        if match:
            found[match.group(1)] = match.group(2).partition("#")[0].strip()
    return found


def _commands(line: str, variables: dict[str, str]) -> Iterator[str]:
    """The shell commands on a line of a makefile: of a recipe, or after ``target: ;``."""
    if line.startswith("\t"):
        recipe = line
    else:
        head, semicolon, recipe = line.partition(";")
        if not semicolon or ":" not in head or head.lstrip().startswith("#"):
            return
    for _ in range(_DEPTH):
        recipe = _REFERENCE.sub(
            lambda match: variables.get(match.group(1) or match.group(2), match.group(0)), recipe
        )
    yield from re.split(r"&&|\|\||[;|&]", recipe)


def _calls_dh(command: str) -> bool:
    try:
        words = shlex.split(command.lstrip("\t @+-"), comments=True)
    except ValueError:  # a quote that closes on a line that we did not join
        words = command.lstrip("\t @+-").split()
    while words and (words[0] in _SHELL_WORDS or _ENVIRONMENT.match(words[0])):
        words = words[1:]
    if not words or words[0] not in {"dh", "/usr/bin/dh"}:
        return False
    return any(word in _THIS_TARGET or word in _SEQUENCES for word in words[1:])
