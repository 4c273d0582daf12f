# SPDX-License-Identifier: BSD-2-Clause
"""What is known of the last build of a source: a JSON document each, written whole."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

from rumprun.errors import InputError
from rumprun.workdir import atomic_path

_SUFFIX = ".json"

_PLACE = "^pool/[^/.][^/]*/[0-9a-f]+/[^/]+[.]deb$"
_TEXT = {"type": "string"}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["source", "version", "identity", "packages", "seconds", "finished"],
    "properties": {
        "source": {"type": "string", "pattern": "^[a-z0-9][a-z0-9+.-]*$"},
        "version": _TEXT,
        "identity": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "packages": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["file", "size", "sha256"],
                "properties": {
                    # Below the repository, and of no other form than what is put there.
                    "file": {
                        "type": "string",
                        "pattern": "^pool/[^/.][^/]*/[0-9a-f]+/[^/]+[.]deb$",
                    },
                    "size": {"type": "integer", "minimum": 0},
                    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                },
            },
        },
        "used": {"type": "object", "additionalProperties": _TEXT},
        "seconds": {"type": "number", "minimum": 0},
        "finished": {"type": "number", "minimum": 0},
        "error": {"type": ["string", "null"]},
        "report": {"type": ["object", "null"]},
        "worker": _TEXT,
    },
}

_VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A package in the repository: ``file`` is its path below it, ``size`` in bytes."""

    file: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """How the last build of a source ended.

    ``used`` are the sources whose variants it used, with the identities of their builds;
    ``seconds`` is its wall time, ``finished`` the time in seconds since the epoch; ``error``
    is why it failed, else ``None``; ``report`` is the builder's own document; ``worker`` is the
    machine that built it, where the builder has several.
    """

    source: str
    version: str
    identity: str
    packages: tuple[Stored, ...]
    used: Mapping[str, str] = field(default_factory=dict)
    seconds: float
    finished: float
    error: str | None = None
    report: Mapping[str, Any] | None = None
    worker: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether there are packages of it."""
        return self.error is None


def read_records(directory: Path) -> dict[str, Record]:
    """The records in ``directory``, by source.

    Raises :class:`InputError` with the file that is damaged.
    """
    found = (_read(path) for path in sorted(directory.glob(f"*{_SUFFIX}")))
    return {record.source: record for record in found}


def write_record(directory: Path, record: Record) -> None:
    """Write ``record`` over the one that its source has, if any."""
    with atomic_path(directory / f"{record.source}{_SUFFIX}") as partial:
        text = json.dumps(dataclasses.asdict(record), indent=1) + "\n"
        partial.write_text(text, encoding="utf-8")


def remove_record(directory: Path, source: str) -> None:
    """Remove the record of ``source``, if there is one."""
    (directory / f"{source}{_SUFFIX}").unlink(missing_ok=True)


def _read(path: Path) -> Record:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        _VALIDATOR.validate(document)
    except (ValueError, RecursionError, jsonschema.ValidationError) as error:
        why = error.message if isinstance(error, jsonschema.ValidationError) else str(error)
        raise InputError(
            f"{path}: damaged record of a build: {why:.200}",
            hint="remove the file: the source is then built again",
        ) from error
    if path.stem != document["source"]:
        raise InputError(f"{path}: is the record of {document['source']}", hint="remove the file")
    packages = tuple(Stored(**row) for row in document.pop("packages"))
    return Record(packages=packages, **document)
