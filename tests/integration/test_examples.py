# SPDX-License-Identifier: BSD-2-Clause
"""The images of examples/images, of the archive's sources, baked and booted as its page says."""

from __future__ import annotations

import http.client
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging_machine import ROOT, apt_get, installed, may_install

from boot.boot_samples import BOOT_SECONDS, compile_program
from rumprun import command
from rumprun.target.descriptor import load_target

pytestmark = [
    # The slim kernel is built for the first of them.
    pytest.mark.timeout(3600),
    pytest.mark.integration,
    pytest.mark.skipif(not may_install(), reason="packages can be installed by root only"),
]

RUMPDEB = ROOT / "rumpdeb"
EXAMPLES = ROOT / "examples" / "images"
SOURCES = ("lua5.4", "sqlite3", "libxcrypt", "nginx")
PROGRAMS = ("lua5.4-rumprun", "sqlite3-rumprun", "nginx-rumprun")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the examples; the archive's programs are installed while these tests run."""
    load_target().tool("gcc")
    place = tmp_path_factory.mktemp("examples") / "images"
    shutil.copytree(EXAMPLES, place)
    debs = place / "debs"
    words = ["--enable-deb-src", "--install-deps", "--jobs", "2", "--output", debs]
    command.run(
        [RUMPDEB, "build", "--recipe", "recipes", "--only-named", *words, *SOURCES],
        cwd=place,
        timeout=1500,
    )
    before = installed(PROGRAMS)
    apt_get("install", *(next(debs.glob(f"{name}_*.deb")) for name in PROGRAMS))
    yield place
    added = [name for name in PROGRAMS if name not in before]
    if added:
        apt_get("purge", *added)


@pytest.fixture(params=["linux", "pvh"])
def board(request: pytest.FixtureRequest) -> str:
    """What the examples run on; their manifests say linux, the default."""
    return str(request.param)


def bake(place: Path, *words: str | Path, board: str = "linux") -> None:
    command.run([RUMPDEB, "bake", "--board", board, *words], cwd=place, timeout=3000)


def run(place: Path, *words: str | Path) -> list[str]:
    """The lines of the console of an image that ends well."""
    options = ["--accel", "tcg", "--timeout", str(BOOT_SECONDS)]
    ended = command.run([RUMPDEB, "run", *options, *words], cwd=place, timeout=2 * BOOT_SECONDS)
    return ended.stdout.splitlines()


def test_hello(place: Path, board: str) -> None:
    compile_program(place / "hello.c", place / "hello")
    bake(place, "-o", "hello.image", "hello", board=board)
    assert run(place, "hello.image") == ["Hello, world!"]


def test_three_programs_with_order_pipe_and_restart(place: Path, board: str) -> None:
    compile_program(place / "steps.c", place / "steps")
    bake(place, "three.rumprun-bake", board=board)
    assert run(place, "three.image") == [
        "server: about to serve",
        "rumprun: client: exit status 1; it starts again",
        "count: 3 words",
    ]


def test_lua_runs_a_script(place: Path, board: str) -> None:
    bake(place, "lua.rumprun-bake", board=board)
    assert run(place, "lua.image") == ["2", "3", "5", "7", "11", "13", "17", "19"]


def test_a_database_in_memory(place: Path, board: str) -> None:
    bake(place, "sqlite3.rumprun-bake", board=board)
    assert run(place, "sqlite3.image") == ["3", "two", "one"]


def test_a_database_on_a_disk(place: Path) -> None:
    bake(place, "sqlite3.rumprun-bake")
    command.run(["/sbin/mkfs.ext4", "-q", "disk", "16M"], cwd=place)
    words = ["--config", "sqlite3-disk.json", "--block", "disk", "sqlite3.image"]
    assert run(place, *words) == ["0"]
    assert run(place, *words) == ["0", "1"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def fetch(port: int) -> bytes:
    """The page, as soon as somebody answers."""
    deadline = time.monotonic() + BOOT_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.getheader("Content-Type") == "text/html"
            return answer.read()
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        finally:
            connection.close()


def test_nginx_answers(place: Path, board: str) -> None:
    bake(place, "nginx.rumprun-bake", board=board)
    port = free_port()
    options = ["--accel", "tcg", "--timeout", str(BOOT_SECONDS), "--forward", f"{port}:80"]
    server = threading.Thread(
        target=command.run,
        args=([RUMPDEB, "run", *options, "nginx.image"],),
        kwargs={"cwd": place, "check": False, "timeout": 2 * BOOT_SECONDS},
        daemon=True,
    )
    server.start()
    try:
        assert fetch(port) == (place / "www" / "index.html").read_bytes()
    finally:
        command.run(["pkill", "-f", f"hostfwd=tcp:127.0.0.1:{port}-:80"], check=False)
        server.join(timeout=60)
