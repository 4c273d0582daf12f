# SPDX-License-Identifier: BSD-2-Clause
"""HTTP to a debusine server: requests paced, lost ones repeated where that does no harm."""

from __future__ import annotations

import dataclasses
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from rumprun.archive.debusine.configuration import Server
from rumprun.errors import BuildError, InputError, SystemFault
from rumprun.version import VERSION
from rumprun.workdir import atomic_path

API_VERSION = "1.0"

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0
_CHUNK = 1 << 16

# Replies are documents of a few kilobytes; a page of work requests has ten of them.
_MOST_REPLY = 16 << 20

# Statuses of a server that is being restarted, is busy, or holds a lock of its own. 500 is there
# for what it says while its database is away.
_AGAIN = frozenset({423, 429, 500, 502, 503, 504})

# 413 and 507 say it; the local store of 0.16 has an exception and a 500 for it.
_NO_ROOM = frozenset({413, 507})
_UPLOAD_PATIENCE = 60.0

# debusine's documentation has nginx take 50 MiB at once, and its own client sends no more.
_PIECE = 32 << 20


class Refused(BuildError):
    """The server understood and does not do it; ``status`` is that of HTTP."""

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Unsure(BuildError):
    """A request got no answer, so what it asked for may be done or not."""


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How the server is treated: at most ``per_second`` requests a second, all together.

    ``patience`` is for how many seconds one is repeated while the server does not answer.
    """

    per_second: float = 5.0
    patience: float = 600.0
    first_pause: float = 0.5
    longest_pause: float = 20.0


class Client:
    """One user's access to a server; several threads may share it."""

    def __init__(self, server: Server, manners: Manners | None = None) -> None:
        """Nothing is sent before the first request."""
        self.server = server
        self._manners = manners or Manners()
        self._local = threading.local()
        self._pace = threading.Lock()
        self._next = 0.0
        self._over = threading.Event()
        self.sent = 0

    def give_up(self) -> None:
        """Let all requests that wait for the server end, in every thread."""
        self._over.set()

    def hurry(self, patience: float) -> None:
        """From now on, repeat for no more than ``patience`` seconds."""
        self._manners = dataclasses.replace(self._manners, patience=patience)

    def get(self, path: str, **parameters: str) -> Any:
        """The document at ``path``."""
        return self._document(self._repeated("GET", self._api(path), params=parameters))

    def post(self, path: str, body: Mapping[str, Any], *, repeat: bool) -> Any:
        """What the server answers to ``body``.

        Where doing it twice would do harm, ``repeat`` is false; raises :class:`Unsure` then, if
        the connection was lost on the way.
        """
        if repeat:
            return self._document(self._repeated("POST", self._api(path), json=body))
        # A connection kept alive may be closed already on the other side, which shows only
        # when it is used; so this has one of its own.
        with requests.Session() as session:
            try:
                reply = self._send(session, "POST", self._api(path), json=body)
            except requests.RequestException as error:
                raise Unsure(f"no answer from {self.server.name}: {_why(error)}") from error
        if reply.status_code in _AGAIN:
            raise Unsure(f"{self.server.name} answered {reply.status_code}")
        return self._document(self._checked(reply))

    def put(self, path: str, file: Path) -> None:
        """Store ``file`` at ``path``, in pieces that a proxy before the server lets through.

        Raises :class:`SystemFault` where there is no room for it.
        """
        size = file.stat().st_size
        start = 0
        with file.open("rb") as source:
            while True:
                piece = source.read(_PIECE)
                end = start + len(piece)
                headers = {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
                reply = self._put(self._api(path), piece, headers if size else {}, file.name)
                if reply.status_code == 201:
                    return
                if end >= size:
                    raise InputError(f"{self.server.name} did not take all of {file.name}")
                start = end

    def _put(
        self, url: str, piece: bytes, headers: Mapping[str, str], name: str
    ) -> requests.Response:
        until = time.monotonic() + min(_UPLOAD_PATIENCE, self._manners.patience)

        def send(session: requests.Session) -> requests.Response:
            reply = self._send(session, "PUT", url, data=piece, headers=headers)
            status = reply.status_code
            if status in _NO_ROOM or (status == 500 and time.monotonic() > until):
                raise SystemFault(
                    f"{self.server.name} does not store {name}: {_problem(reply)}",
                    hint="see whether the disk of its artifact store is full",
                )
            return reply

        return self._until_answered(send)

    def download(self, path: str, destination: Path, *, most: int) -> None:
        """Write the file at ``path`` of the server to ``destination``: whole, or not at all.

        Raises :class:`InputError` where it has more than ``most`` bytes.
        """
        url = urllib.parse.urljoin(self.server.origin, path)

        def fetch(session: requests.Session) -> requests.Response:
            reply = self._send(session, "GET", url, stream=True)
            if reply.ok:
                with atomic_path(destination) as partial:
                    _store(reply, partial, most)
            return reply

        self._until_answered(fetch)

    def _api(self, path: str) -> str:
        return f"{self.server.url}/{API_VERSION}/{path}"

    def _repeated(self, method: str, url: str, **options: Any) -> requests.Response:
        return self._until_answered(lambda session: self._send(session, method, url, **options))

    def _until_answered(
        self, send: Callable[[requests.Session], requests.Response]
    ) -> requests.Response:
        """The reply, asked for again while the server is out of reach.

        Raises :class:`SystemFault` where it stays so.
        """
        begun = time.monotonic()
        pause = self._manners.first_pause
        while True:
            try:
                reply = send(self._session())
                if reply.status_code not in _AGAIN:
                    return self._checked(reply)
                why = f"HTTP {reply.status_code}"
            except (requests.ConnectionError, requests.Timeout) as error:
                why = _why(error)
            except requests.RequestException as error:
                raise InputError(f"{self.server.name}: {_why(error)}") from error
            # Patience may have been lost since.
            left = begun + self._manners.patience - time.monotonic()
            if pause > left or self._over.wait(pause):
                raise SystemFault(
                    f"the debusine server {self.server.name} does not answer: {why}",
                    hint="run the command again when it does: nothing is built twice",
                )
            pause = min(2 * pause, self._manners.longest_pause)

    def _send(
        self, session: requests.Session, method: str, url: str, **options: Any
    ) -> requests.Response:
        self._wait_for_turn()
        headers = {
            "Token": self.server.token,
            "X-Debusine-Scope": self.server.scope,
            "User-Agent": f"rumpdeb/{VERSION}",
            **options.pop("headers", {}),
        }
        # A redirection would take the token elsewhere.
        return session.request(
            method,
            url,
            headers=headers,
            timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            allow_redirects=False,
            **options,
        )

    def _wait_for_turn(self) -> None:
        with self._pace:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / self._manners.per_second
            self.sent += 1
        if self._over.wait(turn - now):
            raise SystemFault(f"the work at {self.server.name} was given up")

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            # Neither proxies nor another's ~/.netrc are to see the token.
            session.trust_env = False
        return session

    def _checked(self, reply: requests.Response) -> requests.Response:
        """``reply``; raises what its status means where that is no success."""
        if reply.ok and not reply.is_redirect:
            return reply
        said = _problem(reply)
        if reply.status_code in (401, 403):
            raise SystemFault(
                f"{self.server.name} does not let us in: {said}",
                hint="the token in debusine's client configuration may be revoked or expired,"
                " or lack the right to it",
            )
        raise Refused(f"{self.server.name}: {said}", status=reply.status_code)

    def _document(self, reply: requests.Response) -> Any:
        if len(reply.content) > _MOST_REPLY:
            raise InputError(f"{self.server.name} answers with {len(reply.content)} bytes")
        try:
            return reply.json()
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{self.server.name} does not answer with JSON",
                hint="see whether the api-url is that of a debusine server's API",
            ) from error


def _store(reply: requests.Response, destination: Path, most: int) -> None:
    found = 0
    with destination.open("wb") as file:
        for chunk in reply.iter_content(_CHUNK):
            found += len(chunk)
            if found > most:
                raise InputError(f"a file from the server has more than {most} bytes")
            file.write(chunk)
    announced = reply.headers.get("Content-Length", "")
    encoded = "Content-Encoding" in reply.headers
    if announced.isdecimal() and found < int(announced) and not encoded:
        raise requests.ConnectionError(f"a file ended after {found} of {announced} bytes")


def _problem(reply: requests.Response) -> str:
    """What the server says is wrong, in one line (RFC 9457)."""
    words = [f"HTTP {reply.status_code}"]
    try:
        document = reply.json()
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        words += [
            str(document[key])
            for key in ("title", "detail", "validation_errors")
            if document.get(key)
        ]
    return " ".join(": ".join(words).split())[:500]


def _why(error: Exception) -> str:
    """The cause that urllib3 and requests wrap into one another, in a few words."""
    cause: BaseException = error
    step: BaseException | None = error
    while step is not None:
        # urllib3 first tries what an older Python had, which is a TypeError and no cause.
        cause = cause if isinstance(step, TypeError) else step
        step = step.__cause__ or step.__context__
    return " ".join(str(cause).split())[:200] or type(error).__name__
