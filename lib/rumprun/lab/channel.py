# SPDX-License-Identifier: BSD-2-Clause
"""A connection with the agent in dom0: commands, their input, and what they say."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from rumprun.command import last_lines
from rumprun.errors import UsageError
from rumprun.lab.frames import PAYLOAD_LIMIT, Decoder, Frame, Type, encode
from rumprun.lab.logs import LabError

# CHANNELS in lab/agent.h.
CHANNELS: Final = 4

# enum lab_state in lab/agent.h.
STARTING, READY, FAILED = 0, 1, 2

_TERMINAL_FLAG = 1
_NONCE_SIZE = 8
_SIGKILL = 9

# How often the lab's health is looked at while something is waited for.
_SLICE = 0.25
# A job that was killed says so within this.
_GRACE_SECONDS = 10.0
# The machine ends within this once its sockets are closed.
_GONE_SECONDS = 2.0
_HELLO_AGAIN = 5.0
_CHUNK = 1 << 16

_Sink = Callable[[bytes], object]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A command that ended: its status, 128 and the signal's number where one ended it."""

    status: int
    stdout: str
    stderr: str


class Job:
    """A command that runs in dom0."""

    def __init__(self, channel: Channel, number: int, command: str) -> None:
        self.command = command
        self._channel = channel
        self._number = number
        self._status: int | None = None
        self._said: dict[int, bytearray] = {Type.OUTPUT: bytearray(), Type.ERRORS: bytearray()}

    def output(self) -> bytes:
        """Standard output so far."""
        self._channel.pump(0)
        return bytes(self._said[Type.OUTPUT])

    def errors(self) -> bytes:
        """Standard error so far."""
        self._channel.pump(0)
        return bytes(self._said[Type.ERRORS])

    def take_output(self) -> bytes:
        """What is new on standard output since the last time."""
        return self._take(Type.OUTPUT)

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        self._channel.pump(0)
        return self._status

    def wait(self, timeout: float | None = None) -> Outcome:
        """Wait for its end; :class:`LabError` after ``timeout`` seconds, and then it runs on."""
        deadline = _deadline(timeout)
        while self._status is None:
            left = deadline - time.monotonic()
            if left <= 0:
                said = last_lines(self._text(Type.ERRORS) or self._text(Type.OUTPUT))
                raise LabError(
                    f"no end after {timeout:g} s in dom0: {self.command}\n{said}".rstrip()
                )
            self._channel.pump(left)
        return Outcome(
            status=self._status, stdout=self._text(Type.OUTPUT), stderr=self._text(Type.ERRORS)
        )

    def finish(self, timeout: float | None = None) -> Outcome:
        """As :meth:`wait`, but it is killed where that fails."""
        with self._killed_on_failure():
            return self.wait(timeout)

    def follow(self, output: _Sink, errors: _Sink, timeout: float | None = None) -> int:
        """As :meth:`finish`, handing over what it says as it comes; the status."""
        deadline = _deadline(timeout)
        with self._killed_on_failure():
            while True:
                status = self.poll()
                output(self._take(Type.OUTPUT))
                errors(self._take(Type.ERRORS))
                if status is not None:
                    return status
                left = deadline - time.monotonic()
                if left <= 0:
                    raise LabError(f"no end after {timeout:g} s in dom0: {self.command}")
                self._channel.pump(left)

    @contextlib.contextmanager
    def _killed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with contextlib.suppress(LabError):
                self.kill()
                self.wait(_GRACE_SECONDS)
            raise

    def kill(self, number: int = _SIGKILL) -> None:
        """Send it, and all that it started in its session, the signal ``number``."""
        self._channel.send(Type.KILL, self._number, bytes([number]))

    def type(self, data: bytes) -> None:
        """Input for a job with a terminal, as typed there."""
        for place in range(0, len(data), PAYLOAD_LIMIT):
            self._channel.send(Type.INPUT, self._number, data[place : place + PAYLOAD_LIMIT])

    def resize(self, rows: int, columns: int) -> None:
        """Say how large its terminal is."""
        self._channel.send(Type.SIZE, self._number, struct.pack("<HH", rows, columns))

    def take(self, frame: Frame) -> None:
        """A frame from the agent that is about this job."""
        if frame.type == Type.EXIT and len(frame.payload) == 4:
            (self._status,) = struct.unpack("<i", frame.payload)
        elif frame.type in self._said:
            self._said[frame.type] += frame.payload

    def _take(self, kind: Type) -> bytes:
        said = bytes(self._said[kind])
        self._said[kind].clear()
        return said

    def _text(self, kind: Type) -> str:
        return self._said[kind].decode("utf-8", errors="replace")


class Channel:
    """A connection of its own: what it started ends with it."""

    def __init__(self, directory: Path, *, check: Callable[[], None]) -> None:
        """Take the first free connection of the lab in ``directory``.

        ``check`` is called while something is waited for, and raises where the lab has ended.
        Raises :class:`UsageError` where none is free.
        """
        self.state = STARTING
        self._check = check
        self._jobs: dict[int, Job] = {}
        self._last = 0
        self._decoder = Decoder()
        self._nonce = b""
        self._lock, place = _take_place(directory)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._selector = selectors.DefaultSelector()
        # A socket's own path may be too long for unix(7).
        handle = os.open(directory, os.O_PATH | os.O_CLOEXEC)
        try:
            self._socket.connect(f"/proc/self/fd/{handle}/{socket_name(place)}")
        except OSError as error:
            self.close()
            raise LabError(f"{directory}: the lab is gone: {error.strerror}") from error
        finally:
            os.close(handle)
        self._selector.register(self._socket, selectors.EVENT_READ)

    def fileno(self) -> int:
        """What to wait on besides other things."""
        return self._socket.fileno()

    def close(self) -> None:
        """Give the connection up; the agent ends what it started."""
        self._selector.close()
        self._socket.close()
        self._lock.close()

    def welcome(self, timeout: float) -> bool:
        """Wait until the agent answers; False where it does not within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        self._nonce = nonce = os.urandom(_NONCE_SIZE)
        again = 0.0
        while self._nonce:
            now = time.monotonic()
            if now >= deadline:
                return False
            if now >= again:
                self.send(Type.HELLO, 0, nonce)
                again = now + _HELLO_AGAIN
            self.pump(min(deadline, again) - now)
        return True

    def start(self, command: str, *, given: bytes = b"", terminal: bool = False) -> Job:
        """Start ``sh -c command``, with ``given`` as its input, or with a terminal.

        Raises :class:`UsageError` for a command that is too long.
        """
        words = command.encode()
        if len(words) >= PAYLOAD_LIMIT or b"\0" in words:
            raise UsageError("too long a command for dom0", hint="put it there as a file")
        self._last = number = self._last + 1
        job = self._jobs[number] = Job(self, number, command)
        if given:
            job.type(given)
        self.send(Type.START, number, bytes([_TERMINAL_FLAG if terminal else 0]) + words)
        return job

    def run(self, command: str, *, timeout: float, given: bytes = b"") -> Outcome:
        """Run ``sh -c command`` to its end; kill it after ``timeout`` seconds."""
        return self.start(command, given=given).finish(timeout)

    def send(self, kind: Type, job: int, payload: bytes) -> None:
        """Send a frame; what the agent says meanwhile is taken."""
        data = encode(Frame(type=kind, job=job, payload=payload))
        self._socket.setblocking(False)  # noqa: FBT003
        while data:
            try:
                data = data[self._socket.send(data) :]
            except BlockingIOError:
                self._selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
                try:
                    self._once(_SLICE)
                finally:
                    self._selector.modify(self._socket, selectors.EVENT_READ)
            except OSError as error:
                self._gone(error)

    def pump(self, timeout: float) -> None:
        """Take what has arrived; wait for it up to ``timeout`` seconds, or to a moment less."""
        self._once(min(max(timeout, 0.0), _SLICE))

    def _once(self, timeout: float) -> None:
        data = b""
        for _key, events in self._selector.select(timeout):
            if events & selectors.EVENT_READ:
                try:
                    data = self._socket.recv(_CHUNK)
                except OSError as error:
                    self._gone(error)
                if not data:
                    self._gone(None)
        for frame in self._decoder.feed(data):
            self._take(frame)
        if not data:
            self._check()

    def _take(self, frame: Frame) -> None:
        if frame.type == Type.WELCOME and self._nonce and frame.payload[:-1] == self._nonce:
            self._nonce = b""
            self.state = frame.payload[-1]
        elif self._nonce:
            # For whoever was connected before.
            return
        elif frame.type == Type.STATE and frame.payload:
            self.state = frame.payload[0]
        elif frame.job in self._jobs:
            self._jobs[frame.job].take(frame)
            if frame.type == Type.EXIT:
                del self._jobs[frame.job]

    def _gone(self, error: OSError | None) -> None:
        deadline = time.monotonic() + _GONE_SECONDS
        while time.monotonic() < deadline:
            # It knows why, as soon as the machine has ended.
            self._check()
            time.sleep(_GONE_SECONDS / 50)
        why = f": {error.strerror}" if error else ""
        raise LabError(f"the connection with dom0 ended{why}")


def _deadline(timeout: float | None) -> float:
    return math.inf if timeout is None else time.monotonic() + timeout


def socket_name(place: int) -> str:
    """The socket of the connection ``place`` in a lab's directory."""
    return f"channel-{place}"


def _take_place(directory: Path) -> tuple[IO[bytes], int]:
    """A lock on one of the connections, and which one that is."""
    for place in range(CHANNELS):
        lock = (directory / f"channel-{place}.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return lock, place
    raise UsageError(
        f"{directory}: {CHANNELS} processes use this lab already", hint="wait for one of them"
    )
