# SPDX-License-Identifier: BSD-2-Clause
"""The one place that runs other programs: argument lists, explicit environment, bounded time.

No shell is involved anywhere. A failed command is reported ready to paste.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rumprun.errors import BuildError, MissingError

# What a child gets when the caller says nothing: enough to find programs, nothing that steers
# a build. Variables of compilers and of debhelper are passed on purpose or not at all.
_INHERITED = ("HOME", "LOGNAME", "PATH", "TERM", "TMPDIR", "USER", "APT_CONFIG", "XDG_CACHE_HOME")

_TAIL_LINES = 15
_GRACE_SECONDS = 5.0


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
) -> Completed:
    """Run ``argv`` to its end and return what it said.

    ``env`` replaces the environment (default: :func:`base_environment`); ``timeout`` is in
    seconds, after which the whole process group is killed; ``log`` collects both output
    streams, appended; ``stdin`` is text to feed, otherwise standard input is closed.

    Raises :class:`MissingError` where the program does not exist, and :class:`CommandFailed`
    where ``check`` is set and the status is not 0, or the time ran out.
    """
    words = tuple(str(word) for word in argv)
    sink: IO[bytes] | None = None
    try:
        sink = log.open("ab") if log else None
        if sink:
            sink.write(f"$ {quote(words)}\n".encode())
            sink.flush()
        process = _start(words, env=env, cwd=cwd, sink=sink, feed=stdin is not None)
        out, err, timed_out = _communicate(process, stdin, timeout)
    finally:
        if sink:
            sink.close()
    completed = Completed(argv=words, returncode=process.returncode, stdout=out, stderr=err)
    if timed_out:
        raise CommandFailed(
            f"no end after {timeout:g} s: {quote(words)}\n{_tail(completed, log)}".rstrip(),
            completed=completed,
            hint=hint,
        )
    if check and completed.returncode != 0:
        raise CommandFailed(
            f"failed with status {completed.returncode}: {quote(words)}"
            f"\n{_tail(completed, log)}".rstrip(),
            completed=completed,
            hint=hint,
        )
    return completed


def _start(
    words: tuple[str, ...],
    *,
    env: Mapping[str, str] | None,
    cwd: Path | None,
    sink: IO[bytes] | None,
    feed: bool,
) -> subprocess.Popen[str]:
    try:
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
    except FileNotFoundError as error:
        missing = error.filename or words[0]
        raise MissingError(
            f"{missing}: not found", hint=f"install the package that has {words[0]}"
        ) from error


def _communicate(
    process: subprocess.Popen[str], stdin: str | None, timeout: float | None
) -> tuple[str, str, bool]:
    try:
        out, err = process.communicate(stdin, timeout=timeout)
        return out or "", err or "", False
    except subprocess.TimeoutExpired:
        kill_group(process)
        out, err = process.communicate()
        return out or "", err or "", True
    except BaseException:
        kill_group(process)
        raise


def kill_group(process: subprocess.Popen[str]) -> None:
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
    """The last lines of what the command said, which nearly always name the cause."""
    if log:
        text = log.read_text(encoding="utf-8", errors="replace")
    else:
        text = completed.stderr or completed.stdout
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
