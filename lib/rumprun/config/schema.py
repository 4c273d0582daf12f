# SPDX-License-Identifier: BSD-2-Clause
"""Where a document departs from its JSON Schema, ``share/runtime-config.schema.json``.

The schema is the one declaration of the keys; its descriptions are what complaints quote.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from rumprun import paths
from rumprun.config.complaint import Complaint, Path
from rumprun.wording import nearest, shown

SCHEMA_FILE = paths.DATA / "share" / "runtime-config.schema.json"

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "object": "an object",
    "string": "a string",
}


@functools.cache
def load_schema() -> dict[str, Any]:
    """The schema as it is shipped."""
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


def complaints_about(document: Any, schema: dict[str, Any] | None = None) -> list[Complaint]:
    """Where ``document`` departs from ``schema`` (default: the shipped one), in order of paths.

    A key that is not known comes before others of the same object, which it often explains. Of
    several faults of one value the first is told.
    """
    validator = _validator_class()(load_schema() if schema is None else schema)
    found = sorted(
        validator.iter_errors(document),
        key=lambda error: (
            [f"{part:09}" if isinstance(part, int) else part for part in error.absolute_path],
            error.validator != "additionalProperties",
            error.validator != "type",
            str(error.validator),
        ),
    )
    first: dict[Path, Complaint] = {}
    for complaint in (complaint for error in found for complaint in _complaints(error)):
        first.setdefault(complaint.path, complaint)
    return list(first.values())


@functools.cache
def _validator_class() -> Any:
    """The draft's validator with the differences that two languages need to agree.

    An integer is one that is written so (the draft takes 1.0 for one, too), and ``$`` is the end
    alone (in Python also before a newline there).
    """
    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _checker, value: isinstance(value, int) and not isinstance(value, bool)
    )
    return validators.extend(
        Draft202012Validator, validators={"pattern": _pattern}, type_checker=types
    )


def _pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re.search(re.sub(r"\$\Z", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _complaints(error: Any) -> Iterator[Complaint]:
    path = tuple(error.absolute_path)
    wanted = f"wanted: {error.schema.get('description', 'something else')}"
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        for name in error.instance:
            if name not in known:
                hint = f"{nearest(name, known)}the keys here are {', '.join(known)}"
                yield Complaint(path=(*path, name), wrong="no such key", hint=hint)
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield Complaint(path=(*path, name), wrong="missing", hint=wanted)
    elif error.parent is None and "propertyNames" in error.absolute_schema_path:
        hint = f"{_nearest_of(error)}{wanted}"
        yield Complaint(path=(*path, error.instance), wrong="no name for this", hint=hint)
    elif path == ("version",) and error.validator == "maximum":
        newest = error.validator_value
        hint = f"this knows versions up to {newest}: use a newer dh-rumprun"
        yield Complaint(path=path, wrong=f"is {error.instance}", hint=hint)
    else:
        yield Complaint(path=path, wrong=_wrong(error), hint=f"{_nearest_of(error)}{wanted}")


def _nearest_of(error: Any) -> str:
    if error.validator != "enum" or not isinstance(error.instance, str):
        return ""
    return nearest(error.instance, error.validator_value)


def _wrong(error: Any) -> str:
    """What is the matter with a value: its type, how much is in it, or how it is written."""
    value = error.instance
    if error.validator == "type":
        wanted = error.validator_value
        words = " or ".join(
            _TYPES[one] for one in ([wanted] if isinstance(wanted, str) else wanted)
        )
        return f"is {_kind(value)}, not {words}"
    if isinstance(value, list | dict):
        return f"has {len(value)} of them" if value else "is empty"
    return f"is {shown(value)}" if isinstance(value, str) else f"is {_kind(value)}"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"the number {value}"
    if isinstance(value, float):
        return "a number with a fraction or exponent, or too large"
    if isinstance(value, str):
        return f"the string {shown(value)}"
    if value is None:
        return "null"
    return "a list" if isinstance(value, list) else "an object"
