# SPDX-License-Identifier: BSD-2-Clause
"""Risks in C and C++ code: what the target's libc lacks, and what a static program cannot do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rumprun.source.scan.conditions import Conditions
from rumprun.source.scan.files import File, Files, Places, Use
from rumprun.source.scan.model import Context, Risk, Severity

# Longer lines and comments are data, or somebody's joke.
_LINE = 400
_COMMENT = 4000

_INCLUDE = re.compile(r"\n[ \t]*#[ \t]*include[ \t]*<([a-z][\w/.-]*)>")
_CONFIGURED = re.compile(r"\bHAVE_(\w+)")
_DLOPEN = re.compile(r"\bdlm?open[ \t]*\(")
_WORD_BEFORE = re.compile(r"[\w.>]$")

# Of the names that a libc may lack, those that are looked for in code: functions whose name is
# no common word, so that a call is not mistaken for one of the source's own.
_TOO_COMMON = re.compile(r"[A-Z_]|.{1,5}$|login$|logout$|innetgr$|sysctl$|re_\w+$|sig\w+$")


def find_code_risks(files: Files, context: Context) -> Iterator[Risk]:
    """The risks in the source's own code; tests and the parts of other systems are left out."""
    code = tuple(files.of(Use.CODE))
    yield from _missing_headers(code, files, context)
    yield from _missing_functions(code, files, context)
    places = Places()
    for file in code:
        matches = list(_DLOPEN.finditer(file.text)) if "dlopen" in file.text else []
        conditions = Conditions(file.text) if matches else None
        for match in matches:
            start = match.start()
            if conditions and conditions.reached(start) and not _in_comment(file.text, start):
                places.add(file, start)
    if places.count:
        yield places.risk("dlopen", Severity.WATCH, "opens shared objects while it runs")


def _missing_headers(code: Iterable[File], files: Files, context: Context) -> Iterator[Risk]:
    """Headers that are included without a condition, and that the source brings no copy of."""
    wanted = frozenset(header for header in context.missing_headers if not _brings(files, header))
    found: dict[str, Places] = {}
    for file in code:
        conditions: Conditions | None = None
        for match in _INCLUDE.finditer(file.text):
            if match.group(1) not in wanted:
                continue
            conditions = conditions or Conditions(file.text)
            if conditions.reached(match.start() + 1) and not _in_comment(file.text, match.start()):
                found.setdefault(match.group(1), Places()).add(file, match.start(1))
    for header, places in sorted(found.items()):
        yield places.risk("libc-header", Severity.BLOCKER, f"no <{header}> in the libc")


def _brings(files: Files, header: str) -> bool:
    """Whether the source has a header of that name, or Gnulib's template of it."""
    base = header.rpartition("/")[2]
    template = f"{header.removesuffix('.h').replace('/', '_')}.in.h"
    return not files.names.isdisjoint({base, template, f"{base}.in", f"{base}in"})


def _missing_functions(code: tuple[File, ...], files: Files, context: Context) -> Iterator[Risk]:
    """Functions that are called without a condition, and that nothing in the source defines."""
    checked = {name.lower() for name in _checked_names(files, code)}
    names = sorted(
        name
        for name in context.missing_names
        if name not in checked and not _TOO_COMMON.match(name) and f"{name}.c" not in files.names
    )
    if not names:
        return
    any_name = re.compile(rf"(?<!\w){any_of(names)}(?!\w)")
    found: dict[str, Places] = {}
    own: set[str] = set()
    for file in code:
        for name in sorted(set(any_name.findall(file.text)) - own):
            calls = _calls(file, name)
            if calls is None:
                own.add(name)
            else:
                for place in calls:
                    found.setdefault(name, Places()).add(file, place)
    for name, places in found.items():
        if name not in own:
            yield places.risk("libc-function", Severity.BLOCKER, f"no {name}() in the libc")


def any_of(words: Iterable[str]) -> str:
    """A regular expression for any of ``words``, which costs little more than one for a word."""
    by_start: dict[str, set[str]] = {}
    for word in words:
        by_start.setdefault(word[:1], set()).add(word[1:])
    ends = by_start.pop("", None) is not None
    branches = []
    for start, rest in sorted(by_start.items()):
        branches.append(re.escape(start) + (any_of(rest) if rest != {""} else ""))
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)}){'?' if ends else ''}"


def _checked_names(files: Files, code: Iterable[File]) -> Iterator[str]:
    """What configure looks for, as HAVE_ macros say."""
    for file in (*files.of(Use.AUTOCONF, Use.CMAKE, Use.MESON), *code):
        if "HAVE_" in file.text:
            yield from _CONFIGURED.findall(file.text)
        if file.use is not Use.CODE:
            yield from re.findall(r"\b[a-z_]\w{4,}", file.text)


def _calls(file: File, name: str) -> list[int] | None:
    """Where ``file`` surely calls ``name``; ``None`` where it has one of its own."""
    text = file.text
    places = []
    conditions: Conditions | None = None
    for match in re.finditer(rf"\b{re.escape(name)}\b[ \t]*(\()?", text):
        line = _line_before(text, match.start())
        if re.match(r"[ \t]*#[ \t]*(?:define|undef)\b", line) or _declares(line):
            return None
        if not match.group(1) or _WORD_BEFORE.search(line) or _in_comment(text, match.start()):
            continue
        if '"' in line:
            continue
        conditions = conditions or Conditions(text)
        if conditions.reached(match.start()):
            places.append(match.start())
    return places


def _line_before(text: str, place: int) -> str:
    """What stands before ``place`` on its line, or the end of it where that is long."""
    return text[max(0, place - _LINE) : place].rpartition("\n")[2]


def _declares(line: str) -> bool:
    """Whether what stands before a name at the beginning of its line makes it a declaration."""
    if line.lstrip().startswith(("return ", "else ", "case ", "goto ")):
        return False
    return not line or bool(re.fullmatch(r"(?:[A-Za-z_]\w*[ \t*]+)+", line))


def _in_comment(text: str, place: int) -> bool:
    """Whether a comment is open at ``place``, told from the text right before it."""
    before = text[max(0, place - _COMMENT) : place]
    line = _line_before(text, place)
    return before.rfind("/*") > before.rfind("*/") or "//" in line
