# SPDX-License-Identifier: BSD-2-Clause
"""Labs that are up between commands: where they are, and which machine is theirs."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rumprun.errors import InputError, MissingError, SystemFault, UsageError
from rumprun.lab.launch import Launched
from rumprun.lab.machine import INITRAMFS
from rumprun.process import start_time
from rumprun.workdir import atomic_path, locked, remove_tree

_STATE: Final = "lab.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")

# timeout(1) passes TERM on to QEMU, which ends at once.
_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Running:
    """A lab of an earlier command; ``started`` tells its process from a later one of its number."""

    directory: Path
    xen: str
    store: str
    process: int
    started: str

    def poll(self) -> int | None:
        """None while its machine runs."""
        return None if start_time(self.process) == self.started else 0

    def kill(self) -> None:
        """End the machine."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + _GRACE_SECONDS
            while self.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process, number)
                time.sleep(_LOOK_SECONDS)


def place_of(name: str) -> Path:
    """The directory for the lab ``name`` of this user; what it is in is made.

    Raises :class:`UsageError` for what is no name, :class:`SystemFault` where somebody else has
    made the directory.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a lab", hint="letters, digits and .-_")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) / "rumprun-lab" if runtime else Path(f"/tmp/rumprun-lab-{os.geteuid()}")  # noqa: S108
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = base.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
        raise SystemFault(f"{base} is not ours", hint="set XDG_RUNTIME_DIR")
    return base / name


def find_running(name: str) -> Running | None:
    """The lab ``name`` that is up; None where it is not, or has ended."""
    directory = place_of(name)
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        said = json.loads((directory / _STATE).read_text(encoding="utf-8"))
        found = Running(
            directory=directory,
            xen=str(said["xen"]),
            store=str(said["store"]),
            process=int(said["process"]),
            started=str(said["started"]),
        )
        if found.poll() is None:
            return found
    return None


def require_running(name: str) -> Running:
    """The lab ``name``; :class:`MissingError` where it is not up."""
    found = find_running(name)
    if found is None:
        logs = place_of(name)
        where = f"; the logs of the last one are in {logs}" if logs.exists() else ""
        raise MissingError(f"no lab is up{where}", hint="start one with 'rumpdeb lab up'")
    return found


@contextlib.contextmanager
def starting(name: str) -> Iterator[Path]:
    """The directory for a new lab ``name``, while no other process starts it.

    The logs of an earlier one are gone then. Raises :class:`InputError` where it is up.
    """
    directory = place_of(name)
    with locked(directory.with_name(f".{name}.lock")):
        if find_running(name) is not None:
            raise InputError(f"the lab {name} is up already", hint="see 'rumpdeb lab down'")
        remove_tree(directory)
        yield directory


def remember(launched: Launched, store: str) -> Running:
    """Have the next command find the lab."""
    process = launched.process.pid
    found = Running(
        directory=launched.directory,
        xen=launched.release.xen,
        store=store,
        process=process,
        started=start_time(process) or "",
    )
    document = dataclasses.asdict(found)
    del document["directory"]
    with atomic_path(launched.directory / _STATE) as partial:
        partial.write_text(json.dumps(document) + "\n", encoding="utf-8")
    return found


def stop(running: Running) -> None:
    """End a lab; its logs stay."""
    running.kill()
    (running.directory / INITRAMFS).unlink(missing_ok=True)
