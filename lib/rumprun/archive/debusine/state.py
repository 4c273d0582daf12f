# SPDX-License-Identifier: BSD-2-Clause
"""What the server has of ours, on disk: a client that was killed goes on where it was."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from rumprun import ui
from rumprun.archive.debusine.configuration import Server
from rumprun.workdir import atomic_path

_SHORT = 16

_ID = {"type": "integer", "minimum": 1}
_IDS = {"type": "object", "additionalProperties": _ID}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["submissions", "files"],
    "properties": {
        "submissions": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["identity", "artifact", "made", "request", "dead", "attempts"],
                "properties": {
                    "identity": {"type": "string"},
                    "artifact": _ID,
                    "made": {"type": "string", "format": "date-time"},
                    "request": {"anyOf": [_ID, {"type": "null"}]},
                    "dead": {"type": "array", "items": _ID},
                    "attempts": {"type": "integer", "minimum": 0},
                },
            },
        },
        "files": _IDS,
    },
}
_VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A build of a source that the server has been asked for.

    ``identity`` is that of the build; ``artifact`` is the source package's, made at ``made`` for
    this build alone; ``request`` is the work request, ``None`` before it is known; ``dead`` are
    earlier ones, and ``attempts`` how many there have been.
    """

    identity: str
    artifact: int
    made: dt.datetime
    request: int | None = None
    dead: tuple[int, ...] = ()
    attempts: int = 0


class State:
    """The submissions by source, and the artifacts of files by their SHA-256.

    Each change is on disk before the method that makes it returns.
    """

    def __init__(self, directory: Path, server: Server) -> None:
        """The state for ``server`` in ``directory``; one that is damaged is begun anew."""
        key = f"{server.url} {server.scope} {server.workspace}"
        name = hashlib.sha256(key.encode()).hexdigest()[:_SHORT]
        self._path = directory / f"{name}.json"
        self._lock = threading.Lock()
        self._submissions: dict[str, Submission] = {}
        self._files: dict[str, int] = {}
        if self._path.is_file():
            self._load()

    def submission(self, source: str) -> Submission | None:
        """The last submission of ``source``."""
        return self._submissions.get(source)

    def submit(self, source: str, submission: Submission) -> None:
        """Keep ``submission`` in the place of an earlier one of ``source``."""
        with self._lock:
            self._submissions[source] = submission
            self._save()

    def forget(self, source: str) -> None:
        """Forget the submission of ``source``."""
        with self._lock:
            if self._submissions.pop(source, None) is not None:
                self._save()

    def file(self, sha256: str) -> int | None:
        """The artifact with the file of this hash."""
        return self._files.get(sha256)

    def keep_files(self, hashes: Iterable[str], artifact: int) -> None:
        """Keep that ``artifact`` has the files of these hashes."""
        with self._lock:
            self._files.update(dict.fromkeys(hashes, artifact))
            self._save()

    def forget_files(self, artifacts: Iterable[int]) -> None:
        """Forget what the server does not have any longer."""
        gone = frozenset(artifacts)
        with self._lock:
            self._files = {key: value for key, value in self._files.items() if value not in gone}
            self._save()

    def _load(self) -> None:
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            _VALIDATOR.validate(document)
            rows: dict[str, dict[str, Any]] = document["submissions"]
            self._submissions = {
                source: Submission(
                    made=dt.datetime.fromisoformat(row.pop("made")),
                    dead=tuple(row.pop("dead")),
                    **row,
                )
                for source, row in rows.items()
            }
            self._files = document["files"]
        except (ValueError, RecursionError, jsonschema.ValidationError) as error:
            why = error.message if isinstance(error, jsonschema.ValidationError) else str(error)
            ui.warn(f"{self._path}: damaged, so what the server has is sent again: {why:.200}")

    def _save(self) -> None:
        document = {
            "submissions": {
                source: {**dataclasses.asdict(item), "made": item.made.isoformat()}
                for source, item in self._submissions.items()
            },
            "files": self._files,
        }
        with atomic_path(self._path) as partial:
            partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
