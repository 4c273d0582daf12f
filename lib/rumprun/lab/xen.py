# SPDX-License-Identifier: BSD-2-Clause
"""A lab: real Xen with a real dom0, in QEMU, on any machine; see doc/lab.md.

What a test or a tool does with it is in :func:`start_lab` and :class:`Lab`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from rumprun.errors import MissingError
from rumprun.lab import channel, images
from rumprun.lab.channel import Channel, Job, Outcome
from rumprun.lab.guest import Guest
from rumprun.lab.launch import LabRequest, Launched, launch
from rumprun.lab.logs import DOM0_LOG, GUESTS, LabError, PanicWatch, missing_features, tail, tails
from rumprun.lab.machine import SHARE
from rumprun.lab.releases import Release, find_release
from rumprun.lab.state import Running
from rumprun.workdir import remove_tree

__all__ = ["Guest", "Job", "Lab", "LabError", "LabRequest", "Outcome", "start_lab"]

# Emulated, on a busy machine; a lab's own limit may be less, and ends it.
_START_SECONDS: Final = 240.0
_CREATE_SECONDS: Final = 180.0
_TRANSFER_SECONDS: Final = 120.0

_WELCOME_SECONDS: Final = 30.0
_SOCKET_SECONDS: Final = 0.02

# What timeout(1) says where it had to end the command.
_LIMIT_STATUS = 124

_NAME_LINE = re.compile(r"^\s*name\s*=\s*(['\"])(?P<name>[^'\"]+)\1", re.MULTILINE)


class Process(Protocol):
    """A lab's machine."""

    def poll(self) -> int | None:
        """The exit status, None while it runs."""


class Lab:
    """A running lab."""

    def __init__(self, directory: Path, release: Release, process: Process) -> None:
        """``process`` is the machine's."""
        self.directory = directory
        self.xen = release.xen
        self.abi = release.abi
        self.share = directory / SHARE
        self._process = process
        self._watch = PanicWatch(directory)
        self._count = 0
        self.channel = Channel(directory, check=self.check)

    def check(self) -> None:
        """Raise :class:`LabError` where the hypervisor or dom0 gave up, or the machine ended."""
        panic = self._watch.panicked()
        if panic:
            raise LabError(f"the lab panicked: {panic}{tails(self.directory)}")
        status = self._process.poll()
        if status is not None:
            why = "reached its limit" if status == _LIMIT_STATUS else "ended"
            raise LabError(f"the lab {why}{tails(self.directory)}")

    def run(
        self,
        command: str,
        *,
        timeout: float = 60.0,
        check: bool = True,
        input: bytes = b"",  # noqa: A002
    ) -> Outcome:
        """Run ``sh -c command`` in dom0.

        After ``timeout`` seconds it is killed and :class:`LabError` raised; the lab lives on. With
        ``check``, a status other than 0 raises, too.
        """
        outcome = self.channel.run(command, timeout=timeout, given=input)
        if check and outcome.status != 0:
            said = (outcome.stderr or outcome.stdout).rstrip()
            raise LabError(
                f"failed with status {outcome.status} in dom0: {command}\n{said}"
                f"{tail(self.directory / DOM0_LOG)}"
            )
        return outcome

    def start(self, command: str, *, input: bytes = b"") -> Job:  # noqa: A002
        """Start ``sh -c command`` in dom0, in the background."""
        return self.channel.start(command, given=input)

    def start_script(self, content: bytes) -> Job:
        """Start a script in dom0: by the interpreter that its first line names, or by sh."""
        self._count += 1
        path = f"/tmp/script-{os.getpid()}-{self._count}"  # noqa: S108
        self.put(content, path, mode=0o755)
        return self.start(f"exec {path}" if content.startswith(b"#!") else f"exec sh {path}")

    def put(self, source: Path | bytes, destination: str, *, mode: int = 0o644) -> None:
        """Write a file, or bytes, to the path ``destination`` in dom0."""
        with self._passage() as (here, there):
            if isinstance(source, bytes):
                here.write_bytes(source)
            else:
                shutil.copyfile(source, here)
            goal = shlex.quote(destination)
            self.run(f"cp {there} {goal} && chmod {mode:o} {goal}", timeout=_TRANSFER_SECONDS)

    def get(self, path: str) -> bytes:
        """The content of the file ``path`` in dom0."""
        with self._passage() as (here, there):
            self.run(f"cat {shlex.quote(path)} > {there}", timeout=_TRANSFER_SECONDS)
            return here.read_bytes()

    def create(self, configuration: str, *, timeout: float = _CREATE_SECONDS) -> Guest:
        """Create the domain that the text, as of xl.cfg(5), describes; it has a line ``name =``."""
        found = _NAME_LINE.search(configuration)
        if not found:
            raise LabError("the domain's configuration has no name", hint='write name = "…"')
        name = found["name"]
        log = self.directory / GUESTS / f"guest-{name}.log"
        plain = log.with_name(f"{name}.log")
        if not plain.is_symlink():
            plain.symlink_to(log.name)
        start = log.stat().st_size if log.exists() else 0
        with self._passage() as (here, there):
            here.write_text(configuration, encoding="utf-8")
            # Paused first: what ends at once would have no number any more.
            words = (
                f"set -e; xl create -p {there} >&2; domid=$(xl domid {shlex.quote(name)});"
                " xl unpause $domid; echo $domid"
            )
            said = self.run(words, timeout=timeout, check=False)
        if said.status != 0:
            why = f"xl cannot create {name}:\n{said.stderr.rstrip()}"
            raise LabError(f"{why}{tail(log)}{tails(self.directory)}")
        return Guest(self, name=name, domid=int(said.stdout), log=log, start=start)

    def boot(
        self,
        image: Path,
        *,
        name: str = "guest",
        memory: int | None = None,
        kind: str | None = None,
        extra: str = "",
        arguments: tuple[str, ...] | None = None,
        config: str | None = None,
        lines: str = "",
    ) -> Guest:
        """Start the image in the directory ``image`` as the domain ``name``.

        ``memory`` is in MiB, None for what the image needs; ``kind`` is ``pvh`` or ``pv``, None
        for what starts sooner. ``extra`` follows the kernel command line and ``lines`` xl's
        configuration; ``arguments`` replace the program's, and ``config`` is the text of a
        runtime configuration.
        """
        self._count += 1
        place = self.share / f".image-{os.getpid()}-{self._count}"
        wanted = images.Wanted(
            name=name, memory=memory, kind=kind, extra=extra, arguments=arguments, config=config
        )
        try:
            text = images.prepare(image, wanted, place, f"/{SHARE}/{place.name}", abi=self.abi)
            return self.create(text + lines)
        finally:
            # xl has read what there is.
            remove_tree(place)

    def terminal(self, command: str) -> Job:
        """Start ``command`` with a terminal, for a person."""
        return self.channel.start(command, terminal=True)

    def close(self) -> None:
        """Give up the connection; the machine runs on."""
        self.channel.close()

    @contextlib.contextmanager
    def _passage(self) -> Iterator[tuple[Path, str]]:
        """A file's name, on the host and in dom0."""
        self._count += 1
        here = self.share / f".passage-{os.getpid()}-{self._count}"
        try:
            yield here, f"/{SHARE}/{here.name}"
        finally:
            here.unlink(missing_ok=True)


def attach(running: Running) -> Lab:
    """A connection with a lab that another command has started.

    Raises :class:`LabError` where it does not answer.
    """
    lab = Lab(running.directory, find_release(running.xen), running)
    try:
        if not lab.channel.welcome(_WELCOME_SECONDS):
            raise LabError(f"no answer from dom0{tails(running.directory)}")
    except BaseException:
        lab.close()
        raise
    return lab


@contextlib.contextmanager
def start_lab(request: LabRequest) -> Iterator[Lab]:
    """A lab that is up: dom0 answers, and ``xl`` works unless its store is ``none``.

    It ends with the block. Raises :class:`LabError` where it does not come up, with its logs'
    tails; :class:`UsageError` and :class:`MissingError` for what cannot be.
    """
    launched = launch(request)
    try:
        lab = connect(launched, _START_SECONDS)
        try:
            yield lab
        finally:
            lab.close()
    finally:
        launched.end()


def start_lasting_lab(request: LabRequest) -> Launched:
    """As :func:`start_lab`, and the lab runs on up to its limit, or until somebody ends it."""
    launched = launch(request)
    try:
        connect(launched, _START_SECONDS).close()
    except BaseException:
        launched.end()
        raise
    return launched


def connect(launched: Launched, timeout: float) -> Lab:
    """The lab, when it is up; :class:`LabError` where it is not within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    lab = _first_connection(launched, deadline)
    try:
        lab.channel.welcome(timeout)
        lacking = missing_features(launched.directory)
        if lacking:
            message = f"QEMU's processor has no {lacking}: domains would not run"
            raise MissingError(message, hint="install a newer qemu-system-x86")
        while lab.channel.state == channel.STARTING and time.monotonic() < deadline:
            lab.channel.pump(deadline - time.monotonic())
        if lab.channel.state != channel.READY:
            failed = lab.channel.state == channel.FAILED
            why = "dom0's daemons do not start" if failed else f"not up within {timeout:g} s"
            raise LabError(f"the lab: {why}{tails(launched.directory)}")
    except BaseException:
        lab.close()
        raise
    return lab


def _first_connection(launched: Launched, deadline: float) -> Lab:
    """A connection as soon as QEMU has made its sockets."""
    while True:
        try:
            return Lab(launched.directory, launched.release, launched.process)
        except LabError:
            ended = launched.process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise LabError(f"QEMU does not start{tails(launched.directory)}") from None
            time.sleep(_SOCKET_SECONDS)
