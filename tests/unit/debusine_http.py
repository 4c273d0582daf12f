# SPDX-License-Identifier: BSD-2-Clause
"""HTTP on loopback for the server of the tests."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rumprun.archive.debusine.configuration import Server
from unit.debusine_server import PAGE, REPLIES, TOKEN, FakeDebusine, Fault, sha256


@contextmanager
def served(fake: FakeDebusine) -> Iterator[Server]:
    """Serve ``fake`` on loopback."""
    handler = _handler(fake)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.origin = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield Server(
            name="fake", url=f"{fake.origin}/api", scope="debusine", workspace="farm", token=TOKEN
        )
    finally:
        # Connections that are kept alive have threads of their own, which nothing else ends.
        handler.gone = True
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(fake: FakeDebusine) -> type[_Handler]:
    class Handler(_Handler):
        debusine = fake

    return Handler


class _Handler(BaseHTTPRequestHandler):
    debusine: FakeDebusine
    gone = False
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_PUT(self) -> None:
        self._handle("PUT")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _handle(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fake = self.debusine
        fault = self._fault(method)
        if fault is not None and not fault.late:
            self._break(fault)
            return
        if fake.latency:
            time.sleep(fake.latency)
        with fake.lock:
            fake.log.append((method, self.path))
            fake.arrived.append(time.monotonic())
            status, reply = self._answer(method, body)
        if fault is not None:
            self._break(fault)
            return
        self._reply(status, reply)

    def _fault(self, method: str) -> Fault | None:
        if self.gone:
            return Fault(part="")
        with self.debusine.lock:
            for fault in self.debusine.faults:
                if fault.times and fault.part in self.path and fault.method in ("", method):
                    fault.times -= 1
                    return fault
        return None

    def _break(self, fault: Fault) -> None:
        if fault.status:
            self._reply(fault.status, {"title": "Error"})
            return
        # A reset, as of a server that closes a connection that was kept alive.
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()
        self.rfile.close()
        self.wfile = _Nothing()  # type: ignore[assignment]

    def _reply(self, status: int, reply: object) -> None:
        content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        kind = "problem+json" if status >= 400 else "json"
        self.send_header("Content-Type", f"application/{kind}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, method: str, body: bytes) -> tuple[int, object]:
        fake = self.debusine
        parts = urllib.parse.urlsplit(self.path)
        known = self.headers.get("Token") == fake.token
        archive = re.fullmatch(r"/debusine/farm/artifact/(\d+)/download/", parts.path)
        if archive and known:
            return 200, fake.archive(int(archive[1]))
        download = re.fullmatch(r"/debusine/farm/artifact/(\d+)/download/(.+)", parts.path)
        if download and known:
            content = fake.contents.get((int(download[1]), urllib.parse.unquote(download[2])))
            return (404, REPLIES["not found"]) if content is None else (200, content)
        path = parts.path.removeprefix(f"/api/{fake.api}/")
        if path == parts.path:
            return 404, REPLIES["not found"]
        if path == "whoami/":
            return 200, {**REPLIES["whoami"], "auth": known}
        if not known:
            return 403, REPLIES["no token"]
        query = dict(urllib.parse.parse_qsl(parts.query))
        return self._call(method, path, query, body)

    def _call(
        self, method: str, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, object]:
        fake = self.debusine
        if path == "work-request/":
            return self._list(query) if method == "GET" else self._create(json.loads(body))
        if path == "artifact/" and method == "POST":
            return self._artifact(json.loads(body))
        if found := re.fullmatch(r"artifact/(\d+)/files/(.+)/", path):
            return self._store(int(found[1]), urllib.parse.unquote(found[2]), body)
        if found := re.fullmatch(r"artifact/(\d+)/", path):
            number = int(found[1])
            if number not in fake.artifacts:
                return 404, REPLIES["not found"]
            return 200, fake.shown_artifact(number)
        if found := re.fullmatch(r"work-request/(\d+)/abort/", path):
            work = fake.works.get(int(found[1]))
            if work is None or work.status in ("completed", "aborted"):
                return 400, REPLIES["cannot abort"]
            work.status = "aborted"
            return 200, fake.shown_work(work)
        return 404, REPLIES["not found"]

    def _list(self, query: dict[str, str]) -> tuple[int, object]:
        fake = self.debusine
        works = sorted(fake.works.values(), key=lambda work: -work.number)
        if "ids" in query and fake.filters:
            if not re.fullmatch(r"[0-9]+(,[0-9]+)*", query["ids"]):
                return 400, REPLIES["bad ids"]
            wanted = set(map(int, query["ids"].split(",")))
            works = [work for work in works if work.number in wanted]
            for work in works:
                fake.advance(work)
        if "status" in query:
            works = [work for work in works if work.status == query["status"]]
        start = int(query.get("cursor", "0"))
        page = works[start : start + PAGE]
        following = urllib.parse.urlencode({**query, "cursor": start + PAGE})
        more = f"{fake.origin}/api/1.0/work-request/?{following}"
        return 200, {
            "next": more if start + PAGE < len(works) else None,
            "previous": None,
            "results": [fake.shown_work(work) for work in page],
        }

    def _create(self, document: dict[str, Any]) -> tuple[int, object]:
        fake = self.debusine
        task = document["task_data"]
        used = [task["input"]["source_artifact"], *task["input"]["extra_binary_artifacts"]]
        used += [task["environment"]] if isinstance(task["environment"], int) else []
        if set(used) - fake.artifacts.keys():
            return 400, REPLIES["no such artifact"]
        return 200, fake.shown_work(fake.add_work(task))

    def _artifact(self, document: dict[str, Any]) -> tuple[int, object]:
        number = self.debusine.new_artifact(document["category"], document["files"])
        return 201, self.debusine.shown_artifact(number)

    def _store(self, number: int, name: str, body: bytes) -> tuple[int, object]:
        fake = self.debusine
        if not fake.room:
            return 500, REPLIES["server error"]
        size = fake.artifacts[number]["files"][name]["size"]
        start = int(re.findall(r"\d+", self.headers.get("Content-Range", "bytes 0-0/0"))[0])
        before = fake.contents.get((-number, name), b"")[:start]
        content = before + body
        fake.contents[-number, name] = content
        if len(content) < size:
            return 200, b""
        if sha256(content) != fake.artifacts[number]["files"][name]["checksums"]["sha256"]:
            return 409, REPLIES["bad hash"]
        fake.contents[number, name] = fake.contents.pop((-number, name))
        return 201, b""


class _Nothing:
    closed = True

    def flush(self) -> None:
        """There is nobody to write to."""
