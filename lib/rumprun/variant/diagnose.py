# SPDX-License-Identifier: BSD-2-Clause
"""Why a build failed, read from its log: the class of failure, the line, the remedy.

A log ends with a cascade of "Error 2" lines. The root is found from the first line by which a
tool of the last step gives up, and from the messages right above it (make, ninja, debhelper) or
below it (cmake, configure, meson).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rumprun.variant.audit.finding import printable
from rumprun.variant.failure_classes import (
    LINE_LIMIT,
    FailureClass,
    FailureClasses,
    LineMatch,
    failure_classes,
    plain_quotes,
)

# How far from the line that gives up its reason is looked for, in lines and in characters; and
# how many lines may lie between two messages of one failure.
_LINES_ABOVE = 2000
_LINES_BELOW = 400
_REACH = 1_000_000
_GAP = 60
_GAP_IN_CONFIG_LOG = 2
_LINES_OF_HINTS = 3
# Without a line that gives up, only what stands at the very end explains anything.
_LINES_AT_END = 200
_CHECKS_OF_A_TEXT = 1000
_CONTEXT = 3

# The class of a failure that fits no other.
UNKNOWN = "unknown"
_SHOWN = 300

_COLOURS = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
# debhelper's own steps, and those of the variant pass.
_STEP = re.compile(r"\n(?:(?:   )?dh_\w+(?= |\n)|(?:   )?debian/rules \w|\$ debian/rules )")
# How each run of a source's rules begins in our logs; a pass may be repeated with less.
_RUN_OF_RULES = "\n$ debian/rules "
# debhelper shows these files where a configure step failed; all that follows is a copy.
_DUMP = re.compile(r"\n\t(?:cd \S{1,500} && )?(?:\w+=\S{1,200} )?tail -v -n \\?\+0 ")
_CONFIG_LOG = re.compile(r"\n==> \S{0,500}config\.log <==\n")
_CONFIGURE_GAVE_UP = re.compile(r"\nconfigure:\d+: error: ")
_IGNORED = re.compile(r"g?make(?:\[\d+\])?: \[.*\(ignored\)$")
_END_OF_BLOCK = re.compile(r"\[\d+/\d+\] |ninja: |-- |g?make(?:\[\d+\])?: ")
_MADE = re.compile(r"\*\*\* \[(?:[^\]]*: )?([^\]:]+)\.(?:o|lo|os|obj|pic_o)\]")


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Why a build failed, as far as its log tells.

    ``name`` and ``title`` are of the failure class, "unknown" if none fits; ``line_number``
    counts from 1; ``subject`` is the header, library, option … that the line is about. Lines are
    shown with plain quotes, printable, and cut if they are long.
    """

    name: str
    title: str
    line_number: int
    line: str
    remedy: str
    subject: str | None
    context: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Plain data, with the class under ``class``."""
        return {
            "class": self.name,
            "title": self.title,
            "line_number": self.line_number,
            "line": self.line,
            "subject": self.subject,
            "remedy": self.remedy,
            "context": list(self.context),
        }


@dataclass(frozen=True, kw_only=True)
class _Message:
    """A line of the log that belongs to a class; ``index`` counts lines of the part looked at."""

    index: int
    offset: int
    line: str
    match: LineMatch

    @property
    def is_unknown(self) -> bool:
        return self.match.failure_class.name == UNKNOWN


@dataclass(frozen=True, kw_only=True)
class _Stop:
    """The line by which a tool gives up: where it is and on which side its reason stands."""

    start: int
    end: int
    reason_below: bool


def diagnose(text: str) -> Diagnosis | None:
    """Say why the build that wrote ``text`` failed; None where nothing tells of a failure.

    Any text will do, also one that was decoded from arbitrary bytes with replacements.
    """
    known = failure_classes()
    # Every line begins behind a line end, so that this is all a search has to look for.
    log = "\n" + plain(text)
    dump = _DUMP.search(log, max(0, log.rfind(_RUN_OF_RULES)))
    end = dump.start() if dump else len(log)
    begin = _last_step(log, end)
    decisive = _decisive(log, begin, end, known)
    if decisive:
        return _report(log, decisive, known)
    stop = _first_stop(log, begin, end, known)
    if stop is None:
        return _without_stop(log, begin, end, known)
    message = _reason(log, begin, end, stop, known)
    if message is None or message.is_unknown or message.match.strength == "summary":
        message = (
            _hint(log, begin, stop, known) or _from_config_log(log[end:], end, known) or message
        )
    return _report(log, message or _as_unknown(log, stop, known), known)


def explain_error(log: Path, said: str = "") -> str | None:
    """One paragraph on why the build that wrote ``log`` failed, to append to an error.

    ``said`` is what the log does not know, such as that the time ran out. None where the log
    cannot be read or does not tell more than the error itself.
    """
    # Of the error itself only the first line counts; the others quote the log.
    found = diagnose(said.partition("\n")[0])
    place = "its error"
    if found is None:
        try:
            found = diagnose(log.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return None
        place = f"line {found.line_number} of {log}" if found else ""
    if found is None or found.name == UNKNOWN:
        return None
    return f"{found.name}: {found.title} ({place}: {found.line}); {found.remedy}"


def plain(text: str) -> str:
    """``text`` without terminal colours, with plain line ends and quotes; as many lines."""
    text = text.replace("\r\n", "\n")
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    return plain_quotes(text)


def _last_step(log: str, end: int) -> int:
    """Where the last step begins: what earlier ones said was no reason to stop."""
    return max(_last_line(log, end, text) for text in ("dh_", "debian/rules "))


def _last_line(log: str, end: int, text: str) -> int:
    """The line end before the last step that has ``text`` near its beginning; or 0."""
    place = end
    while (place := log.rfind(text, 0, place)) > 0:
        line_start = log.rfind("\n", max(0, place - 5), place)
        if line_start >= 0 and _STEP.match(log, line_start, end):
            return line_start
    return 0


def _decisive(log: str, begin: int, end: int, known: FailureClasses) -> _Message | None:
    """The first line about the machine itself, such as a full disk, wherever it stands."""
    found: list[_Message] = []
    for failure_class in known.classes:
        for text in failure_class.decisive:
            place = begin
            for _attempt in range(_CHECKS_OF_A_TEXT):
                place = log.find(text, place, end)
                if place < 0:
                    break
                line_start = log.rfind("\n", max(begin, place - LINE_LIMIT), place) + 1
                line = log[line_start : place + LINE_LIMIT].partition("\n")[0]
                match = known.match(line) if line_start else None
                if match and match.failure_class is failure_class:
                    found.append(_Message(index=0, offset=line_start, line=line, match=match))
                    break
                place += len(text)
    return min(found, key=lambda message: message.offset) if found else None


def _first_stop(log: str, begin: int, end: int, known: FailureClasses) -> _Stop | None:
    """The first line that gives up, unless make was told to ignore it."""
    for found in known.stop.finditer(log, begin, end):
        start = found.start() + 1
        line_end = log.find("\n", start, min(end, start + LINE_LIMIT))
        if line_end < 0:
            line_end = min(end, start + LINE_LIMIT)
        following = log[line_end + 1 : line_end + LINE_LIMIT].split("\n", 3)[:3]
        if not any(map(_IGNORED.match, following)):
            return _Stop(start=start, end=line_end, reason_below=found["below"] is not None)
    return None


def _reason(log: str, begin: int, end: int, stop: _Stop, known: FailureClasses) -> _Message | None:
    """The message that explains ``stop``, looked for on its own side first."""
    above_start = max(begin, stop.start - _REACH)
    above = _messages(log[above_start : stop.end], above_start, known, last=_LINES_ABOVE)
    below = _below(log, end, stop, known)
    made = None if stop.reason_below else _MADE.search(log, stop.start, stop.end)
    stem = PurePosixPath(made[1]).name if made else None
    near_above = _root(_last_group(above, _GAP), stem)
    near_below = _root(below, None)
    if stop.reason_below:
        return near_below or near_above
    return near_above or near_below


def _below(log: str, end: int, stop: _Stop, known: FailureClasses) -> list[_Message]:
    """The messages from ``stop`` on to where another command or step begins."""
    part = log[stop.start : min(end, stop.end + _REACH)]
    lines = part.split("\n", _LINES_BELOW + 1)[: _LINES_BELOW + 1]
    size = len(lines[0])
    for line in lines[1:]:
        if _END_OF_BLOCK.match(line):
            break
        size += 1 + len(line)
    return _messages(part[:size], stop.start, known, last=_LINES_BELOW + 1)


def _messages(part: str, offset: int, known: FailureClasses, *, last: int) -> list[_Message]:
    """The classified lines among the ``last`` lines of ``part``, which begins at ``offset``."""
    lines = part.split("\n")
    found = []
    for index, line in enumerate(lines):
        if index >= len(lines) - last and (match := known.match(line)):
            harmless = match.strength == "hints" or _is_ignored(lines, index)
            if not harmless and not _in_cmake_warning(lines, index):
                found.append(_Message(index=index, offset=offset, line=line, match=match))
        offset += len(line) + 1
    return found


def _is_ignored(lines: Sequence[str], index: int) -> bool:
    return any(map(_IGNORED.match, lines[index + 1 : index + 3]))


def _in_cmake_warning(lines: Sequence[str], index: int) -> bool:
    """Whether the line is part of a message that cmake itself calls a warning."""
    if not lines[index].startswith("  "):
        return False
    for line in reversed(lines[max(0, index - 30) : index]):
        if line.strip() and not line.startswith("  "):
            return line.startswith(("CMake Warning", "CMake Deprecation Warning"))
    return False


def _last_group(messages: Sequence[_Message], gap: int) -> list[_Message]:
    """The messages at the end with no more than ``gap`` lines from each to the next."""
    first = len(messages)
    while first and (
        first == len(messages) or messages[first].index - messages[first - 1].index <= gap
    ):
        first -= 1
    return list(messages[first:])


def _root(messages: Sequence[_Message], stem: str | None) -> _Message | None:
    """The one of ``messages`` that the others follow from.

    ``stem`` is the name of the object that was being made: with parallel jobs, messages about
    other files may stand between.
    """
    if stem is not None:
        pattern = re.compile(rf"(?:^|/){re.escape(stem)}\.\w{{1,4}}[:(]")
        messages = [item for item in messages if pattern.search(item.line)] or messages
    for strength in ("patterns", "summary"):
        for message in messages:
            if message.match.strength == strength:
                return message
    # What may be harmless is no reason if errors that no class knows follow it.
    known = [place for place, item in enumerate(messages) if not item.is_unknown]
    last = known[-1] if known else -1
    rest = messages[last + 1 :]
    return rest[0] if rest else (messages[last] if known else None)


def _hint(log: str, begin: int, stop: _Stop, known: FailureClasses) -> _Message | None:
    """The failed check right above an error of configure."""
    if not stop.reason_below:
        return None
    start = max(begin, stop.start - _LINES_OF_HINTS * LINE_LIMIT)
    offset = stop.start
    for line in reversed(log[start : stop.start].split("\n")[-_LINES_OF_HINTS - 1 : -1]):
        offset -= len(line) + 1
        match = known.match(line)
        if match and match.strength == "hints":
            return _Message(index=0, offset=offset, line=line, match=match)
    return None


def _from_config_log(dump: str, offset: int, known: FailureClasses) -> _Message | None:
    """The message in a shown config.log right above where configure gave up."""
    begin = _CONFIG_LOG.search(dump)
    stop = _CONFIGURE_GAVE_UP.search(dump, begin.end()) if begin else None
    if begin is None or stop is None:
        return None
    start = max(begin.end(), stop.start() - _REACH)
    messages = _messages(dump[start : stop.start()], offset + start, known, last=_GAP)
    return _root(_last_group(messages, _GAP_IN_CONFIG_LOG), None)


def _without_stop(log: str, begin: int, end: int, known: FailureClasses) -> Diagnosis | None:
    """A log that just ends: only what is a failure by itself counts."""
    start = max(begin, end - _REACH)
    messages = _messages(log[start:end], start, known, last=_LINES_AT_END)
    strong = [item for item in messages if item.match.strength == "patterns"]
    message = _root(_last_group(strong, _GAP), None)
    return _report(log, message, known) if message else None


def _as_unknown(log: str, stop: _Stop, known: FailureClasses) -> _Message:
    unknown = known.by_name(UNKNOWN)
    match = LineMatch(
        failure_class=unknown, strength="weak", subject=None, pattern=unknown.patterns[0][1]
    )
    return _Message(index=0, offset=stop.start, line=log[stop.start : stop.end], match=match)


def _report(log: str, message: _Message, known: FailureClasses) -> Diagnosis:
    failure_class = message.match.failure_class
    # Before this line are as many line ends as its number, for the log begins with one.
    number = log.count("\n", 0, message.offset)
    return Diagnosis(
        name=failure_class.name,
        title=failure_class.title,
        line_number=number,
        line=_shown(message.line),
        remedy=fill_remedy(failure_class, message.match.subject, known),
        subject=printable(message.match.subject) if message.match.subject else None,
        context=tuple(_context(log, message.offset)),
    )


def fill_remedy(failure_class: FailureClass, subject: str | None, known: FailureClasses) -> str:
    """The remedy of ``failure_class`` in the case of ``subject``."""
    owner = known.owner_of(subject) if subject else None
    # Not str.format: the subject may hold braces.
    return failure_class.remedy.replace(
        "{owner}", f" (by its name, that of {owner})" if owner else ""
    ).replace("{subject}", _shown(subject) if subject else failure_class.nothing)


def _context(log: str, offset: int) -> Iterable[str]:
    start = max(1, offset - _CONTEXT * LINE_LIMIT)
    before = log[start:offset].split("\n")[-_CONTEXT - 1 : -1]
    after = log[offset : offset + (_CONTEXT + 1) * LINE_LIMIT].split("\n")[: _CONTEXT + 1]
    return (_shown(line) for line in (*before, *after))


def _shown(line: str) -> str:
    line = line.strip()
    return printable(line if len(line) <= _SHOWN else line[: _SHOWN - 2] + " …")
