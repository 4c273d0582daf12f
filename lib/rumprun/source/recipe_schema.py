# SPDX-License-Identifier: BSD-2-Clause
"""What a recipe may say: its JSON Schema, and where a document departs from it.

The schema is the one declaration of the keys. A description in it says what is allowed, and is
what an error quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from rumprun.wording import nearest, shown

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

# Of source and binary packages: Debian Policy 5.6.1 and 5.6.7.
PACKAGE_NAME = "[a-z0-9][a-z0-9+.-]+"
_REASON = {
    "type": "string",
    "pattern": r"\S",
    "description": "some words that say why this is needed",
}
_GLOB = {
    "type": "string",
    "minLength": 1,
    "description": "a path with * and ?, where * stops at a slash and a directory stands for all "
    "below it",
}

_COMMAND = {
    "type": "string",
    "pattern": r"\S",
    "description": "a command line, run without a shell in the source's tree",
}


def _listing(items: Mapping[str, Any]) -> dict[str, Any]:
    """A list with at least one of ``items``."""
    described = f"a list of one or more: {items['description']}"
    return {"type": "array", "minItems": 1, "items": dict(items), "description": described}


def _names(pattern: str, description: str) -> dict[str, Any]:
    return _listing({"type": "string", "pattern": f"^{pattern}$", "description": description})


def _tables(name: str, properties: Mapping[str, Any], *, either: Sequence[str] = ()) -> Any:
    """The tables ``[[name]]``: all keys are needed, or one of ``either`` where it is given."""
    table: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {**properties, "reason": _REASON},
        "required": [*(key for key in properties if key not in either), "reason"],
        "description": f"a table with the keys {', '.join([*properties, 'reason'])}",
    }
    if either:
        table["anyOf"] = [{"required": [key]} for key in either]
    return {"type": "array", "items": table, "description": f"tables with the heading [[{name}]]"}


SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "recipe",
    "description": "what cannot be derived for one source",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "source": {
            "type": "string",
            "pattern": f"^{PACKAGE_NAME}$",
            "description": "the name of the source package, which is also that of the file",
        },
        "versions": {
            "type": "string",
            "minLength": 1,
            "description": "conditions on the source's version, such as '>= 1.2, << 2', with the "
            "operators <<, <=, =, >= and >>",
        },
        "configure": _tables(
            "configure",
            {
                "arguments": _names(
                    r"(-.|[A-Za-z_][A-Za-z0-9_]*=).*",
                    "an argument for configure, cmake or meson, which starts with - or NAME=",
                )
            },
        ),
        "drop": _tables(
            "drop",
            {
                "build-depends": _names(PACKAGE_NAME, "the name of a package in Build-Depends"),
                "package": _names(PACKAGE_NAME, "the name of a binary package of the source"),
            },
            either=("build-depends", "package"),
        ),
        "keep": _tables(
            "keep",
            {
                "build-depends": _names(
                    rf"{PACKAGE_NAME}( \| {PACKAGE_NAME})*",
                    "the name of a package in Build-Depends, or several with ' | ' in between, "
                    "of which each version of the source has one",
                )
            },
        ),
        "add": _tables(
            "add",
            {
                "build-depends": _names(
                    "[a-z0-9][a-z0-9+.-]+-dev", "the name of a library's -dev package"
                )
            },
        ),
        "steps": _tables(
            "steps",
            {"build": _listing(_COMMAND), "install": _listing(_COMMAND)},
            either=("build", "install"),
        ),
        "variant": _tables(
            "variant",
            {
                "name": {
                    "type": "string",
                    "pattern": f"^{PACKAGE_NAME}-rumprun(-dev)?$",
                    "description": "the name of a variant, which ends in -rumprun or -rumprun-dev",
                },
                "of": {
                    "type": "string",
                    "pattern": f"^{PACKAGE_NAME}$",
                    "description": "the binary package of the source that it is a part of",
                },
                "files": _listing(_GLOB),
            },
        ),
        "environment": _tables(
            "environment",
            {
                "name": {
                    "type": "string",
                    "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                    "description": "the name of a variable",
                },
                "value": {"type": "string", "description": "a string"},
            },
        ),
        "profiles": _tables(
            "profiles",
            {
                "add": _names("[a-z0-9][a-z0-9+.-]*", "the name of a build profile"),
                "remove": _names("[a-z0-9][a-z0-9+.-]*", "the name of a build profile"),
            },
            either=("add", "remove"),
        ),
        "exclude": _tables("exclude", {"files": _listing(_GLOB)}),
        "allow": _tables(
            "allow",
            {
                "rule": {
                    "type": "string",
                    "pattern": "^[a-z]+(-[a-z]+)*$",
                    "description": "the name of one of the audit's rules, such as build-path",
                },
                "file": _GLOB,
            },
        ),
    },
}

_VALIDATOR = Draft202012Validator(SCHEMA)

_TYPES = {"array": "a list", "object": "a table", "string": "a string"}


@dataclass(frozen=True, kw_only=True)
class Departure:
    """Where a document departs from the schema: the key, what is wrong, what to write."""

    key: str
    wrong: str
    hint: str


def first_departure(document: Mapping[str, Any]) -> Departure | None:
    """The first departure of a TOML ``document`` from :data:`SCHEMA`; ``None``: there is none.

    A key that is not known comes before others of the same table, which it often explains.
    Raises :class:`ValueError` for numbers that are too long to be shown.
    """
    errors = sorted(
        _VALIDATOR.iter_errors(document),
        key=lambda error: (
            [f"{part:09}" if isinstance(part, int) else part for part in error.absolute_path],
            error.validator != "additionalProperties",
            error.validator,
        ),
    )
    return _departure(errors[0]) if errors else None


def key_path(path: Iterable[str | int]) -> str:
    """``path`` as a user counts: ``configure[1].arguments[2]``, from 1."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += f".{_key(part)}" if text else _key(part)
    return text


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else shown(name)


def _departure(error: Any) -> Departure:
    path = list(error.absolute_path)
    wanted = str(error.schema["description"])
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        unknown = next(name for name in error.instance if name not in known)
        hint = f"{nearest(unknown, known)}the keys here are {', '.join(known)}"
        return Departure(key=key_path([*path, unknown]), wrong="no such key", hint=hint)
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        wanted = str(error.schema["properties"][missing]["description"])
        return Departure(key=key_path([*path, missing]), wrong="missing", hint=f"wanted: {wanted}")
    if error.validator == "anyOf":
        names = [one["required"][0] for one in error.validator_value]
        wrong = f"has neither {' nor '.join(names)}"
        return Departure(key=key_path(path), wrong=wrong, hint=f"wanted: {wanted}")
    return Departure(key=key_path(path), wrong=_wrong(error), hint=f"wanted: {wanted}")


def _wrong(error: Any) -> str:
    """What is the matter with a value: its type, nothing in it, or how it is written."""
    if error.validator == "type":
        return f"is {_kind(error.instance)}, not {_TYPES[error.validator_value]}"
    if not error.instance:
        return "is empty"
    return f"is {shown(error.instance)}"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return f"the string {shown(value)}"
    if isinstance(value, dict):
        return "a single table"
    return "a list" if isinstance(value, list) else "a date or time"
