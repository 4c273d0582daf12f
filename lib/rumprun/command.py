# SPDX-License-Identifier: BSD-2-Clause
"""The one place that runs other programs: argument lists, explicit environment, bounded time.

No shell is involved anywhere. A failed command is reported ready to paste.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rumprun.errors import BuildError, MissingError, RumprunError, SystemFault, disk_full

# What a child gets when the caller says nothing: enough to find programs, nothing that steers
# a build. Variables of compilers and of debhelper are passed on purpose or not at all.
_INHERITED = ("HOME", "LOGNAME", "PATH", "TERM", "TMPDIR", "USER", "APT_CONFIG", "XDG_CACHE_HOME")

_TAIL_LINES = 15

# Administrators' tools are not in a user's PATH.
ADMINISTRATORS_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# What the message of a command that was ended for taking too long starts with.
NO_END = "no end after"
_DISK_FULL = os.strerror(errno.ENOSPC)
_GRACE_SECONDS = 5.0
_CHUNK = 65536


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A command that ended; ``stdout`` and ``stderr`` are empty where they went to a log."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


class CommandFailed(BuildError):
    """A command ended with a status other than 0, or was killed at its time limit."""

    def __init__(self, message: str, *, completed: Completed, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.completed = completed


def base_environment() -> dict[str, str]:
    """The clean environment that children start from: a few inherited names and a C locale."""
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment["LC_ALL"] = "C.UTF-8"
    return environment


def quote(argv: Sequence[str]) -> str:
    """``argv`` as a line that can be pasted into a shell."""
    return " ".join(shlex.quote(word) for word in argv)


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    log: Path | None = None,
    stdin: str | None = None,
    check: bool = True,
    hint: str = "",
    wrapper: Sequence[str | Path] = (),
) -> Completed:
    """Run ``argv`` to its end and return what it said.

    ``env`` replaces the environment (default: :func:`base_environment`); ``timeout`` is in
    seconds, after which the whole process group is killed; ``log`` collects both output
    streams, appended; ``stdin`` is text to feed, otherwise standard input is closed;
    ``wrapper`` are words that run ``argv`` in some way, and that no message shows.

    Raises :class:`MissingError` where the program does not exist, :class:`SystemFault` where the
    machine will not run it, and :class:`CommandFailed` where ``check`` is set and the status is
    not 0, or the time ran out.
    """
    words = tuple(str(word) for word in argv)
    sink: IO[bytes] | None = None
    try:
        sink = log.open("ab") if log else None
        if sink:
            sink.write(os.fsencode(f"$ {quote(words)}\n"))
            sink.flush()
        started = (*map(str, wrapper), *words)
        process = _start(started, env=env, cwd=cwd, sink=sink, feed=stdin is not None)
        out, err, timed_out = _communicate(process, stdin, timeout)
    finally:
        if sink:
            sink.close()
    completed = Completed(argv=words, returncode=process.returncode, stdout=out, stderr=err)
    if timed_out:
        raise CommandFailed(
            f"{NO_END} {timeout:g} s: {quote(words)}\n{_tail(completed, log)}".rstrip(),
            completed=completed,
            hint=hint,
        )
    if check and completed.returncode != 0:
        raise failure(completed, _tail(completed, log), hint=hint)
    return completed


def failure(completed: Completed, said: str, *, hint: str = "") -> RumprunError:
    """The error for a command that failed; ``said`` are the last lines of its output.

    A :class:`SystemFault` where those say that the disk is full, else :class:`CommandFailed`.
    """
    command = quote(completed.argv)
    if _DISK_FULL in said:
        return disk_full(f"what this command writes: {command}")
    message = f"failed with status {completed.returncode}: {command}\n{said}".rstrip()
    return CommandFailed(message, completed=completed, hint=hint)


def stream(
    argv: Sequence[str | Path],
    *,
    sink: Callable[[bytes], object],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    merge_errors: bool = False,
    wrapper: Sequence[str | Path] = (),
) -> Completed:
    """Run ``argv`` to its end, handing what it writes to ``sink`` as it comes, byte for byte.

    ``sink`` gets standard output in pieces of any size; of standard error, the last 64 KiB are
    in the result, unless ``merge_errors`` sends it to ``sink`` too. Any exit status is returned.
    ``env``, ``cwd``, ``timeout`` and ``wrapper`` are as for :func:`run`, and standard input is
    closed.
    Whatever ends the wait, a failing ``sink`` included, also ends the whole process group.

    Raises :class:`MissingError` where the program does not exist, and :class:`CommandFailed`
    where the time ran out.
    """
    words = tuple(str(word) for word in argv)
    deadline = None if timeout is None else time.monotonic() + timeout
    with _absence_explained(words):
        process = subprocess.Popen(
            (*map(str, wrapper), *words),
            env=dict(env) if env is not None else base_environment(),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_errors else subprocess.PIPE,
            start_new_session=True,
        )
    try:
        errors, timed_out = _pump(process, sink, deadline)
    finally:
        # Also after a regular end: nothing that it started stays behind.
        kill_group(process)
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
    completed = Completed(
        argv=words,
        returncode=process.returncode,
        stdout="",
        stderr=errors.decode("utf-8", errors="replace"),
    )
    if timed_out:
        message = f"{NO_END} {timeout:g} s: {quote(words)}\n{_tail(completed, None)}"
        raise CommandFailed(message.rstrip(), completed=completed)
    return completed


class Background:
    """A command that runs while the caller does other things."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        output: Path | None,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start ``argv``; ``output`` gets what it writes, ``log`` its standard error, appended.

        Where ``output`` is None, it writes to our own standard output. The rest is as for
        :func:`run`. Raises what :func:`run` raises for a program that cannot be started.
        """
        self.argv = tuple(str(word) for word in argv)
        with contextlib.ExitStack() as stack:
            stack.enter_context(_absence_explained(self.argv))
            out = stack.enter_context(output.open("wb")) if output else None
            err = stack.enter_context(log.open("ab"))
            self._process = subprocess.Popen(
                self.argv,
                env=dict(env) if env is not None else base_environment(),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The number of the process, and of the group of all that it starts."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status; ``None`` while it runs. What it left behind is ended with it."""
        status = self._process.poll()
        if status is not None:
            kill_group(self._process)
        return status

    def kill(self) -> None:
        """End it, and all that it started."""
        kill_group(self._process)


def interact(argv: Sequence[str | Path], *, hint: str = "") -> int:
    """Run ``argv`` on our own terminal, and return its exit status.

    What it is given by keys such as Ctrl-C is for it alone. Raises :class:`MissingError` where
    the program does not exist; ``hint`` says what to do then.
    """
    words = tuple(str(word) for word in argv)
    # Unlike SIG_IGN, a handler of ours is not what the new program starts with.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        process = subprocess.Popen(words, env=base_environment())
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise
    except FileNotFoundError as error:
        raise MissingError(f"{words[0]}: not found", hint=hint) from error
    finally:
        signal.signal(signal.SIGINT, before)


def _pump(
    process: subprocess.Popen[bytes], sink: Callable[[bytes], object], deadline: float | None
) -> tuple[bytes, bool]:
    """Pass on the output up to its end; the last of standard error, and whether time ran out."""
    errors = b""
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return errors, True
            for key, _events in selector.select(left):
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    sink(chunk)
                else:
                    errors = (errors + chunk)[-_CHUNK:]
    try:
        process.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return errors, True
    return errors, False


def _start(
    words: tuple[str, ...],
    *,
    env: Mapping[str, str] | None,
    cwd: Path | None,
    sink: IO[bytes] | None,
    feed: bool,
) -> subprocess.Popen[str]:
    with _absence_explained(words):
        return subprocess.Popen(
            words,
            env=dict(env) if env is not None else base_environment(),
            cwd=cwd,
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=sink or subprocess.PIPE,
            stderr=subprocess.STDOUT if sink else subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )


@contextlib.contextmanager
def _absence_explained(words: tuple[str, ...]) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        missing = str(error.filename or words[0])
        # Otherwise it is the directory to run in.
        hint = f"install the package that has {words[0]}" if missing == words[0] else ""
        raise MissingError(f"{missing}: not found", hint=hint) from error
    except OSError as error:
        # Such as no permission, no interpreter line, too long a list of arguments.
        raise SystemFault(f"{words[0]} cannot be run: {error.strerror}") from error


def _communicate(
    process: subprocess.Popen[str], stdin: str | None, timeout: float | None
) -> tuple[str, str, bool]:
    try:
        out, err = process.communicate(stdin, timeout=timeout)
        return out or "", err or "", False
    except subprocess.TimeoutExpired:
        kill_group(process)
        return *_remainder(process), True
    except BaseException:
        kill_group(process)
        raise


def _remainder(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a killed command has said; one that left its group may hold the pipes open."""
    try:
        out, err = process.communicate(timeout=_GRACE_SECONDS)
        return out or "", err or ""
    except subprocess.TimeoutExpired as error:
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
        return _text(error.output), _text(error.stderr)


def _text(said: str | bytes | None) -> str:
    return said.decode("utf-8", errors="replace") if isinstance(said, bytes) else said or ""


def kill_group(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """End ``process`` and all its children: politely first, for good after a grace period."""
    for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            continue


def _tail(completed: Completed, log: Path | None) -> str:
    if log:
        return last_lines(log.read_text(encoding="utf-8", errors="replace"))
    return last_lines(completed.stderr or completed.stdout)


def last_lines(text: str) -> str:
    """The last lines of what a command said, which nearly always name the cause."""
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
