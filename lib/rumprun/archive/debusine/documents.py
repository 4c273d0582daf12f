# SPDX-License-Identifier: BSD-2-Clause
"""What a debusine server says of artifacts and work requests, checked before it is used.

The fields are those of debusine 0.16; see ``server/serializers.py`` of its source.
"""

from __future__ import annotations

import datetime as dt
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema

from rumprun.errors import InputError

_ID = {"type": "integer", "minimum": 1}
_TIME = {"type": "string", "maxLength": 64}

_REQUEST = {
    "type": "object",
    "required": ["id", "created_at", "status", "result", "worker", "task_data", "artifacts"],
    "properties": {
        "id": _ID,
        "created_at": _TIME,
        "status": {"enum": ["pending", "running", "completed", "aborted", "blocked"]},
        "result": {"enum": ["", None, "success", "failure", "error", "skipped"]},
        "worker": {"anyOf": [_ID, {"type": "null"}]},
        "task_data": {"type": "object"},
        "artifacts": {"type": "array", "items": _ID},
    },
}

_FILE = {
    "type": "object",
    "required": ["size", "checksums", "url"],
    "properties": {
        "size": {"type": "integer", "minimum": 0},
        "checksums": {
            "type": "object",
            "required": ["sha256"],
            "properties": {"sha256": {"type": "string", "pattern": r"^[0-9a-f]{64}\Z"}},
        },
        "url": {"type": "string"},
    },
}

_ARTIFACT = {
    "type": "object",
    "required": [
        *("id", "category", "created_at", "download_tar_gz_url", "files", "files_to_upload"),
    ],
    "properties": {
        "id": _ID,
        "category": {"type": "string"},
        "created_at": _TIME,
        "download_tar_gz_url": {"type": "string"},
        "files": {"type": "object", "additionalProperties": _FILE},
        "files_to_upload": {"type": "array", "items": {"type": "string"}},
    },
}

_PAGE = {
    "type": "object",
    "required": ["next", "results"],
    "properties": {
        "next": {"type": ["string", "null"]},
        "results": {"type": "array", "items": _REQUEST},
    },
}

_REQUESTS = jsonschema.Draft202012Validator(_REQUEST)
_ARTIFACTS = jsonschema.Draft202012Validator(_ARTIFACT)
_PAGES = jsonschema.Draft202012Validator(_PAGE)


@dataclass(frozen=True, kw_only=True)
class WorkRequest:
    """A build on the server.

    ``made`` is when it was asked for; ``worker`` is the number of the machine, once there is
    one; ``artifacts`` are the numbers of what came of it, in the order in which they were made;
    ``source`` is the number of the source package's, where the request is for a build.
    """

    number: int
    made: dt.datetime
    status: str
    result: str
    worker: int | None
    artifacts: tuple[int, ...]
    source: int | None


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file of an artifact; ``path`` is where the server has it, without host."""

    name: str
    size: int
    sha256: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """An artifact; ``wanted`` are the names of its files that the server does not have yet.

    ``archive`` is where the server has all of it as a .tar.gz, as the path of a file.
    """

    number: int
    category: str
    made: dt.datetime
    files: tuple[RemoteFile, ...]
    wanted: tuple[str, ...]
    archive: str


def read_request(document: object) -> WorkRequest:
    """The work request that ``document`` describes; raises :class:`InputError`."""
    return _request(_valid(_REQUESTS, document, "work request"))


def read_page(document: object) -> tuple[tuple[WorkRequest, ...], str | None]:
    """The work requests on a page, and the cursor of the next page if there is one."""
    page = _valid(_PAGES, document, "page of work requests")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(page["next"] or "").query)
    return tuple(map(_request, page["results"])), next(iter(query.get("cursor", ())), None)


def read_artifact(document: object) -> Artifact:
    """The artifact that ``document`` describes; raises :class:`InputError`."""
    fields = _valid(_ARTIFACTS, document, "artifact")
    return Artifact(
        number=fields["id"],
        category=fields["category"],
        made=_time(fields["created_at"]),
        files=tuple(
            RemoteFile(
                name=name,
                size=file["size"],
                sha256=file["checksums"]["sha256"],
                path=_path(file["url"]),
            )
            for name, file in fields["files"].items()
        ),
        wanted=tuple(fields["files_to_upload"]),
        archive=_path(fields["download_tar_gz_url"]),
    )


def _path(url: str) -> str:
    """``url`` without its host: the token is for one alone."""
    return urllib.parse.urlunsplit(("", "", *urllib.parse.urlsplit(url)[2:4], ""))


def _request(fields: Mapping[str, Any]) -> WorkRequest:
    given = fields["task_data"].get("input")
    source = given.get("source_artifact") if isinstance(given, dict) else None
    return WorkRequest(
        number=fields["id"],
        made=_time(fields["created_at"]),
        status=fields["status"],
        result=fields["result"] or "",
        worker=fields["worker"],
        artifacts=tuple(fields["artifacts"]),
        source=source if isinstance(source, int) else None,
    )


def _time(text: str) -> dt.datetime:
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"the debusine server has {text!r} for a time") from error
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)


def _valid(validator: Any, document: object, what: str) -> Any:
    try:
        validator.validate(document)
    except jsonschema.ValidationError as error:
        where = "/".join(map(str, error.absolute_path))
        raise InputError(
            f"the debusine server's {what} is not as expected: {where}: {error.message:.200}",
            hint="debusine 0.16 is what this is made for",
        ) from error
    return document
