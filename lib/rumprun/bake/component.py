# SPDX-License-Identifier: BSD-2-Clause
"""What an image is made of, file by file, with the sources that are in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from rumprun.contributions import (
    FILE_SCHEMA,
    SOURCE_SCHEMA,
    Contributions,
    LinkedFile,
    Source,
    file_value,
    read_file,
    read_source,
    source_value,
)

Kind = Literal["kernel", "base", "entrypoint", "program", "file"]

_SIZE = {"type": "integer", "minimum": 0, "maximum": 1 << 62}

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind", "name", "size", "sha256", "source", "own", "linked", "contains"],
    "properties": {
        "kind": {"enum": list(get_args(Kind))},
        "name": {"type": "string", "pattern": "\\A[^\\u0000-\\u001f\\u007f]+\\Z"},
        "size": _SIZE,
        "sha256": {"type": "string", "pattern": "\\A[0-9a-f]{64}\\Z"},
        "source": SOURCE_SCHEMA,
        "own": {**_SIZE, "type": ["integer", "null"]},
        "linked": {"type": ["array", "null"], "items": FILE_SCHEMA},
        "contains": {"type": "array", "items": SOURCE_SCHEMA | {"type": "object"}},
    },
}


@dataclass(frozen=True, kw_only=True)
class Component:
    """One file of an image, or of what the machine unpacks from it.

    ``name`` is its path in the machine, or the image's own name for a kernel, or the board's for a
    base; ``source`` is what it was built from, of a kernel the package, None where unknown.
    ``contributions`` say what was linked into a program; where they are None, ``contains`` are
    sources that are known to be in it, without their sizes.
    """

    kind: Kind
    name: str
    size: int
    sha256: str
    source: Source | None = None
    contributions: Contributions | None = None
    contains: tuple[Source, ...] = ()

    @property
    def linked(self) -> tuple[LinkedFile, ...]:
        """The files that are known to be linked in."""
        return self.contributions.linked if self.contributions else ()


def component_value(component: Component) -> dict[str, Any]:
    """``component`` as :data:`SCHEMA` describes it."""
    said = component.contributions
    return {
        "kind": component.kind,
        "name": component.name,
        "size": component.size,
        "sha256": component.sha256,
        "source": source_value(component.source),
        "own": said.own if said else None,
        "linked": [file_value(file) for file in said.linked] if said else None,
        "contains": [source_value(source) for source in component.contains],
    }


def read_component(value: dict[str, Any]) -> Component:
    """A value that :data:`SCHEMA` has accepted."""
    source = read_source(value["source"])
    said = None
    if value["own"] is not None and value["linked"] is not None:
        linked = tuple(map(read_file, value["linked"]))
        said = Contributions(own=value["own"], source=source, linked=linked)
    return Component(
        kind=value["kind"],
        name=value["name"],
        size=value["size"],
        sha256=value["sha256"],
        source=source,
        contributions=said,
        contains=tuple(
            Source(name=entry["name"], version=entry["version"]) for entry in value["contains"]
        ),
    )
