# SPDX-License-Identifier: BSD-2-Clause
"""A plan read from its JSON form, which may come from another machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import jsonschema

from rumprun.archive.model import Need, Node, Plan
from rumprun.archive.plan_text import FORMAT
from rumprun.errors import InputError

# Policy 5.6.1 and 5.6.12; names and versions become parts of file names and of command lines.
_NAME = {"type": "string", "pattern": r"^[a-z0-9][a-z0-9+.-]+\Z"}
_VERSION = {"type": "string", "pattern": r"^[0-9][A-Za-z0-9.+:~-]*\Z"}
_LINE = {"type": "string", "pattern": r"^[^\x00-\x1f\x7f]*\Z", "maxLength": 4096}
_DIGEST = {"type": "string", "pattern": r"^[0-9a-f]{64}\Z"}
_SUITE = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9 ._/-]*\Z"}


def _object(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": sorted(properties),
        "properties": properties,
    }


def _list(items: object, **more: object) -> dict[str, object]:
    return {"type": "array", "items": items, **more}


_NODE = _object(
    source=_NAME,
    version=_VERSION,
    digest=_DIGEST,
    variants=_list(_NAME),
    needs=_list(_object(library=_NAME, source=_NAME, required={"type": "boolean"})),
    because=_LINE,
    dropped={"type": "object", "propertyNames": _NAME, "additionalProperties": _LINE},
    tools=_list(_LINE),
)

SCHEMA = _object(
    format={"const": FORMAT},
    target=_NAME,
    suite=_SUITE,
    asked=_list(_NAME, minItems=1, uniqueItems=True),
    nodes=_list(_NODE, minItems=1),
)

_VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
_HINT = "make one with 'rumpdeb plan --json'"


def read_plan(text: str, *, name: str) -> Plan:
    """The plan that :func:`rumprun.archive.plan_text.as_json` gave as ``text``.

    ``name`` is that of the file, for errors. Raises :class:`InputError` for what is no plan,
    is one of another format, or has an order that nothing could be built in.
    """
    try:
        document = json.loads(text)
        if isinstance(document, dict) and document.get("format", FORMAT) != FORMAT:
            raise InputError(
                f"{name}: a plan of format {document['format']!r:.20}, this is for {FORMAT}",
                hint="make it with the version that builds it",
            )
        _VALIDATOR.validate(document)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: no plan: {error}", hint=_HINT) from error
    except jsonschema.ValidationError as error:
        where = "/".join(map(str, error.absolute_path))
        why = f"{where}: {error.message}" if where else error.message
        raise InputError(f"{name}: no plan: {why:.300}", hint=_HINT) from error
    nodes = tuple(_node(row) for row in document["nodes"])
    _check_order(nodes, document["asked"], name)
    return Plan(
        target=document["target"],
        suite=document["suite"],
        asked=tuple(document["asked"]),
        nodes=nodes,
    )


def _node(row: dict[str, Any]) -> Node:
    return Node(
        source=row["source"],
        version=row["version"],
        digest=row["digest"],
        variants=tuple(row["variants"]),
        needs=tuple(Need(**need) for need in row["needs"]),
        because=row["because"],
        dropped=row["dropped"],
        tools=tuple(row["tools"]),
    )


def _check_order(nodes: Sequence[Node], asked: Sequence[str], name: str) -> None:
    known: set[str] = set()
    for node in nodes:
        late = [need.source for need in node.needs if need.source not in known]
        if late:
            raise InputError(f"{name}: {node.source} comes before {late[0]}, which it needs")
        if node.source in known:
            raise InputError(f"{name}: {node.source} is there twice")
        known.add(node.source)
    missing = [source for source in asked if source not in known]
    if missing:
        raise InputError(f"{name}: {missing[0]} is asked for and not there")
