# SPDX-License-Identifier: BSD-2-Clause
"""What came of a build on a debusine server: its log and its packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rumprun.archive.builder import Job, Outcome
from rumprun.archive.clean_builder import RESULT, CleanOptions, cause_of, packages_of
from rumprun.archive.debusine.api import Api
from rumprun.archive.debusine.client import Refused
from rumprun.archive.debusine.descriptions import BUILD_LOG, UPLOAD
from rumprun.archive.debusine.documents import Artifact, RemoteFile, WorkRequest
from rumprun.archive.debusine.state import State
from rumprun.archive.process_builder import read_report
from rumprun.command import last_lines
from rumprun.errors import InputError
from rumprun.workdir import remove_tree

# The task's own notes, which are all that there is where it did not come to a build.
_NOTES = "debusine:work-request-debug-logs"

# What becomes a file here: packages and our report. Nothing leads out of a directory.
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.~_-]*\.(?:deb|json)\Z")

# Logs are text for a person; one of gigabytes is none.
_MOST_LOG = 512 << 20


class Results:
    """Fetches what work requests have made."""

    def __init__(self, api: Api, state: State, options: CleanOptions) -> None:
        """``state`` gets to know the artifacts that have packages, for later builds."""
        self._api = api
        self._state = state
        self._options = options
        # Where among a request's artifacts, from the end, the last upload was: debusine makes a
        # signing input and the notes after it.
        self._place = 3

    def fetch(self, job: Job, request: WorkRequest) -> Outcome | None:
        """The packages that ``request`` has built; ``None`` where they are gone.

        Raises :class:`InputError` where files are not what the server says they are.
        """
        try:
            found = self._artifacts(request)
            log, upload = found.get(BUILD_LOG), found.get(UPLOAD)
            if upload is None:
                return None
            result = job.directory / RESULT
            remove_tree(result)
            result.mkdir()
            self.logs(job, log)
            self._files(upload, result)
        except Refused as error:
            if error.status == 404:
                return None
            raise
        packages = packages_of(result, self._options)
        worker = worker_of(request)
        if not packages:
            why = f"request {request.number} gave no package that was asked for; see {job.log}"
            return Outcome(error=why, worker=worker)
        return Outcome(packages=packages, report=read_report(result), worker=worker)

    def failure(self, job: Job, number: int) -> Outcome:
        """Why the request ``number`` has failed."""
        said, worker, how = "", "", "is gone"
        request = self._request(number)
        if request is not None:
            worker, how = worker_of(request), f"ended with {request.result or request.status}"
            found = self._artifacts(request)
            self.logs(job, found.get(BUILD_LOG) or found.get(_NOTES))
            if job.log.is_file():
                said = job.log.read_text(encoding="utf-8", errors="replace")
        why = cause_of(said) or last_lines(said)
        told = f": {why}; see {job.log}" if why else ""
        place = f"{self._api.client.server.name}, {worker}" if worker else "the server"
        return Outcome(error=f"request {number} at {place} {how}{told}", worker=worker)

    def logs(self, job: Job, artifact: Artifact | None) -> None:
        """Write the files of ``artifact`` as the log of ``job``."""
        job.log.unlink(missing_ok=True)
        if artifact is None:
            return
        parts: list[Path] = []
        for place, file in enumerate(artifact.files):
            if file.size > _MOST_LOG:
                raise InputError(f"{job.source}: a log of {file.size} bytes")
            parts.append(job.directory / f"log{place}")
            self._api.download(file, parts[-1])
        with job.log.open("wb") as log:
            for part in parts:
                log.write(part.read_bytes())

    def _request(self, number: int) -> WorkRequest | None:
        return self._api.requests([number]).get(number)

    def _artifacts(self, request: WorkRequest) -> dict[str, Artifact]:
        """The artifacts of ``request`` by category; not all of them where two are enough."""
        found: dict[str, Artifact] = {}
        for number in self._likely(request.artifacts):
            artifact = self._api.artifact(number)
            found.setdefault(artifact.category, artifact)
            if artifact.category == UPLOAD:
                self._place = len(request.artifacts) - request.artifacts.index(number)
            if BUILD_LOG in found and (UPLOAD in found or request.result != "success"):
                break
        return found

    def _likely(self, numbers: tuple[int, ...]) -> Iterator[int]:
        """``numbers``, those first that are likely the log's and the upload's."""
        first = [*numbers[:1], *numbers[-self._place :][:1]]
        yield from dict.fromkeys((*first, *reversed(numbers)))

    def _files(self, upload: Artifact, directory: Path) -> None:
        wanted: list[RemoteFile] = []
        for file in upload.files:
            if not file.name.endswith((".deb", ".json")):
                continue
            if not _FILE.match(file.name):
                raise InputError(f"a build gave a file of the name {file.name!r:.80}")
            wanted.append(file)
        self._api.download_all(upload, wanted, directory)
        hashes = [file.sha256 for file in wanted if file.name.endswith(".deb")]
        self._state.keep_files(hashes, upload.number)


def worker_of(request: WorkRequest) -> str:
    """The worker that has or had ``request``: the API gives users no more than its number."""
    return f"worker {request.worker}" if request.worker else ""
