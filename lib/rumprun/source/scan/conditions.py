# SPDX-License-Identifier: BSD-2-Clause
"""Which lines of a C file the target's compiler surely sees.

The conditionals around a line are judged with what is known of every target: it is Linux, on
x86-64, with gcc, and its libc is not glibc. A condition on anything else, such as ``HAVE_FTS_H``,
is the source's own decision, and what it guards is not held against the source.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

_DEFINED = frozenset(
    {
        "_GNU_SOURCE", "__ELF__", "__GNUC__", "__STDC__", "__amd64__", "__gnu_linux__", "__linux",
        "__linux__", "__unix", "__unix__", "__x86_64__", "linux", "unix",
    }
)  # fmt: skip
_UNDEFINED = frozenset(
    {
        "AMIGA", "BSD", "MSDOS", "OS2", "VMS", "WIN32", "WINDOWS", "_AIX", "_MSC_VER", "_WIN32",
        "_WIN64", "__ANDROID__", "__APPLE__", "__BORLANDC__", "__BSD__", "__CYGWIN__", "__DJGPP__",
        "__DragonFly__", "__EMSCRIPTEN__", "__EMX__", "__FreeBSD__", "__FreeBSD_kernel__",
        "__GLIBC__", "__GNU_LIBRARY__", "__HAIKU__", "__MACH__", "__MINGW32__", "__MSDOS__",
        "__NetBSD__", "__OS2__", "__OpenBSD__", "__QNX__", "__SVR4", "__UCLIBC__", "__VMS",
        "__WATCOMC__", "__aarch64__", "__arm__", "__hpux", "__i386__", "__osf__", "__sgi", "__sun",
        "__sun__", "_ULTRIX", "__ultrix", "hpux", "macintosh", "sgi", "sun", "ultrix", "vms",
    }
)  # fmt: skip

_DIRECTIVE = re.compile(
    r"\n[ \t]*\#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b((?:[^\n\\]|\\\n|\\(?!\n))*)", re.VERBOSE
)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|/\*.*", re.DOTALL)
_TOKEN = re.compile(
    r"defined\s*\(\s*(\w+)\s*\)|defined\s+(\w+)|(&&|\|\||!(?!=)|[()])|(\d+)[uUlL]*|(\w+)|(\S)"
)

Truth = bool | None


class Conditions:
    """The conditionals of one file's text; a newline stands before its first line."""

    def __init__(self, text: str) -> None:
        marks = list(_marks(text))
        self._places = [place for place, _truth in marks]
        self._truths = [truth for _place, truth in marks]

    def reached(self, place: int) -> bool:
        """Whether the line at ``place`` is compiled for sure."""
        number = bisect.bisect_left(self._places, place)
        return number == 0 or self._truths[number - 1] is True


def _marks(text: str) -> Iterator[tuple[int, Truth]]:
    """Where what is known changes: the position, and whether what follows is compiled."""
    # Of each level: is it compiled as a whole, is the current branch, and was one before it.
    levels: list[tuple[Truth, Truth, Truth]] = []
    total: Truth = True
    for number, match in enumerate(_DIRECTIVE.finditer(text)):
        kind, rest = match.group(1), match.group(2)
        if kind in ("if", "ifdef", "ifndef"):
            value = _opening(kind, rest, text, match.end(), first=number == 0)
            levels.append((total, value, value))
        elif levels and kind in ("elif", "else"):
            whole, _current, before = levels[-1]
            new: Truth = True if kind == "else" else truth_of(rest)
            levels[-1] = (whole, _both(_negated(before), new), _either(before, new))
        elif levels and kind == "endif":
            levels.pop()
        total = _both(levels[-1][0], levels[-1][1]) if levels else True
        yield match.end(), total


def _opening(kind: str, rest: str, text: str, end: int, *, first: bool) -> Truth:
    if kind == "if":
        value = truth_of(rest)
        if value is None and first:
            guard = re.match(r"\s*!\s*defined\s*\(?\s*(\w+)", rest)
            value = True if guard and _defines_next(text, end, guard.group(1)) else None
        return value
    words = _COMMENT.sub(" ", rest).split()
    name = words[0] if words else ""
    if kind == "ifdef":
        return _is_defined(name)
    if first and _defines_next(text, end, name):
        return True
    return _negated(_is_defined(name))


def _defines_next(text: str, end: int, name: str) -> bool:
    """Whether it is an include guard: the next directive defines the name asked for."""
    match = re.compile(r"[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE).search(
        text, end, end + 2000
    )
    return match is not None and match.group(1) == name


def truth_of(condition: str) -> Truth:
    """Whether ``condition`` of an ``#if`` holds for the target; ``None``: nobody knows."""
    words = [match.groups() for match in _TOKEN.finditer(_COMMENT.sub(" ", condition))]
    if len(words) > 200:
        return None
    value, rest = _disjunction(words, 0)
    return value if rest == len(words) else None


_Words = list[tuple[str, ...]]


def _disjunction(words: _Words, place: int) -> tuple[Truth, int]:
    value, place = _conjunction(words, place)
    while place < len(words) and words[place][2] == "||":
        other, place = _conjunction(words, place + 1)
        value = _either(value, other)
    return value, place


def _conjunction(words: _Words, place: int) -> tuple[Truth, int]:
    value, place = _comparison(words, place)
    while place < len(words) and words[place][2] == "&&":
        other, place = _comparison(words, place + 1)
        value = _both(value, other)
    return value, place


def _comparison(words: _Words, place: int) -> tuple[Truth, int]:
    """A term, or several with arithmetic between them, of which nobody knows the value."""
    value, place = _term(words, place)
    while place < len(words) and words[place][2] not in ("&&", "||", ")"):
        _other, after = _term(words, place + 1 if words[place][5] else place)
        value, place = None, max(after, place + 1)
    return value, place


def _term(words: _Words, place: int) -> tuple[Truth, int]:
    if place >= len(words):
        return None, place
    function, plain, symbol, number, name, _other = words[place]
    if function or plain:
        return _is_defined(function or plain), place + 1
    if symbol == "!":
        value, place = _term(words, place + 1)
        return _negated(value), place
    if symbol == "(":
        value, place = _disjunction(words, place + 1)
        return value, place + 1
    if number:
        return int(number[:9]) != 0, place + 1
    if name:
        known = _is_defined(name)
        called = place + 1 < len(words) and words[place + 1][2] == "("
        return (None if called else known), place + 1
    return None, place + 1


def _is_defined(name: str) -> Truth:
    if name in _DEFINED:
        return True
    return False if name in _UNDEFINED else None


def _negated(value: Truth) -> Truth:
    return None if value is None else not value


def _both(one: Truth, other: Truth) -> Truth:
    if one is False or other is False:
        return False
    return True if one and other else None


def _either(one: Truth, other: Truth) -> Truth:
    return _negated(_both(_negated(one), _negated(other)))
