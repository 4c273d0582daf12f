# SPDX-License-Identifier: BSD-2-Clause
"""The configuration of upstream's rumprun, as our own form.

That form repeats the keys ``env``, ``net`` and ``blk`` (or lists what they would say), keeps the
programs in ``rc``, ``rc_TESTING`` or ``cmdline``, and has strings for booleans and numbers. What
comes before its first brace is not part of it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rumprun.config.check import find_complaints
from rumprun.config.complaint import Complaint, ConfigError, Path, path_text
from rumprun.config.legacy_devices import add_blk, add_net
from rumprun.config.text import Pairs, Refused, parse_text
from rumprun.wording import nearest, shown

_NO_NAME = re.compile(r"[^A-Za-z0-9+._-]+")


@dataclass(frozen=True, kw_only=True)
class Converted:
    """``document`` in our form, and ``notes`` on what in it is not plainly what it was."""

    document: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The document as JSON."""
        return json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"


def convert_legacy(data: bytes, *, where: str) -> Converted:
    """The legacy form ``data`` as a document that is acceptable; ``where`` names it in messages.

    Raises :class:`ConfigError` for what has no counterpart, with its path in the legacy form, and
    for what would be no acceptable document.
    """
    notes: list[str] = []
    start = max(data.find(b"{"), 0)
    if data[:start].strip():
        notes.append("what comes before the first { is left out")
    try:
        values = parse_text(data[start:], repeated_keys=True)
        document = _converted(values, notes)
    except Refused as refused:
        raise ConfigError(where, [refused.complaint]) from refused
    text = json.dumps(document).encode()
    _document, complaints = find_complaints(text)
    if complaints:
        raise ConfigError(f"{where}, converted", complaints)
    return Converted(document=document, notes=tuple(notes))


def _converted(values: Any, notes: list[str]) -> dict[str, Any]:
    if not isinstance(values, Pairs):
        raise Refused(Complaint(path=(), wrong="is no object", hint="see rumprun's doc/config.md"))
    document: dict[str, Any] = {"version": 1}
    for key, value in values.pairs:
        add = _SECTIONS.get(key)
        if add is None:
            hint = f"{nearest(key, _SECTIONS)}the legacy form has {', '.join(_SECTIONS)}"
            raise Refused(Complaint(path=(key,), wrong="no such key", hint=hint))
        for path, one in _occurrences(key, value):
            add(document, path, one, notes)
    _tell_apart(document.get("rc", []), notes)
    return document


def _occurrences(key: str, value: Any) -> Iterator[tuple[Path, Any]]:
    """What a key says: once, or as the list that was proposed for repeated keys."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield (key, number), one
    else:
        yield (key,), value


def _add_cmdline(document: dict[str, Any], path: Path, value: Any, notes: list[str]) -> None:
    try:
        words = shlex.split(_string(path, value))
    except ValueError as error:
        raise Refused(Complaint(path=path, wrong=f"{error}: {shown(value)}")) from error
    if not words:
        raise Refused(Complaint(path=path, wrong="names no program"))
    entry: dict[str, Any] = {"bin": _program(path, words[0], notes)}
    if words != [entry["bin"]]:
        entry["argv"] = words
    document.setdefault("rc", []).append(entry)


def _add_rc(document: dict[str, Any], path: Path, value: Any, notes: list[str]) -> None:
    if not isinstance(value, Pairs):
        raise Refused(Complaint(path=path, wrong="is no object", hint="with the key bin"))
    unknown = next((key for key in value if key not in ("bin", "argv", "runmode")), None)
    if unknown is not None:
        hint = "the keys here are bin, argv, runmode"
        raise Refused(Complaint(path=(*path, unknown), wrong="no such key", hint=hint))
    name = _string((*path, "bin"), value.get("bin"))
    argv = value.get("argv", [])
    if not isinstance(argv, list):
        raise Refused(Complaint(path=(*path, "argv"), wrong="is no list"))
    entry: dict[str, Any] = {"bin": _program((*path, "bin"), name, notes)}
    if argv or name != entry["bin"]:
        # There argv has no argv[0], which is bin.
        entry["argv"] = [name, *argv]
    if value.get("runmode"):
        entry["runmode"] = value["runmode"]
    document.setdefault("rc", []).append(entry)


def _add_env(document: dict[str, Any], path: Path, value: Any, notes: list[str]) -> None:
    env = document.setdefault("env", {})
    is_object = isinstance(value, Pairs)
    texts: list[Any] = [f"{name}={one}" for name, one in value.items()] if is_object else [value]
    for text in (_string(path, one) for one in texts):
        name, equals, content = text.partition("=")
        if not equals:
            hint = "wanted: NAME=VALUE"
            raise Refused(Complaint(path=path, wrong=f"{shown(text)} sets nothing", hint=hint))
        if env.get(name, content) != content:
            notes.append(f"{path_text(path)}: {name} is set again, and keeps the later value")
        env[name] = content


def _add_hostname(document: dict[str, Any], path: Path, value: Any, notes: list[str]) -> None:
    name = _string(path, value)
    if document.get("hostname", name) != name:
        notes.append(f"{path_text(path)}: there is another before, and the later one is kept")
    document["hostname"] = name


def _program(path: Path, text: str, notes: list[str]) -> str:
    """The name that a program has in an image, for what may be a path."""
    name = _NO_NAME.sub("-", text.rpartition("/")[2]).lstrip("+._-")
    if name != text:
        notes.append(f"{path_text(path)}: {shown(text)} is called {shown(name)} in the image")
    return name


def _tell_apart(entries: list[dict[str, Any]], notes: list[str]) -> None:
    """Give names to entries whose program has one before."""
    taken = {entry["bin"] for entry in entries}
    seen: set[str] = set()
    for place, entry in enumerate(entries):
        if entry["bin"] in seen:
            number = 2
            while f"{entry['bin']}-{number}" in taken:
                number += 1
            entry["name"] = f"{entry['bin']}-{number}"
            taken.add(entry["name"])
            notes.append(f"rc[{place}]: is called {entry['name']}, to tell it from the one before")
        seen.add(entry["bin"])


def _string(path: Path, value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(Complaint(path=path, wrong="is no string"))
    return value


_Adder = Callable[[dict[str, Any], Path, Any, list[str]], None]

_SECTIONS: dict[str, _Adder] = {
    "cmdline": _add_cmdline,
    "rc": _add_rc,
    "rc_TESTING": _add_rc,
    "env": _add_env,
    "hostname": _add_hostname,
    "net": add_net,
    "blk": add_blk,
}
