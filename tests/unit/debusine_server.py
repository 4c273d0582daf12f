# SPDX-License-Identifier: BSD-2-Clause
"""A server that answers as debusine 0.16.2 did, and misbehaves when it is told to.

``debusine_replies.json`` has replies of a real server; here they get other numbers.
"""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import io
import itertools
import json
import tarfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPLIES: dict[str, Any] = json.loads(
    Path(__file__).with_name("debusine_replies.json").read_text(encoding="utf-8")
)
TOKEN = "0123456789abcdef" * 4
PAGE = 10

Files = dict[str, bytes]


@dataclass(kw_only=True)
class Work:
    """A work request: ``steps`` are what it is seen as, one look after the other.

    A step is a status, or a result for a request that has ended.
    """

    number: int
    made: dt.datetime
    task_data: dict[str, Any]
    steps: list[str]
    files: Files
    worker: int | None = None
    artifacts: list[int] = field(default_factory=list)
    status: str = "pending"
    result: str = ""


@dataclass(kw_only=True)
class Fault:
    """What happens to the next ``times`` requests of ``method`` whose path has ``part`` in it.

    ``status`` is answered; 0 breaks the connection, before the request is done or, with
    ``late``, after it.
    """

    part: str
    method: str = ""
    status: int = 0
    late: bool = False
    times: int = 1


class FakeDebusine:
    """The server's artifacts and work requests.

    ``plan`` gives for each new request the steps that it goes through, and ``give`` the files
    that come of it.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.numbers = itertools.count(1)
        self.artifacts: dict[int, dict[str, Any]] = {}
        self.contents: dict[tuple[int, str], bytes] = {}
        self.works: dict[int, Work] = {}
        self.faults: list[Fault] = []
        self.log: list[tuple[str, str]] = []
        self.arrived: list[float] = []
        self.token = TOKEN
        self.api = "1.0"
        self.filters = True
        self.room = True
        self.latency = 0.0
        self.plan: Callable[[Work], list[str]] = lambda _work: ["pending", "running", "success"]
        self.give: Callable[[Work], Files] = lambda work: {
            f"a{work.number}-rumprun-dev_1_all.deb": b"x"
        }
        self.origin = ""

    def add_work(self, task_data: dict[str, Any]) -> Work:
        """A new request."""
        work = Work(number=next(self.numbers), made=now(), task_data=task_data, steps=[], files={})
        work.steps = self.plan(work)
        self.works[work.number] = work
        return work

    def retry(self, work: Work) -> Work:
        """What the server does when the worker of ``work`` comes back without a result."""
        work.status = "aborted"
        work.steps = []
        return self.add_work(work.task_data)

    def advance(self, work: Work) -> None:
        """The next step of ``work``; the last of them stays."""
        if not work.steps or work.status in ("completed", "aborted"):
            return
        step = work.steps.pop(0)
        if step in ("pending", "running", "blocked", "aborted"):
            work.status = step
            work.worker = 36 if step == "running" else work.worker
        elif step == "retry":
            self.retry(work)
        else:
            work.status, work.result = "completed", step
            self._finish(work)

    def _finish(self, work: Work) -> None:
        self.add_artifact(
            "debian:package-build-log", {"build.log": f"log of {work.number}".encode()}, work
        )
        if work.result == "success":
            files = self.give(work)
            for name, content in files.items():
                if name.endswith(".deb"):
                    self.add_artifact("debian:binary-package", {name: content}, work)
            self.add_artifact("debian:upload", {"x.changes": b"changes", **files}, work)
            self.add_artifact("debusine:signing-input", {"x.changes": b"changes"}, work)
        self.add_artifact("debusine:work-request-debug-logs", {"cmd-output.log": b"cmd"}, work)

    def add_artifact(self, category: str, files: Files, work: Work | None = None) -> int:
        """An artifact that is whole."""
        rows = {
            name: {"size": len(content), "checksums": {"sha256": sha256(content)}}
            for name, content in files.items()
        }
        number = self.new_artifact(category, rows)
        for name, content in files.items():
            self.contents[number, name] = content
        if work is not None:
            work.artifacts.append(number)
        return number

    def new_artifact(self, category: str, files: dict[str, Any]) -> int:
        """An artifact without its files."""
        number = next(self.numbers)
        reply = copy.deepcopy(REPLIES["artifact"])
        (example,) = reply["files"].values()
        place = f"{self.origin}/debusine/farm/artifact/{number}/download"
        reply.update(
            id=number,
            category=category,
            created_at=now().isoformat(),
            download_tar_gz_url=f"{place}/?archive=tar.gz",
        )
        reply["files"] = {
            name: {
                **example,
                "size": row["size"],
                "checksums": row["checksums"],
                "url": f"{place}/{name}",
            }
            for name, row in files.items()
        }
        self.artifacts[number] = reply
        return number

    def archive(self, number: int) -> bytes:
        """All files of an artifact, as a .tar.gz."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
            for name in self.artifacts[number]["files"]:
                member = tarfile.TarInfo(name)
                member.size = len(self.contents[number, name])
                archive.addfile(member, io.BytesIO(self.contents[number, name]))
        return packed.getvalue()

    def shown_artifact(self, number: int) -> dict[str, Any]:
        """The reply for the artifact ``number``."""
        reply = self.artifacts[number]
        missing = [name for name in reply["files"] if (number, name) not in self.contents]
        return {**reply, "files_to_upload": missing}

    def shown_work(self, work: Work) -> dict[str, Any]:
        """The reply for ``work``."""
        return {
            **REPLIES["work-request"],
            "id": work.number,
            "created_at": work.made.isoformat(),
            "status": work.status,
            "result": work.result,
            "worker": work.worker,
            "task_data": work.task_data,
            "artifacts": work.artifacts,
        }

    def created(self) -> list[Work]:
        """All requests, in order."""
        return [self.works[number] for number in sorted(self.works)]


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
