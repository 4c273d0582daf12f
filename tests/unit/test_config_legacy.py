# SPDX-License-Identifier: BSD-2-Clause
"""Upstream's form of configurations: what becomes of it, and what is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.config.check import find_complaints
from rumprun.config.complaint import ConfigError
from rumprun.config.legacy import Converted, convert_legacy

LEGACY = b"""kernel --option {
  "rc_TESTING": [
    {"bin": "database", "argv": ["-D", "/data"], "runmode": "&"},
    {"bin": "bin/server", "argv": []},
    {"bin": "database"}
  ],
  "env": "TZ=UTC",
  "env": "PATH=/bin:/usr/bin=x",
  "hostname": "shop",
  "net": {"if": "vioif0", "cloner": "True", "type": "inet", "method": "static",
          "addr": "192.0.2.10", "mask": "24", "gw": "192.0.2.1"},
  "net": {"if": "vioif0", "type": "inet6", "method": "auto"},
  "blk": {"source": "dev", "path": "/dev/ld1a", "fstype": "blk", "mountpoint": "/data/"},
  "blk": {"source": "etfs", "path": "xvdb"},
  "blk": {"source": "vnd", "path": "/images/root.img", "fstype": "blk", "mountpoint": "/rom"},
  "blk": {"source": "dev", "path": "ignored", "fstype": "kernfs", "mountpoint": "/kern"}
}"""

OURS = {
    "version": 1,
    "rc": [
        {"bin": "database", "argv": ["database", "-D", "/data"], "runmode": "&"},
        {"bin": "server", "argv": ["bin/server"]},
        {"bin": "database", "name": "database-2"},
    ],
    "env": {"TZ": "UTC", "PATH": "/bin:/usr/bin=x"},
    "hostname": "shop",
    "net": {
        "interfaces": {
            "vioif0": {
                "create": True,
                "addrs": [
                    {"type": "inet", "method": "static", "addr": "192.0.2.10/24"},
                    {"type": "inet6", "method": "auto"},
                ],
            }
        },
        "gateways": ["192.0.2.1"],
    },
    "blk": {
        "vdb": {"type": "disk", "path": "/dev/vdb"},
        "xvdb": {"type": "disk", "path": "/dev/xvdb"},
        "root.img": {"type": "file", "path": "/images/root.img", "readonly": True},
    },
    "mount": {
        "/data": {"source": "blk", "name": "vdb"},
        "/rom": {"source": "blk", "name": "root.img"},
        "/kern": {"source": "kernfs"},
    },
}


def converted(document: object) -> Converted:
    return convert_legacy(json.dumps(document).encode(), where="old.json")


def test_the_legacy_form_becomes_ours() -> None:
    result = convert_legacy(LEGACY, where="old.json")
    assert result.document == OURS
    assert json.loads(result.text) == OURS
    notes = "\n".join(result.notes)
    for words in (
        "before the first {",
        "'bin/server' is called 'server'",
        "rc[2]: is called database-2",
        "blk.path: '/dev/ld1a' became /dev/vdb",
    ):
        assert words in notes


@pytest.mark.parametrize(
    ("legacy", "ours"),
    [
        ({"cmdline": "hello 'a b' c"}, {"rc": [{"bin": "hello", "argv": ["hello", "a b", "c"]}]}),
        ({"cmdline": "hello"}, {"rc": [{"bin": "hello"}]}),
        ({"env": ["A=1", "B=2"]}, {"env": {"A": "1", "B": "2"}}),
        ({"env": {"A": "1"}}, {"env": {"A": "1"}}),
        ({}, {}),
        (
            {"net": {"if": "e", "cloner": False, "type": "inet", "method": "dhcp"}},
            {"net": {"interfaces": {"e": {"addrs": [{"type": "inet", "method": "dhcp"}]}}}},
        ),
        (
            {"net": [{"if": "e", "type": "inet", "method": "static", "addr": "::1", "mask": 8}]},
            None,
        ),
    ],
)
def test_forms(legacy: object, ours: dict[str, Any] | None) -> None:
    if ours is None:
        with pytest.raises(ConfigError, match=r"converted: net\.interfaces\.e\.addrs\[0\]\.addr"):
            converted(legacy)
    else:
        assert converted(legacy).document == {"version": 1, **ours}


@pytest.mark.parametrize(
    ("legacy", "message"),
    [
        ([], "is no object"),
        ({"hostnam": "a"}, "hostnam: no such key; did you mean hostname?"),
        ({"cmdline": ""}, "cmdline: names no program"),
        ({"cmdline": "a 'b"}, "cmdline: No closing quotation"),
        ({"rc": [{"bin": "a", "arg": []}]}, r"rc\[0\]\.arg: no such key"),
        ({"rc": [{"bin": "a", "argv": "b"}]}, r"rc\[0\]\.argv: is no list"),
        ({"rc": [{}]}, r"rc\[0\]\.bin: is no string"),
        ({"rc": [{"bin": "a", "runmode": "x"}]}, r"converted: rc\[0\]\.runmode"),
        ({"env": "A"}, "env: 'A' sets nothing; wanted: NAME=VALUE"),
        ({"net": {"if": "e", "typ": "inet"}}, r"net\.typ: no such key; did you mean type\?"),
        ({"net": {"if": "e"}}, r"net\.type: missing"),
        ({"net": {"if": "e", "cloner": "perhaps"}}, r"net\.cloner: 'perhaps' is neither"),
        ({"blk": {"source": "nfs", "path": "a"}}, r"blk\.source: 'nfs' is no source"),
        ({"blk": {"fstype": "kernfs"}}, r"blk\.mountpoint: missing"),
        ({"blk": {"source": "dev", "path": "/dev/ld0a", "fstype": "ffs", "mountpoint": "/"}},
         r"blk\.fstype: 'ffs' is no type"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_refused(legacy: object, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^old\.json(: |, ){message}"):
        converted(legacy)


_VALUE = st.text(max_size=5) | st.booleans() | st.integers() | st.sampled_from(
    ["inet", "inet6", "static", "dhcp", "dev", "etfs", "vnd", "blk", "kernfs", "/a", "a b", "A=b"]
)  # fmt: skip
_KEYS = ["if", "cloner", "type", "method", "addr", "mask", "source", "path", "fstype",
         "mountpoint", "bin", "argv", "runmode"]  # fmt: skip
_SECTION = _VALUE | st.dictionaries(st.sampled_from(_KEYS), _VALUE, max_size=5)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["rc", "cmdline", "env", "hostname", "net", "blk"]),
            _SECTION | st.lists(_SECTION, max_size=3),
        ),
        max_size=4,
    )
)
def test_what_is_converted_is_acceptable(pairs: list[tuple[str, Any]]) -> None:
    text = ",".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs)
    with contextlib.suppress(ConfigError):
        result = convert_legacy(f"{{{text}}}".encode(), where="old.json")
        assert find_complaints(result.text.encode())[1] == []
