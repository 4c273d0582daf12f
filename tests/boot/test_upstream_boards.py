# SPDX-License-Identifier: BSD-2-Clause
"""Boards of upstream Rumprun, by its own baker, where a prefix is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boot.boot_samples import BOOT_SECONDS, HERE
from rumprun import command
from rumprun.bake.board import BakeRequest, ProgramRequest, find_board
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.output import bake_image
from rumprun.bake.root import Entry
from rumprun.config.check import parse_document
from rumprun.errors import InputError, RumprunError, UsageError
from rumprun.lab.devices import Block, Devices, UserNet
from rumprun.lab.qemu import RunRequest, run_image
from rumprun.target.descriptor import Target, load_target
from rumprun.target.prefix import environment as environment_of_prefix
from rumprun.target.prefix import find_prefix

pytestmark = pytest.mark.boot


@pytest.fixture(scope="module")
def target() -> Target:
    """The target; a skip where no upstream Rumprun is installed."""
    try:
        return load_target("netbsd")
    except RumprunError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def programs(target: Target, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two programs that share all their global names, one of them in common storage."""
    directory = tmp_path_factory.mktemp("upstream")
    for name in ("one", "two"):
        source = HERE / f"upstream_{name}.c"
        argv = [target.tool("gcc"), "-fcommon", "-O1", "-o", directory / name, source]
        command.run(argv, timeout=BOOT_SECONDS)
    return directory / "one", directory / "two"


def bake(
    target: Target, files: tuple[Path, ...], directory: Path, config: dict[str, Any] | None = None
) -> Path:
    """An image for hw_virtio."""
    names = [file.name for file in files]
    text = json.dumps(config or {}).encode()
    request = BakeRequest(
        programs=tuple(
            ProgramRequest(file=file, name=file.name, argv=(file.name, "a b")) for file in files
        ),
        target=target,
        files={"etc/note": Entry(content=b"from a file")},
        config=parse_document(text, where="test", programs=names),
        kernel_package=DEFAULT_PACKAGE,
    )
    bake_image(find_board("hw_virtio"), request, directory)
    return directory


def run(
    directory: Path, *, config: dict[str, Any] | None = None, devices: Devices | None = None
) -> tuple[int, str]:
    """Boot an image: its status, and what its console said."""
    console = bytearray()
    text = json.dumps(config) if config else None
    request = RunRequest(
        config=text, timeout=BOOT_SECONDS, accelerator="tcg", devices=devices or Devices()
    )
    ended = run_image(directory, request, sink=console.extend)
    return ended.status, console.decode(errors="replace")


def test_several_programs_share_no_names(
    target: Target, programs: tuple[Path, Path], tmp_path: Path
) -> None:
    rc = [{"bin": "two", "argv": ["called"]}, {"bin": "one"}]
    image = bake(target, programs, tmp_path / "i", {"rc": rc, "env": {"OWN": "baked"}})
    status, said = run(image)
    assert "two: counter 101, uncommon 20, 1 words, called" in said
    assert "one: counter 2, uncommon 10, last of 2: a b, OWN baked, from a file" in said
    assert said.index("two: ") < said.index("one: ")
    assert status == 7
    # The configuration is not in the image, so another one does it as well.
    status, said = run(image, config={"rc": [{"bin": "two"}], "env": {"OWN": "given"}})
    assert "two: counter 101" in said
    assert "one: " not in said
    assert status == 7


def test_one_program_as_upstream_made_it(
    target: Target, programs: tuple[Path, Path], tmp_path: Path
) -> None:
    first = bake(target, programs[:1], tmp_path / "first")
    second = bake(target, programs[:1], tmp_path / "second")
    assert (first / "kernel").read_bytes() == (second / "kernel").read_bytes()
    assert run(first)[0] == 3


def test_disk_and_network_as_on_other_boards(
    target: Target, programs: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "note").write_text("from a disk")
    disk = tmp_path / "disk"
    make = ["/sbin/mkfs.ext2", "-q", "-d", tmp_path / "root", disk, "8M"]
    command.run(make, timeout=BOOT_SECONDS)
    address = {"type": "inet", "method": "static", "addr": "10.0.2.15/24"}
    config = {
        "net": {"interfaces": {"eth0": {"addrs": [address]}}, "gateways": ["10.0.2.2"]},
        "blk": {"data": {"type": "disk", "path": "/dev/vda"}},
        "mount": {"/data": {"source": "blk", "name": "data"}},
        "env": {"NOTE": "/data/note"},
    }
    image = bake(target, programs[:1], tmp_path / "i", config)
    devices = Devices(blocks=(Block(file=disk),), nets=(UserNet(),))
    _, said = run(image, devices=devices)
    assert "from a disk" in said
    assert "interface vioif0 10.0.2.15" in said


def test_the_driver_makes_what_upstreams_front_end_makes(target: Target, tmp_path: Path) -> None:
    prefix = find_prefix(target.triple)
    made = []
    for number, tool in enumerate((target.tool("gcc"), prefix.tool("gcc"))):
        made.append(tmp_path / str(number))
        # Upstream's trial link fails with Debian's gcc, and counts for nothing then.
        environment = {**environment_of_prefix(), "RUMPRUN_STUBLINK": "succeed"}
        argv = [tool, "-O1", "-o", made[-1], HERE / "upstream_one.c"]
        command.run(argv, env=environment, timeout=BOOT_SECONDS)
    assert made[0].read_bytes() == made[1].read_bytes()


def test_a_program_of_the_other_target_is_refused(target: Target, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="and programs of target netbsd are ET_REL"):
        bake(target, (Path("/usr/bin/true"),), tmp_path / "i")


def test_a_board_for_xen_is_none_for_qemu(
    target: Target, programs: tuple[Path, Path], tmp_path: Path
) -> None:
    request = BakeRequest(
        programs=(ProgramRequest(file=programs[0], name="one", argv=("one",)),),
        target=target,
        kernel_package=DEFAULT_PACKAGE,
    )
    try:
        bake_image(find_board("xen_pv"), request, tmp_path / "i")
    except InputError as error:
        assert "has no board xen_pv" in error.message  # noqa: PT017
        assert "build its platform xen" in error.hint  # noqa: PT017
    else:
        with pytest.raises(UsageError, match="does not run in QEMU alone"):
            run(tmp_path / "i")
