# SPDX-License-Identifier: BSD-2-Clause
"""The command runner, on commands that are everywhere and end at once."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumprun import command
from rumprun.command import CommandFailed, base_environment, quote, run, stream
from rumprun.errors import MissingError, SystemFault

SOON = 10.0


def gone(pid: int) -> bool:
    """Whether the process ends within a bounded time; a zombie has ended."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
        except FileNotFoundError:
            return True
        if state.split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def pid_in(path: Path) -> int:
    deadline = time.monotonic() + SOON
    while not (path.exists() and path.read_text(encoding="ascii").endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(path.read_text(encoding="ascii"))


@settings(deadline=None)
@given(st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))))
def test_a_quoted_command_is_read_back_by_a_shell(words: list[str]) -> None:
    assert shlex.split(quote(words)) == words


def test_output_and_status() -> None:
    done = run(["sh", "-c", "echo out; echo err >&2; exit 3"], check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 3)


def test_a_failure_names_the_command_and_its_last_lines() -> None:
    with pytest.raises(CommandFailed) as caught:
        run(["sh", "-c", "seq 100 >&2; exit 7"], hint="look here")
    assert "failed with status 7: sh -c 'seq 100 >&2; exit 7'" in caught.value.message
    assert caught.value.message.endswith("99\n100")
    assert "\n80\n" not in caught.value.message
    assert caught.value.hint == "look here"
    assert caught.value.completed.returncode == 7


def test_a_log_collects_all_and_is_appended_to(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n", encoding="utf-8")
    run(["sh", "-c", "echo out; echo err >&2"], log=log)
    odd = os.fsdecode(b"caf\xe9")
    with pytest.raises(CommandFailed, match="nothing at"):
        run(["sh", "-c", 'echo "nothing at $0"; exit 1', odd], log=log)
    text = log.read_bytes().decode("utf-8", errors="surrogateescape")
    assert text.startswith("before\n$ sh -c 'echo out; echo err >&2'\nout\nerr\n$ sh -c")
    assert odd in text


def test_standard_input_is_closed_unless_given() -> None:
    assert run(["cat"], timeout=SOON).stdout == ""
    assert run(["cat"], stdin="é\n", timeout=SOON).stdout == "é\n"
    # A reader that leaves early is no error of ours.
    assert run(["true"], stdin="x" * 1_000_000, timeout=SOON).returncode == 0


def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CFLAGS", "MAKEFLAGS", "DEB_BUILD_OPTIONS", "LANG", "DESTDIR"):
        monkeypatch.setenv(name, "leak")
    assert "leak" not in run(["env"]).stdout
    assert base_environment()["LC_ALL"] == "C.UTF-8"
    assert run(["/usr/bin/env"], env={"A": "1"}).stdout == "A=1\n"


def test_absent_and_unusable_programs(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no-such-program"):
        run(["no-such-program"])
    with pytest.raises(MissingError) as caught:
        run(["true"], cwd=tmp_path / "absent")
    assert "install" not in caught.value.hint
    script = tmp_path / "script"
    script.write_text("no interpreter\n", encoding="utf-8")
    for mode in (0o644, 0o755):
        script.chmod(mode)
        with pytest.raises(SystemFault, match="script"):
            run([script])


def test_time_runs_out_for_grandchildren_too(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    started = time.monotonic()
    with pytest.raises(CommandFailed, match=r"no end after 0.3 s: sh -c"):
        run(["sh", "-c", f"echo early; sleep 60 & echo $! >{pids}; wait"], timeout=0.3)
    assert time.monotonic() - started < SOON
    assert gone(pid_in(pids))


def test_one_that_ignores_the_polite_signal_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "_GRACE_SECONDS", 0.2)
    pids = tmp_path / "pid"
    with pytest.raises(CommandFailed):
        run(["sh", "-c", f"trap '' TERM; echo $$ >{pids}; sleep 60 & wait; wait"], timeout=0.3)
    assert gone(pid_in(pids))


def test_a_daemon_that_keeps_the_pipe_open_does_not_hold_us(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "_GRACE_SECONDS", 0.2)
    pids = tmp_path / "pid"
    script = f"setsid sh -c 'echo $$ >{pids}; exec sleep 60' & wait"
    started = time.monotonic()
    try:
        with pytest.raises(CommandFailed):
            run(["sh", "-c", script], timeout=0.5)
        assert time.monotonic() - started < SOON
    finally:
        os.kill(pid_in(pids), signal.SIGKILL)


def in_a_moment(action: Callable[[], None], path: Path) -> threading.Thread:
    def wait_and_act() -> None:
        pid_in(path)
        action()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def test_an_interrupt_ends_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    thread = in_a_moment(lambda: os.kill(os.getpid(), signal.SIGINT), pids)
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", f"sleep 60 & echo $! >{pids}; wait"], timeout=60)
    thread.join()
    assert gone(pid_in(pids))


def test_stream_hands_on_bytes_and_leaves_nobody_behind(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    pieces: list[bytes] = []
    done = stream(
        ["sh", "-c", f"printf 'a\\377'; echo err >&2; sleep 60 >/dev/null 2>&1 & echo $! >{pids}"],
        sink=pieces.append,
        timeout=SOON,
    )
    assert b"".join(pieces) == b"a\xff"
    assert (done.stderr, done.returncode) == ("err\n", 0)
    assert gone(pid_in(pids))


def test_stream_ends_when_its_sink_fails(tmp_path: Path) -> None:
    pids = tmp_path / "pid"

    def sink(_chunk: bytes) -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        stream(["sh", "-c", f"echo $$ >{pids}; echo x; sleep 60"], sink=sink)
    assert gone(pid_in(pids))


def test_interact_gives_the_status_and_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    assert command.interact([sys.executable, "-c", "print('here'); raise SystemExit(3)"]) == 3
    assert capfd.readouterr().out == "here\n"
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(MissingError, match="no-such-program: not found; install it"):
        command.interact(["no-such-program"], hint="install it")
    assert signal.getsignal(signal.SIGINT) == before


def test_interact_leaves_the_keys_to_the_program() -> None:
    """Ctrl-C reaches both; the program takes it as it likes, and we go on waiting."""
    code = (
        "import os, signal; os.kill(os.getppid(), signal.SIGINT); "
        "raise SystemExit(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    assert command.interact([sys.executable, "-c", code]) == 0
