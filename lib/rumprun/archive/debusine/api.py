# SPDX-License-Identifier: BSD-2-Clause
"""What of debusine's API builds need."""

from __future__ import annotations

import datetime as dt
import shutil
import tarfile
import urllib.parse
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rumprun.archive.debusine.client import API_VERSION, Client, Refused
from rumprun.archive.debusine.documents import (
    Artifact,
    RemoteFile,
    WorkRequest,
    read_artifact,
    read_page,
    read_request,
)
from rumprun.digest import sha256_of
from rumprun.errors import InputError, MissingError, SystemFault

# Django REST framework's page size in debusine's settings: more at once is more pages.
PAGE = 10

_MOST_PAGES = 200
_NO_NUMBER = "none"

# What tar(5) has for each file, with a long name, and at the end.
_TAR_HEADERS = 4096
_TAR_END = 65536


@dataclass(frozen=True, kw_only=True)
class Description:
    """An artifact to make: ``data`` is what its category wants, ``files`` are by name."""

    category: str
    data: Mapping[str, Any]
    files: Mapping[str, Path]


class Api:
    """The calls, each with its documents read and checked."""

    def __init__(self, client: Client) -> None:
        """All calls go through ``client``."""
        self.client = client
        self._server = client.server

    def check(self) -> None:
        """See that the server is one that we can use, and lets us in.

        Raises :class:`MissingError` for another API, :class:`SystemFault` for a bad token.
        """
        try:
            who = self.client.get("whoami/")
        except Refused as error:
            if error.status == 404:
                raise self._unsupported(f"no API {API_VERSION} with 'whoami'") from error
            raise
        if not isinstance(who, dict) or not isinstance(who.get("auth"), bool):
            raise self._unsupported("another answer to 'whoami'")
        if not who["auth"]:
            raise SystemFault(
                f"{self._server.name} does not know the token",
                hint="it may be revoked or expired; run 'debusine setup' for another",
            )
        # An API that has the filter refuses what is no number; an older one ignores it.
        try:
            self.client.get("work-request/", ids=_NO_NUMBER)
        except Refused as error:
            if error.status == 400:
                return
            raise
        raise self._unsupported("work requests cannot be asked for by number")

    def _unsupported(self, why: str) -> MissingError:
        return MissingError(
            f"{self._server.name} has no API that this can use: {why}",
            hint="debusine 0.16 or newer is needed, as in trixie-backports",
        )

    def create_artifact(self, description: Description) -> Artifact:
        """Make an artifact with its files.

        Raises :class:`SystemFault` where the server has no room for them.
        """
        files = {
            name: {
                "size": path.stat().st_size,
                "checksums": {"sha256": sha256_of(path)},
                "type": "file",
                "content_type": "application/octet-stream",
            }
            for name, path in description.files.items()
        }
        body = {
            "category": description.category,
            "workspace": self._server.workspace,
            "data": description.data,
            "files": files,
        }
        # Once too often is an artifact that nothing uses and that expires.
        made = read_artifact(self.client.post("artifact/", body, repeat=True))
        for name in made.wanted:
            if name not in description.files:
                raise InputError(f"{self._server.name} wants a file that there is not: {name!r}")
            place = f"artifact/{made.number}/files/{urllib.parse.quote(name)}/"
            self.client.put(place, description.files[name])
        return made

    def artifact(self, number: int) -> Artifact:
        """The artifact ``number``."""
        return read_artifact(self.client.get(f"artifact/{number}/"))

    def download(self, file: RemoteFile, destination: Path) -> None:
        """Write ``file`` to ``destination``.

        Raises :class:`InputError` where it is not of the size and hash that the server gave.
        """
        self.client.download(file.path, destination, most=file.size)
        _check(destination, file)

    def download_all(
        self, artifact: Artifact, wanted: Sequence[RemoteFile], directory: Path
    ) -> None:
        """Write the files ``wanted`` of ``artifact`` into ``directory``, with one request.

        Their names must be safe. Raises as :meth:`download` does.
        """
        archive = directory / ".archive"
        room = sum(file.size + _TAR_HEADERS for file in artifact.files) + _TAR_END
        self.client.download(artifact.archive, archive, most=room)
        by_name = {file.name: file for file in wanted}
        try:
            with tarfile.open(archive, "r:gz") as members:
                for member in members:
                    name = member.name.rpartition("/")[2]
                    file = by_name.pop(name, None) if member.isfile() else None
                    content = members.extractfile(member) if file else None
                    if file is not None and content is not None and member.size == file.size:
                        with (directory / file.name).open("wb") as copy:
                            shutil.copyfileobj(content, copy)
                        _check(directory / file.name, file)
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise InputError(f"{self._server.name} gave a damaged archive: {error}") from error
        archive.unlink()
        missing = [name for name, file in by_name.items() if not (directory / file.name).is_file()]
        if missing:
            raise InputError(f"{self._server.name} gave an archive without {missing[0]}")

    def create_request(self, task: str, data: Mapping[str, Any]) -> WorkRequest:
        """Ask for the work ``task``.

        Raises :class:`Unsure` where nothing tells whether the server has taken it.
        """
        body = {"task_name": task, "workspace": self._server.workspace, "task_data": data}
        return read_request(self.client.post("work-request/", body, repeat=False))

    def completed(self, numbers: Sequence[int]) -> dict[int, WorkRequest]:
        """Those of these work requests that have been completed."""
        wanted = frozenset(numbers)
        ids = ",".join(map(str, numbers))
        found = self._list(ids=ids, status="completed")
        return {request.number: request for request in found if request.number in wanted}

    def requests(self, numbers: Sequence[int]) -> dict[int, WorkRequest]:
        """The work requests of these numbers, as far as the server has them."""
        found: dict[int, WorkRequest] = {}
        for start in range(0, len(numbers), PAGE):
            wanted = numbers[start : start + PAGE]
            for request in self._list(ids=",".join(map(str, wanted))):
                if request.number in wanted:
                    found[request.number] = request
        return found

    def find(self, source: int, *, since: dt.datetime, but: Collection[int]) -> WorkRequest | None:
        """The newest work request for the artifact ``source``, none of those in ``but``.

        It is one whose answer was lost, or that the server made to retry another. The artifact
        was made for one build, at ``since``, so all that is older is for others.
        """
        for request in islice(self._list(), _MOST_PAGES * PAGE):
            if request.made < since:
                return None
            if request.source == source and request.number not in but:
                return request
        return None

    def abort(self, number: int) -> None:
        """See that the work request ``number`` does not go on, if it is there at all."""
        try:
            self.client.post(f"work-request/{number}/abort/", {}, repeat=True)
        except Refused as error:
            # It has ended by itself, or is gone.
            if error.status not in (400, 404):
                raise

    def _list(self, **parameters: str) -> Iterator[WorkRequest]:
        """Work requests, the newest first, page by page."""
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page, cursor = read_page(self.client.get("work-request/", **parameters, **more))
            yield from page
            if cursor is None:
                return


def _check(path: Path, file: RemoteFile) -> None:
    if path.stat().st_size != file.size or sha256_of(path) != file.sha256:
        path.unlink()
        raise InputError("a file from the server is not the one that it announced")
