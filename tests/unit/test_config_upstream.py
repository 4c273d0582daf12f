# SPDX-License-Identifier: BSD-2-Clause
"""A runtime configuration in the form that upstream Rumprun reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rumprun.config.document import build_document
from rumprun.config.upstream import HW, XEN, Baked, Platform, merged, order_of, upstream_text
from rumprun.errors import InputError

ONE = Baked(name="one", argv=("one", "baked"), env=(("HOME", "/"),))
TWO = Baked(name="two", argv=("two",), env=(("HOME", "/"),))


def text_of(sections: dict[str, Any], *programs: Baked, platform: Platform = HW) -> str:
    baked = programs or (ONE, TWO)
    document = build_document(sections)
    order = order_of([program.name for program in baked], document)
    return upstream_text(document, baked, platform, order=order)


def pairs_of(sections: dict[str, Any], *programs: Baked, platform: Platform = HW) -> list[Any]:
    """All pairs, also of keys that are there more than once."""
    text = text_of(sections, *programs, platform=platform)
    pairs: list[Any] = json.loads(text, object_pairs_hook=lambda found: found)
    return pairs


def rc_of(sections: dict[str, Any], *programs: Baked) -> Any:
    return json.loads(text_of(sections, *programs))["rc_TESTING"]


def test_without_rc_all_start_as_baked() -> None:
    assert rc_of({}) == [{"bin": "one", "argv": ["baked"]}, {"bin": "two", "argv": []}]


def test_programs_are_told_by_their_order_and_always_have_argv() -> None:
    rc = [{"bin": "two", "argv": ["called"], "runmode": "&"}, {"bin": "one"}]
    assert rc_of({"rc": rc}) == [
        {"bin": "called", "argv": [], "runmode": "&"},
        {"bin": "one", "argv": ["baked"]},
    ]
    document = build_document({"rc": rc})
    assert order_of(["one", "two"], document) == ("two", "one")
    with pytest.raises(InputError, match="bake with this rc"):
        upstream_text(document, (ONE, TWO), HW, order=("one", "two"))


def test_what_starts_later_may_be_left_out() -> None:
    assert [entry["bin"] for entry in rc_of({"rc": [{"bin": "two"}]})] == ["two"]


def test_all_values_are_strings_and_keys_are_repeated() -> None:
    pairs = pairs_of({"env": {"A": "1", "B": "x=y"}, "hostname": "name"}, ONE)
    assert [tuple(pair) for pair in pairs if pair[0] != "rc_TESTING"] == [
        ("env", "HOME=/"),
        ("env", "A=1"),
        ("env", "B=x=y"),
        ("hostname", "name"),
    ]


NET = {
    "interfaces": {
        "lo": {"addrs": [{"type": "inet", "method": "static", "addr": "127.0.0.1/8"}]},
        "eth0": {
            "addrs": [
                {"type": "inet", "method": "static", "addr": "10.0.2.15/24"},
                {"type": "inet6", "method": "auto"},
            ]
        },
    },
    "gateways": ["10.0.2.2"],
}


def nets_of(platform: Platform) -> list[dict[str, str]]:
    pairs = pairs_of({"net": NET}, ONE, platform=platform)
    return [dict(value) for key, value in pairs if key == "net"]


def test_interfaces_have_the_names_of_the_platform() -> None:
    first = {
        "type": "inet",
        "method": "static",
        "addr": "10.0.2.15",
        "mask": "24",
        "gw": "10.0.2.2",
    }
    second = {"type": "inet6", "method": "auto"}
    assert nets_of(HW) == [{"if": "vioif0", **first}, {"if": "vioif0", **second}]
    # Made once.
    assert nets_of(XEN) == [
        {"if": "xenif0", "cloner": "true", **first},
        {"if": "xenif0", **second},
    ]


def test_disks_have_the_names_of_the_platform() -> None:
    sections = {
        "blk": {
            "data": {"type": "disk", "path": "/dev/vdb"},
            "image": {"type": "file", "path": "/i"},
        },
        "mount": {
            "/data": {"source": "blk", "name": "data"},
            "/kern": {"source": "kernfs"},
            "/tmp": {"source": "tmpfs"},
        },
    }
    found = {}
    for platform in (HW, XEN):
        pairs = pairs_of(sections, ONE, platform=platform)
        found[platform] = [dict(value) for key, value in pairs if key == "blk"]
    mounted = {"fstype": "blk", "mountpoint": "/data"}
    others = [
        {"source": "vnd", "path": "/i"},
        {"source": "dev", "path": "virtual", "fstype": "kernfs", "mountpoint": "/kern"},
    ]
    assert found[HW] == [{"source": "dev", "path": "/dev/ld1a", **mounted}, *others]
    assert found[XEN] == [{"source": "etfs", "path": "xvdb", **mounted}, *others]


@pytest.mark.parametrize(
    ("sections", "wrong"),
    [
        ({"rc": [{"bin": "one", "workdir": "/data"}]}, "knows no workdir"),
        ({"rc": [{"bin": "one", "ready": {"port": 80}}]}, "knows no ready"),
        ({"rc": [{"bin": "one", "restart": "always"}]}, "knows no restart"),
        (
            {"rc": [{"bin": "one", "runmode": "&"}, {"bin": "two", "after": ["one"]}]},
            "two: .*no after",
        ),
        ({"rc": [{"bin": "one"}, {"bin": "one"}]}, "starts one twice"),
        ({"env": {"A": 'say "x"'}}, "no way to write quotation marks"),
        ({"env": {"A": "back\\slash"}}, "no way to write quotation marks"),
        ({"env": {"A": "two\nlines"}}, "no way to write quotation marks"),
        ({"env": {"A": "_RUMPRUN_ROOTFSCFG=/x"}}, "_RUMPRUN_ROOTFSCFG"),
        ({"env": {"A": "x" * 4000}}, "bytes.*takes 3800"),
        ({"blk": {"a": {"type": "disk", "path": "/dev/vda1"}}}, "whole disks"),
        ({"mount": {"/data": {"source": "tmpfs"}}}, "mounts no tmpfs there"),
        ({"mount": {"/data": {"source": "9p", "name": "x"}}}, "mounts no 9p there"),
        ({"delegate": {"net": {"command": ["x"]}}}, "delegate"),
    ],
)
def test_what_upstream_cannot_do_is_said(sections: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        text_of(sections)


def test_what_has_exited_may_be_waited_for() -> None:
    rc = [{"bin": "one"}, {"bin": "two", "after": ["one"]}]
    assert len(rc_of({"rc": rc})) == 2


def test_one_environment_for_all() -> None:
    other = Baked(name="two", argv=("two",), env=(("HOME", "/home"),))
    with pytest.raises(InputError, match="HOME is '/' for one program and '/home' for two"):
        text_of({}, ONE, other)
    assert ["env", "HOME=/x"] in [list(p) for p in pairs_of({"env": {"HOME": "/x"}}, ONE, other)]


def test_an_override_replaces_whole_sections() -> None:
    baked = {"hostname": "a", "blk": {"x": {"type": "disk", "path": "/dev/vda"}}}
    assert merged(baked, {"hostname": "b"}).hostname == "b"
    assert merged(baked, {"mount": {}}).blk == ()
    assert len(merged(baked, None).blk) == 1
