# SPDX-License-Identifier: BSD-2-Clause
"""A debusine server and its workers on this machine, to try builds on, in namespaces of its own.

Its root is made by mmdebstrap(1) from trixie and trixie-backports and kept; what runs in it is in
``share/farm``. Without root, user namespaces are enough: the builds' own are made inside.
"""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import hashlib
import json
import os
import shlex
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun import paths, ui
from rumprun.archive.debusine.api import Api
from rumprun.archive.debusine.client import Client, Manners
from rumprun.archive.debusine.configuration import read_server
from rumprun.command import ADMINISTRATORS_PATH, Background, base_environment, last_lines, run
from rumprun.errors import MissingError, RumprunError, SystemFault, UsageError
from rumprun.process import start_time
from rumprun.source.apt_root import base_mirror
from rumprun.workdir import atomic_path, locked

SERVER = "farm"
USER = "rumpdeb"
SUITE = "trixie"

# debusine needs newer versions of these than trixie has.
_BACKPORTED = "src:debusine src:python-django src:django-cte src:djangorestframework"
_PREFERENCES = f"""\
Package: {_BACKPORTED}
Pin: release n={SUITE}-backports
Pin-Priority: 900
"""
# The database is made by a script of ours: dbconfig-common would want to reach it.
_PACKAGES = (
    "ca-certificates,dbconfig-no-thanks,debusine-server,debusine-worker,dpkg-dev,gunicorn,iproute2,"
    "mmdebstrap,postgresql,procps,python3-uvicorn,redis-server,sbuild,uidmap,xz-utils"
)

_SHARE = paths.DATA / "share" / "farm"
_SETUP = _SHARE / "setup"

# useradd gives the worker's user the 65536 from 100000 on, which have to exist.
_IDS = 100000 + 65536

_SUBUID = Path("/etc/subuid")
_SUBGID = Path("/etc/subgid")

_MAKE_SECONDS = 3600.0
_START_SECONDS = 300.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Running:
    """A farm that has been started: ``process`` is the first of it, ``started`` its start time."""

    process: int
    started: str
    port: int
    workers: int

    @property
    def is_alive(self) -> bool:
        """Whether it is still there."""
        return start_time(self.process) == self.started


class Farm:
    """The farm of this user; there is at most one."""

    def __init__(self, directory: Path | None = None) -> None:
        """All of it is below ``directory``."""
        self.directory = directory or paths.cache() / "farm"

    @property
    def config(self) -> Path:
        """The configuration for debusine's client, and for the builder."""
        return self.directory / "config.ini"

    @property
    def root(self) -> Path:
        """The root directory of what runs."""
        return self.directory / "root"

    @property
    def logs(self) -> Path:
        """Where the services write."""
        return self.root / "var" / "log" / "farm"

    @property
    def has_root(self) -> bool:
        """Whether the root that this version wants has been made."""
        return self._tarball.is_file()

    def running(self) -> Running | None:
        """The farm, if it is up."""
        try:
            found = Running(**json.loads(self._state.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return found if found.is_alive else None

    def up(self, *, workers: int, port: int) -> Running:
        """Start it with so many ``workers``; the server is on ``port`` of 127.0.0.1.

        Raises :class:`UsageError` where it is up, :class:`MissingError` where it cannot be made,
        and :class:`SystemFault` where it does not start.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with locked(self.directory / "lock"):
            if self.running():
                raise UsageError("the farm is up already", hint="'rumpdeb farm down' ends it")
            # Before anything that takes long.
            tuple(_namespaces())
            tarball = self._made()
            self._remove()
            with ui.step("unpacking the farm's root"):
                self.root.mkdir()
                # Devices are the machine's own, and no user can make them.
                _as_owner(["tar", "-C", self.root, "--exclude=./dev/*", "-xf", tarball])
                _as_owner(["cp", _SHARE / "init", self.root / "farm"])
            return self._start(workers, port)

    def down(self) -> None:
        """End it, and remove all but what the next start wants."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with locked(self.directory / "lock"):
            found = self.running()
            if found is not None:
                _end(found)
            self._remove()

    def answers(self) -> bool:
        """Whether the server lets us in."""
        try:
            server = read_server(self.config, name=SERVER)
            Api(Client(server, Manners(patience=1.0))).check()
        except RumprunError:
            return False
        return True

    def connected(self) -> int:
        """How many workers have reached the server since they were started."""
        logs = self.logs.glob("worker-*.log")
        return sum("Send dynamic metadata" in log.read_text(errors="replace") for log in logs)

    @property
    def _state(self) -> Path:
        return self.directory / "running.json"

    def _remove(self) -> None:
        for file in (self._state, self.config):
            file.unlink(missing_ok=True)
        if self.root.is_dir():
            _as_owner(["rm", "-rf", self.root])

    @property
    def _tarball(self) -> Path:
        """Where the root is kept; its name tells what it was made of."""
        parts = [_PREFERENCES, _PACKAGES, _SETUP.read_text(encoding="utf-8")]
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return self.directory / f"root-{digest[:16]}.tar"

    def _made(self) -> Path:
        """The root, as a tarball."""
        tarball = self._tarball
        if not tarball.is_file():
            for old in self.directory.glob("root-*.tar"):
                old.unlink()
            with ui.step(f"making a farm's root of {SUITE}"), atomic_path(tarball) as partial:
                self._make(partial)
        return tarball

    def _make(self, tarball: Path) -> None:
        preferences = self.directory / "preferences"
        preferences.write_text(_PREFERENCES, encoding="utf-8")
        mirror = base_mirror()
        mode = "root" if os.geteuid() == 0 else "unshare"
        words: list[str | Path] = ["mmdebstrap", "--variant=apt", f"--mode={mode}", "--format=tar"]
        words += ['--aptopt=Apt::Install-Recommends "false"', f"--include={_PACKAGES}"]
        words += ['--setup-hook=mkdir -p "$1/etc/apt/preferences.d" "$1/farm"']
        words += [f"--setup-hook=upload {_quoted(preferences)} /etc/apt/preferences.d/debusine"]
        words += [f"--customize-hook=copy-in {_quoted(_SETUP)} /farm"]
        words += [f'--customize-hook=chroot "$1" /farm/setup {USER}']
        words += [SUITE, tarball]
        words += [f"deb {mirror} {suite} main" for suite in (SUITE, f"{SUITE}-backports")]
        try:
            run(words, timeout=_MAKE_SECONDS, env=_environment(), hint="install mmdebstrap")
        except RumprunError as error:
            raise MissingError(f"cannot make the farm's root: {error.message}") from error

    def _start(self, workers: int, port: int) -> Running:
        log = self.directory / "log"
        log.unlink(missing_ok=True)
        words: list[str | Path] = [*_namespaces(), "--mount", "--pid", "--fork", "--kill-child"]
        words += ["--propagation", "private", _SHARE / "enter", self.root]
        words += ["/farm/init", str(port), str(workers), USER]
        process = Background(words, output=None, log=log, env=_environment())
        running = Running(
            process=process.pid, started=start_time(process.pid) or "", port=port, workers=workers
        )
        with atomic_path(self._state) as partial:
            partial.write_text(json.dumps(dataclasses.asdict(running)), encoding="utf-8")
        try:
            with ui.step("starting the farm"):
                self._wait(process, log, running)
        except BaseException:
            _end(running)
            raise
        return running

    def _wait(self, process: Background, log: Path, running: Running) -> None:
        until = time.monotonic() + _START_SECONDS
        token = self.root / "farm" / "token"
        while time.monotonic() < until:
            if process.poll() is not None:
                said = last_lines(log.read_text(encoding="utf-8", errors="replace"))
                raise SystemFault(f"the farm does not start: {said}")
            if token.is_file() and not self.config.is_file():
                self._write_config(token.read_text(encoding="ascii").split()[-1], running.port)
            if self.config.is_file() and self.answers() and self.connected() == running.workers:
                return
            time.sleep(1.0)
        raise SystemFault(
            f"the farm has not started in {_START_SECONDS:g} s", hint=f"see {self.logs}"
        )

    def _write_config(self, token: str, port: int) -> None:
        text = (
            f"[General]\ndefault-server = {SERVER}\n\n"
            f"[server:{SERVER}]\napi-url = http://127.0.0.1:{port}/api\nscope = debusine\n"
            f"default-workspace = {USER}\ntoken = {token}\n"
        )
        with atomic_path(self.config) as partial:
            partial.touch(mode=0o600)
            partial.write_text(text, encoding="ascii")


def _ids(file: Path) -> tuple[int, int]:
    """The first and the number of the most ids in a row that ``file`` has for the user.

    They are for the farm's own users, and for those of its builds. Raises :class:`MissingError`
    where there are not enough.
    """
    names = (getpass.getuser(), str(os.getuid()))
    found = (0, 0)
    with contextlib.suppress(OSError):
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, numbers = line.partition(":")
            first, _, count = numbers.partition(":")
            if name in names and first.isdecimal() and count.isdecimal():
                found = max(found, (int(first), int(count)), key=lambda pair: pair[1])
    if found[1] < _IDS:
        raise MissingError(
            f"{file} has not {_IDS} ids in a row for {names[0]}",
            hint=f"'usermod --add-subuids 1000000-1199999 --add-subgids 1000000-1199999 {names[0]}'"
            " gives them",
        )
    return found


def _namespaces() -> Iterator[str]:
    """The command that runs another one as what is root to the farm."""
    yield "unshare"
    if os.geteuid() != 0:
        # unshare(1)'s "auto" takes the first row of ids, which is the shorter as a rule.
        yield from ("--user", "--map-root-user", "--setuid", "0", "--setgid", "0")
        for option, file in (("--map-users", _SUBUID), ("--map-groups", _SUBGID)):
            first, count = _ids(file)
            yield f"{option}={first},1,{count}"


def _as_owner(words: Sequence[str | Path]) -> None:
    run([*_namespaces(), *words] if os.geteuid() != 0 else words, timeout=_MAKE_SECONDS)


def _environment() -> dict[str, str]:
    return {**base_environment(), "PATH": ADMINISTRATORS_PATH}


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _end(running: Running) -> None:
    """End all of a farm: unshare(1) ends the first process in the namespace with itself."""
    until = time.monotonic() + _STOP_SECONDS
    while running.is_alive and time.monotonic() < until:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.process, signal.SIGKILL)
        time.sleep(0.2)
