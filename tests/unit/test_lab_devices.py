# SPDX-License-Identifier: BSD-2-Clause
"""Devices on the command line of ``rumpdeb run``, on QEMU's, and those that a document needs."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
from pathlib import Path

import pytest

from rumprun.bake.image import image_text
from rumprun.cli import device_options, run
from rumprun.cli.main import main
from rumprun.config.check import parse_document
from rumprun.config.complaint import ConfigError
from rumprun.errors import InputError, MissingError, RumprunError, UsageError
from rumprun.lab import devices
from rumprun.lab.devices import (
    Block,
    Devices,
    Forward,
    Share,
    TapNet,
    UserNet,
    check_devices,
    device_words,
    failure_hint,
)
from rumprun.lab.needs import check_needs, needed_devices
from unit.test_bake_image import IMAGE

LOCAL = "127.0.0.1"


def given(*words: str) -> Devices:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    return device_options.devices_of(parser.parse_args(["image", *words]))


def test_all_options() -> None:
    found = given(
        *("--net", "user", "--net", "tap=tap0"),
        *("--forward", "8080:80", "--forward", "0.0.0.0:53:5353/udp"),
        *("--block", "a.img", "--block", "b,c.img,format=qcow2,ro"),
        *("--share", "/srv", "--share", "/a,b,tag=two,ro"),
    )
    forwards = (
        Forward(address=LOCAL, outside=8080, inside=80),
        Forward(address="0.0.0.0", outside=53, inside=5353, protocol="udp"),  # noqa: S104
    )
    assert found == Devices(
        nets=(UserNet(forwards=forwards), TapNet(name="tap0")),
        blocks=(
            Block(file=Path("a.img")),
            Block(file=Path("b,c.img"), readonly=True, format="qcow2"),
        ),
        shares=(
            Share(directory=Path("/srv"), tag="host"),
            Share(directory=Path("/a,b"), tag="two", readonly=True),
        ),
    )


def test_a_forwarded_port_needs_no_other_option() -> None:
    (net,) = given("--forward", "1:2").nets
    assert net == UserNet(forwards=(Forward(address=LOCAL, outside=1, inside=2),))
    assert given() == Devices()
    with pytest.raises(UsageError, match="--forward without --net user"):
        given("--net", "tap=t", "--forward", "1:2")


@pytest.mark.parametrize(
    ("option", "word", "said"),
    [
        ("--net", "bridge", "neither user nor tap=NAME"),
        ("--net", "tap=", "neither user nor tap=NAME"),
        ("--forward", "80", r"no \[ADDRESS:\]PORT:PORT"),
        ("--forward", "80:80/sctp", r"no \[ADDRESS:\]PORT:PORT"),
        ("--forward", "0:80", "ports are 1 to 65535"),
        ("--forward", "80:65536", "ports are 1 to 65535"),
        ("--forward", "1.2.3.256:1:2", "no IPv4 address"),
        ("--block", "a,format=vmdk", "the formats are raw and qcow2"),
        ("--block", "a,ro,ro", "ro twice"),
        ("--block", ",ro", "no path"),
        ("--share", "", "no path"),
        ("--share", "a,tag=x,tag=y", "tag twice"),
    ],
)
def test_refused_words(
    option: str, word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        given(option, word)
    assert caught.value.code == 2
    capsys.readouterr()
    parse = {
        "--net": device_options.parse_net,
        "--forward": device_options.parse_forward,
        "--block": device_options.parse_block,
        "--share": device_options.parse_share,
    }[option]
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        parse(word)


def test_words_for_qemu() -> None:
    forward = Forward(address=LOCAL, outside=8080, inside=80)
    words = device_words(
        Devices(
            nets=(UserNet(forwards=(forward,)), TapNet(name="tap0")),
            blocks=(
                Block(file=Path("/d/nbd:a,b.img")),
                Block(file=Path("c.qcow2"), readonly=True, format="qcow2"),
            ),
            shares=(Share(directory=Path("/s,t"), tag="host", readonly=True),),
        )
    )
    assert words[0::2] == [
        *("-netdev", "-device", "-netdev", "-device"),
        *("-blockdev", "-device", "-blockdev", "-device", "-fsdev", "-device"),
    ]
    values = words[1::2]
    assert values[0] == "user,id=net0,hostfwd=tcp:127.0.0.1:8080-:80"
    assert values[2] == "tap,id=net1,ifname=tap0,script=no,downscript=no"
    assert values[4:] == [
        "driver=raw,node-name=disk0,read-only=off,file.driver=file,file.filename=/d/nbd:a,,b.img",
        "virtio-blk-pci,drive=disk0",
        "driver=qcow2,node-name=disk1,read-only=on,file.driver=file,file.filename=c.qcow2",
        "virtio-blk-pci,drive=disk1",
        "local,id=share0,path=/s,,t,security_model=none,multidevs=remap,readonly=on",
        "virtio-9p-pci,fsdev=share0,mount_tag=host",
    ]
    assert values[1].startswith("virtio-net-pci,netdev=net0,mac=52:54:00:")
    assert device_words(Devices()) == []


def test_words_for_a_machine_without_pci() -> None:
    devices = Devices(nets=(UserNet(),), blocks=(Block(file=Path("d")),))
    values = device_words(devices, "microvm")[1::2]
    assert values[1].startswith("virtio-net-device,netdev=net0,mac=52:54:00:")
    assert "romfile" not in values[1]
    assert values[3] == "virtio-blk-device,drive=disk0"


def test_taps_have_addresses_of_their_own() -> None:
    words = device_words(Devices(nets=(TapNet(name="a"), TapNet(name="b"), UserNet())))
    cards = [value for word, value in itertools.pairwise(words) if word == "-device"]
    assert len({card.partition("mac=")[2] for card in cards}) == 3


@pytest.fixture(name="disk")
def make_disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.write_bytes(bytes(4096))
    return path


def test_good_devices(disk: Path, tmp_path: Path) -> None:
    check_devices(
        Devices(
            nets=(UserNet(), TapNet(name="lo")),
            blocks=(Block(file=disk, readonly=True), Block(file=disk, readonly=True)),
            shares=(Share(directory=tmp_path, tag="a"), Share(directory=tmp_path, tag="b")),
        )
    )


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (Devices(nets=(UserNet(), UserNet())), UsageError, "two user-mode networks"),
        (Devices(nets=(TapNet(name="no-tap0"),)), MissingError, "ip tuntap add dev no-tap0"),
        (Devices(nets=(TapNet(name="../net"),)), UsageError, "no name of a network interface"),
        (Devices(blocks=(Block(file=Path("/no,r0")),)), MissingError, "/no,r0: no such file"),
        (Devices(blocks=(Block(file=Path("/")),)), InputError, "no file and no block device"),
        (Devices(shares=(Share(directory=Path("/no"), tag="a"),)), MissingError, "no such dir"),
        (Devices(shares=(Share(directory=Path("/"), tag=""),)), UsageError, "no tag"),
        (Devices(shares=(Share(directory=Path("/"), tag="x" * 32),)), UsageError, "no tag"),
        (Devices(shares=(Share(directory=Path("/"), tag="a,b"),)), UsageError, "no tag"),
        (Devices(shares=(Share(directory=Path("/"), tag="a"),) * 2), UsageError, "two shares"),
        (Devices(nets=(TapNet(name="lo"),) * 25), UsageError, "room for 24"),
    ],
)
def test_bad_devices(wrong: Devices, error: type[RumprunError], said: str) -> None:
    with pytest.raises(error, match=said):
        check_devices(wrong)


def test_bad_disks(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="two disks of one file"):
        check_devices(Devices(blocks=(Block(file=disk), Block(file=disk, readonly=True))))
    with pytest.raises(InputError, match="not qcow2"):
        check_devices(Devices(blocks=(Block(file=disk, format="qcow2"),)))
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    with pytest.raises(InputError, match=r"cannot be written to; give .*disk,ro"):
        check_devices(Devices(blocks=(Block(file=disk),)))
    check_devices(Devices(blocks=(Block(file=disk, readonly=True),)))
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(InputError, match="cannot be read"):
        check_devices(Devices(blocks=(Block(file=disk, readonly=True),)))


def test_the_format_of_a_disk_is_not_guessed(disk: Path) -> None:
    disk.write_bytes(b"QFI\xfb" + bytes(508))
    with pytest.raises(InputError, match="looks like qcow2"):
        check_devices(Devices(blocks=(Block(file=disk),)))
    for form in devices.FORMATS:
        check_devices(Devices(blocks=(Block(file=disk, format=form),)))


def test_what_qemu_says_is_explained() -> None:
    assert ",ro" in failure_hint('Failed to get shared "write" lock\nIs another process using it?')
    assert "--forward" in failure_hint("Could not set up host forwarding rule 'tcp::80-:80'")
    assert "tuntap" in failure_hint("could not configure /dev/net/tun (tap0): not permitted")
    assert failure_hint("cannot allocate memory") == ""


NEEDY = {
    "net": {"interfaces": {"eth0": {}, "lo": {}, "tun0": {"create": True}}},
    "blk": {
        "store": {"type": "disk", "path": "/dev/vda1"},
        "more": {"type": "disk", "path": "/dev/vdb"},
    },
    "mount": {"/s": {"source": "9p", "name": "host"}, "/tmp": {"source": "tmpfs"}},
}
ENOUGH = Devices(
    nets=(UserNet(),),
    blocks=(Block(file=Path("a")), Block(file=Path("b"))),
    shares=(Share(directory=Path("c"), tag="host"),),
)


def test_what_the_configuration_needs() -> None:
    image = dataclasses.replace(IMAGE, config=NEEDY)
    needed = needed_devices(image, None)
    check_needs(needed, ENOUGH)
    with pytest.raises(UsageError) as caught:
        check_needs(needed, Devices())
    assert caught.value.message == (
        "the configuration needs the network interface eth0 and the block device /dev/vda1 and "
        "the block device /dev/vdb and the share host"
    )
    assert caught.value.hint.startswith(
        "give --net user and --block FILE and --share DIR,tag=TAG; disks are /dev/vda"
    )
    with pytest.raises(UsageError, match="needs the block device /dev/vdb; give --block FILE;"):
        check_needs(needed, dataclasses.replace(ENOUGH, blocks=ENOUGH.blocks[:1]))
    with pytest.raises(UsageError, match=r"needs the share host; give --share DIR,tag=TAG$"):
        check_needs(needed, dataclasses.replace(ENOUGH, shares=()))


@pytest.mark.parametrize(
    ("names", "count", "enough"),
    [
        (["eth1"], 1, False),
        (["eth1"], 2, True),
        (["wan", "lan"], 1, False),
        (["wan", "lan"], 2, True),
        (["lo"], 0, True),
        ([], 0, True),
    ],
)
def test_interfaces_are_counted(names: list[str], count: int, *, enough: bool) -> None:
    config = {"net": {"interfaces": {name: {} for name in names}}}
    needed = needed_devices(dataclasses.replace(IMAGE, config=config), None)
    nets = Devices(nets=tuple(TapNet(name=str(number)) for number in range(count)))
    if enough:
        check_needs(needed, nets)
    else:
        with pytest.raises(UsageError, match="network interface"):
            check_needs(needed, nets)


def test_a_later_document_changes_what_is_needed() -> None:
    image = dataclasses.replace(IMAGE, config=NEEDY)
    later = parse_document(b'{"mount": {"/tmp": {"source": "tmpfs"}}}', where="later")
    assert {device.kind for device in needed_devices(image, later)} == {"net"}
    later = parse_document(b'{"net": {}}', where="later")
    assert {device.kind for device in needed_devices(image, later)} == {"blk", "9p"}


def test_an_image_does_not_choose_what_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    config = NEEDY | {"delegate": {"net": {"command": ["/usr/bin/touch", str(mark)]}}}
    needed = needed_devices(dataclasses.replace(IMAGE, config=config), None)
    assert "net" not in {device.kind for device in needed}
    assert not mark.exists()


def test_a_baked_configuration_is_checked() -> None:
    with pytest.raises(ConfigError, match=r"image\.json: config: nett: no such key"):
        needed_devices(dataclasses.replace(IMAGE, config={"nett": {}}), None)


def test_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "image.json").write_text(image_text(IMAGE))
    document = tmp_path / "c.json"
    document.write_text(json.dumps({"blk": {"d": {"type": "disk", "path": "/dev/vda"}}}))
    assert main(["run", str(tmp_path), "--config", str(document)]) == 2
    said = capsys.readouterr().err
    assert "the configuration needs the block device /dev/vda" in said
    assert "--block FILE" in said
    # Complete, it goes as far as the image's files, which are not there.
    assert main(["run", str(tmp_path), "--net", "user"]) == 4
    assert "has the drivers of devices as modules" in capsys.readouterr().err
    assert main(["run", str(tmp_path)]) == 4
    assert "modules" not in capsys.readouterr().err
