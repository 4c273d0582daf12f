# SPDX-License-Identifier: BSD-2-Clause
"""A machine's network, disks and shares, as a program in it finds them."""

from __future__ import annotations

import http.client
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from boot.boot_samples import BOOT_SECONDS, HERE, compile_program
from rumprun import command
from rumprun.cli.main import main
from rumprun.errors import BootError
from rumprun.lab.devices import Block, Devices, Forward, Share, UserNet
from rumprun.lab.qemu import RunRequest, run_image

# The slim kernel is built for the first of them.
pytestmark = [pytest.mark.boot, pytest.mark.timeout(3600)]

# The archive's has these drivers as modules.
KERNEL = "slim"

MIB = 1 << 20


@dataclass
class Place:
    """What of this machine the other one gets."""

    root: Path
    raw: Path
    qcow2: Path
    answers: list[str] = field(default_factory=list)

    def request(self, arguments: tuple[str, ...] | None, port: int) -> RunRequest:
        forward = Forward(address="127.0.0.1", outside=port, inside=80)
        devices = Devices(
            nets=(UserNet(forwards=(forward,)),),
            blocks=(
                Block(file=self.raw),
                Block(file=self.qcow2, readonly=True, format="qcow2"),
            ),
            shares=(
                Share(directory=self.root / "host", tag="host"),
                Share(directory=self.root / "kept", tag="kept", readonly=True),
            ),
        )
        return RunRequest(
            arguments=arguments, timeout=BOOT_SECONDS, accelerator="tcg", devices=devices
        )


@pytest.fixture(name="place")
def make_place(tmp_path: Path) -> Place:
    # Commas and colons have a meaning for QEMU.
    root = tmp_path / "a,b:c"
    for name in ("host", "kept"):
        (root / name).mkdir(parents=True)
        (root / name / "to-machine").write_text(f"for {name}")
    place = Place(root=root, raw=root / "raw", qcow2=root / "qcow2")
    place.raw.write_bytes(b"the raw disk".ljust(MIB, b"\0"))
    plain = tmp_path / "plain"
    plain.write_bytes(b"the other disk".ljust(2 * MIB, b"\0"))
    command.run(["qemu-img", "convert", "-O", "qcow2", plain, place.qcow2], timeout=60)
    return place


@pytest.fixture(scope="module", name="devices_image")
def bake(board_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert board_root.is_dir()
    directory = tmp_path_factory.mktemp("devices")
    program = compile_program(HERE / "devices.c", directory / "devices")
    image = directory / "image"
    assert main(["bake", "--kernel", KERNEL, "-o", str(image), str(program)]) == 0
    return image


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer_once(listener: socket.socket) -> None:
    connection, _address = listener.accept()
    with connection:
        assert connection.recv(64) == b"who?\n"
        connection.sendall(b"the one that runs you")


def fetch(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


def test_a_program_uses_every_device(devices_image: Path, place: Place) -> None:
    port, console = free_port(), bytearray()
    refused: list[BootError] = []

    def sink(chunk: bytes) -> None:
        console.extend(chunk)
        if b"listening\n" not in console or place.answers:
            return
        # While it runs, nobody else gets its disk.
        with pytest.raises(BootError) as caught:
            run_image(devices_image, place.request(("0",), free_port()), sink=len)
        refused.append(caught.value)
        place.answers.append(fetch(port))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        helper = threading.Thread(target=answer_once, args=(listener,), daemon=True)
        helper.start()
        own = str(listener.getsockname()[1])
        ended = run_image(devices_image, place.request((own,), port), sink=sink)
        helper.join(timeout=10)

    assert console.decode().splitlines() == [
        f"/dev/vda: the raw disk, {MIB} bytes, writable",
        f"/dev/vdb: the other disk, {2 * MIB} bytes, read-only",
        "host: for host, writable",
        "kept: for kept, Read-only file system",
        "host: the one that runs you",
        "listening",
    ]
    assert ended.status == 0
    assert place.answers == ["from the machine\n"]
    assert "another machine uses that file" in refused[0].hint
    assert place.raw.read_bytes()[512:].startswith(b"written by the machine\0")
    assert (place.root / "host" / "from-machine").read_text() == "made by the machine\n"
    assert [path.name for path in (place.root / "kept").iterdir()] == ["to-machine"]
