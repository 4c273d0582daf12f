# SPDX-License-Identifier: BSD-2-Clause
"""command.stream: output as it comes, and nothing left running."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from rumprun import command
from rumprun.errors import MissingError

pytestmark = pytest.mark.integration

PYTHON = "/usr/bin/python3"


def test_bytes_arrive_unchanged_and_errors_apart() -> None:
    script = "import os; os.write(1, bytes(range(256)) * 1000); os.write(2, b'why'); os._exit(3)"
    out = bytearray()
    ended = command.stream([PYTHON, "-c", script], sink=out.extend, timeout=60)
    assert bytes(out) == bytes(range(256)) * 1000
    assert (ended.returncode, ended.stderr) == (3, "why")


def test_output_comes_before_the_end() -> None:
    script = "import sys, time; print('now', flush=True); time.sleep(60)"

    class Seen(Exception):
        pass

    def sink(_chunk: bytes) -> None:
        raise Seen

    started = time.monotonic()
    with pytest.raises(Seen):
        command.stream([PYTHON, "-c", script], sink=sink)
    assert time.monotonic() - started < 30


def test_timeout_ends_the_whole_group(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    # The child keeps the pipe open, and ignores the polite signal.
    script = (
        "import os, signal, time, sys\n"
        "if os.fork() == 0:\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"    open({str(note)!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(command.CommandFailed, match="no end after 2 s"):
        command.stream([PYTHON, "-c", script], sink=lambda _chunk: None, timeout=2)
    child = Path("/proc") / note.read_text() / "stat"
    deadline = time.monotonic() + 10
    # A zombie waits for its new parent, which is not ours to hurry.
    while child.exists() and child.read_text().rsplit(")", 1)[1].split()[0] != "Z":
        assert time.monotonic() < deadline, "the child still runs"
        time.sleep(0.05)


def test_missing_program() -> None:
    with pytest.raises(MissingError):
        command.stream(["/nonexistent"], sink=lambda _chunk: None)


def test_standard_input_is_closed() -> None:
    script = "import sys; sys.stdout.write(repr(sys.stdin.read()))"
    out = bytearray()
    command.stream([PYTHON, "-c", script], sink=out.extend, env=dict(os.environ), timeout=60)
    assert bytes(out) == b"''"
