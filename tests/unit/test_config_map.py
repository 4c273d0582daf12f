# SPDX-License-Identifier: BSD-2-Clause
"""What a configuration needs: devices, components, and what commands answer for sections."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rumprun.config.check import parse_document
from rumprun.config.complaint import ConfigError
from rumprun.config.map import Device, Map, make_map

ROOT = Path(__file__).resolve().parents[2]


def mapped(document: object, answer: str = "") -> tuple[Map, list[tuple[tuple[str, ...], str]]]:
    """The map, and what was asked; each question gets the ``answer``."""
    asked: list[tuple[tuple[str, ...], str]] = []

    def ask(argv: tuple[str, ...], text: str) -> str:
        asked.append((argv, text))
        return answer

    text = json.dumps(document).encode()
    return make_map(parse_document(text, where="c.json"), ask=ask), asked


def test_the_example_of_the_page_is_mapped() -> None:
    page = (ROOT / "doc" / "runtime-configuration.md").read_text(encoding="utf-8")
    example, answer = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    needs, asked = mapped(json.loads(example))
    assert asked == []
    assert needs.devices == (
        Device(kind="net", name="eth0"),
        Device(kind="blk", name="store", path="/dev/vda"),
        Device(kind="9p", name="host", path="/share", readonly=True),
    )
    assert needs.components == (
        "blk-disk", "env", "fs-ext4", "mount-9p", "mount-blk", "mount-tmpfs", "net-auto",
        "net-dns", "net-inet", "net-inet6", "rc", "rc-pipe", "rc-ready", "rc-restart",
    )  # fmt: skip
    assert needs.symbols == (("hostname", "shop_hostname"),)
    delegated = {"net": {}, "delegate": {"net": {"command": ["c"]}}}
    assert mapped(delegated, answer)[0].components == ("net-wireguard",)


def test_a_command_maps_its_section() -> None:
    document = {
        "net": {"interfaces": {"eth0": {"create": True}}},
        "hostname": "a",
        "delegate": {"net": {"command": ["mapper", "-x"], "symbol": "apply_net"}},
    }
    answer = {"devices": [{"kind": "blk", "name": "d", "path": "/dev/vdz", "readonly": True}]}
    needs, asked = mapped(document, json.dumps(answer))
    assert [argv for argv, _text in asked] == [("mapper", "-x")]
    assert json.loads(asked[0][1]) == document["net"]
    assert needs.devices == (Device(kind="blk", name="d", path="/dev/vdz", readonly=True),)
    assert needs.components == ("hostname",)
    assert needs.to_json()["symbols"] == {"net": "apply_net"}


def test_a_command_is_not_run_for_a_section_that_is_not_there() -> None:
    assert mapped({"delegate": {"net": {"command": ["mapper"]}}})[1] == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("", "no JSON"),
        ("[]", "is a list, not an object"),
        ('{"device": []}', r"device: no such key; did you mean devices\?"),
        ('{"devices": [{"kind": "usb", "name": "a"}]}', r"devices\[0\]\.kind: is 'usb'"),
        ('{"devices": [{"kind": "net"}]}', r"devices\[0\]\.name: missing"),
        ('{"components": ["a\\n"]}', r"components\[0\]: is 'a\\n'"),
    ],
)
def test_a_bad_answer_is_refused(answer: str, message: str) -> None:
    document = {"net": {}, "delegate": {"net": {"command": ["mapper"]}}}
    with pytest.raises(
        ConfigError, match=rf"^the answer of mapper for the section net: .*{message}"
    ):
        mapped(document, answer)


def test_interfaces_that_the_image_makes_are_no_devices() -> None:
    needs, _asked = mapped({"net": {"interfaces": {"vbr0": {"create": True}}}})
    assert needs.devices == ()
    assert needs.components == ("net-create",)


def test_files_are_no_disks() -> None:
    needs, _asked = mapped({"blk": {"image": {"type": "file", "path": "/image"}}})
    assert (needs.devices, needs.components) == ((), ("blk-file",))


def test_the_loopback_interface_is_no_device() -> None:
    needs, _asked = mapped({"net": {"interfaces": {"lo": {}, "eth0": {}}}})
    assert needs.devices == (Device(kind="net", name="eth0"),)
