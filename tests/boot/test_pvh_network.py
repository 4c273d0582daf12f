# SPDX-License-Identifier: BSD-2-Clause
"""Board pvh's virtio devices: a server that answers, keeps no memory, and a disk."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from boot.boot_samples import BOOT_SECONDS, HERE, compile_program
from rumprun import paths
from rumprun.cli.main import main
from rumprun.lab.devices import Block, Devices, Forward, UserNet
from rumprun.lab.qemu import RunRequest, run_image

pytestmark = [pytest.mark.boot, pytest.mark.timeout(900)]

REQUESTS = 10_000

# Connections that are over are remembered for a minute, up to 64, with what the heap has around.
MOST_PAGES = 16

MANIFEST = """\
[[program]]
path = "http_server"

[config]
net = {interfaces = {eth0 = {addrs = [{type = "inet", method = "dhcp"}]}}}
"""


@pytest.fixture(scope="module", name="server_image")
def bake_server(board_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (paths.board_files("pvh") / "base-net").is_file():
        pytest.skip("the pvh board was built without lwIP's variant (make lwip)")
    assert board_root.is_dir()
    directory = tmp_path_factory.mktemp("server")
    compile_program(HERE / "http_server.c", directory / "http_server")
    manifest = directory / "server.rumprun-bake"
    manifest.write_text(MANIFEST)
    image = directory / "image"
    assert main(["bake", "--board", "pvh", "-o", str(image), str(manifest)]) == 0
    return image


def connect(port: int) -> http.client.HTTPConnection:
    """A connection, once the machine answers."""
    end = time.monotonic() + BOOT_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"hello"
        except (OSError, http.client.HTTPException):
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return connection


def get(connection: http.client.HTTPConnection, path: str = "/") -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()


def free_pages(connection: http.client.HTTPConnection) -> int:
    words = dict(
        line.split(" ", 1) for line in get(connection, "/base").decode().splitlines() if line
    )
    return int(words["pages_free"])


@contextmanager
def serving(image: Path, machine: str) -> Iterator[http.client.HTTPConnection]:
    """The server in a machine, until it is asked to end; its status has to be 0."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    forward = Forward(address="127.0.0.1", outside=port, inside=80)
    console = bytearray()
    statuses: list[int | None] = []
    request = RunRequest(
        timeout=600,
        accelerator="tcg",
        machine=machine,
        devices=Devices(nets=(UserNet(forwards=(forward,)),)),
    )

    def run() -> None:
        statuses.append(run_image(image, request, sink=console.extend).status)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    connection = connect(port)
    yield connection
    connection.request("GET", "/end")
    thread.join(timeout=BOOT_SECONDS)
    assert statuses == [0], bytes(console)


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_a_server_answers_on_each_machine(server_image: Path, machine: str) -> None:
    with serving(server_image, machine) as connection:
        for _ in range(20):
            assert get(connection) == b"hello"
        assert get(connection, "/large") == b"x" * (1 << 20)
        listening = [line.split()[1:4] for line in get(connection, "/net/tcp").splitlines()[1:]]
        assert [b"00000000:0050", b"00000000:0000", b"0A"] in listening


def test_requests_take_no_memory_for_good(server_image: Path) -> None:
    with serving(server_image, "pc") as connection:
        before = free_pages(connection)
        for number in range(REQUESTS):
            # Every tenth on a connection of its own.
            if number % 10 == 0:
                one = http.client.HTTPConnection(connection.host, connection.port, timeout=20)
                assert get(one) == b"hello"
                one.close()
            else:
                assert get(connection) == b"hello"
        assert free_pages(connection) >= before - MOST_PAGES


@pytest.mark.parametrize("machine", ["pc", "microvm"])
def test_a_disk_is_a_file(board_root: Path, tmp_path: Path, machine: str) -> None:
    assert board_root.is_dir()
    program = compile_program(HERE / "disk.c", tmp_path / "disk")
    image = tmp_path / "image"
    assert main(["bake", "--board", "pvh", "-o", str(image), str(program)]) == 0
    disk = tmp_path / "raw"
    disk.write_bytes(bytes(1 << 20))
    console = bytearray()
    request = RunRequest(
        timeout=BOOT_SECONDS,
        accelerator="tcg",
        machine=machine,
        devices=Devices(blocks=(Block(file=disk),)),
    )
    assert run_image(image, request, sink=console.extend).status == 0
    assert console.decode().splitlines() == [
        "open: fine",
        "BLKGETSIZE64: 0",
        "bytes: 1048576",
        "write: 100000",
        "fsync: 0",
        "read: 100000",
        "same: 1",
        "end: 1048576",
        "read at the end: 0",
        "write at the end: No space left on device",
    ]
    written = bytes(number % 251 for number in range(100_000))
    assert disk.read_bytes()[12345 : 12345 + len(written)] == written
