# SPDX-License-Identifier: BSD-2-Clause
"""What the configuration library applies: the parts that need no machine."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path

import pytest
from dhcp_messages import (
    ACK,
    NAK,
    NOBODY,
    OFFER,
    address,
    answer,
    message,
    network,
    option,
    options_of,
)

RDONLY, NOSUID, NODEV, NOEXEC, SYNCHRONOUS = 1, 2, 4, 8, 16
NOATIME, RELATIME, STRICTATIME = 1 << 10, 1 << 21, 1 << 24

# Of the request that apply_tool.c has.
IDENTITY = bytes([1, 2, 3, 4])
HARDWARE = bytes([2, 0, 0, 0, 0, 1])
END = b"\xff"


@pytest.fixture(params=["target", "sanitized"])
def tool(request: pytest.FixtureRequest, apply_tools: dict[str, Path]) -> Path:
    return apply_tools[request.param]


def said(*command: str | Path, status: int = 0, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("options", "flags", "data"),
    [
        ([], 0, ""),
        (["ro", "nosuid", "nodev", "noexec", "sync"],
         RDONLY | NOSUID | NODEV | NOEXEC | SYNCHRONOUS, ""),
        (["ro", "rw", "noexec", "exec", "defaults"], 0, ""),
        (["size=16m", "noatime", "mode=700"], NOATIME, "size=16m,mode=700"),
        (["noatime", "relatime"], RELATIME, ""),
        (["relatime", "strictatime"], STRICTATIME, ""),
        (["rowdy", "trans=virtio"], 0, "rowdy,trans=virtio"),
    ],
)  # fmt: skip
def test_options_become_flags_and_data(
    tool: Path, options: list[str], flags: int, data: str
) -> None:
    assert said(tool, "options", *options) == f"{flags:x} {data}\n"


def test_data_is_as_long_as_the_kernel_takes_it(tool: Path) -> None:
    fits = ["a" * 2000, "b" * 2094]
    assert said(tool, "options", *fits) == f"0 {','.join(fits)}\n"
    assert said(tool, "options", *fits[:1], "b" * 2095, status=1) == "too long\n"
    assert said(tool, "options", "a" * 4095) == f"0 {'a' * 4095}\n"
    assert said(tool, "options", "a" * 4096, status=1) == "too long\n"


def test_variables_of_the_document_win_and_others_stay(tool: Path, tmp_path: Path) -> None:
    document = tmp_path / "document.json"
    document.write_text(json.dumps({"env": {"B": "new", "EMPTY": "", "LAST": "x=y", "A": "1"}}))
    own = {"A": "0", "AB": "stays", "B": "", "LAS": "t"}
    assert said(tool, "env", document, env=own).splitlines() == [
        "A=1", "AB=stays", "B=new", "LAS=t", "EMPTY=", "LAST=x=y",
    ]  # fmt: skip
    document.write_text("{}")
    assert said(tool, "env", document, env=own).splitlines() == [
        f"{name}={value}" for name, value in own.items()
    ]
    assert said(tool, "env", document, env={}) == ""


def test_a_request_is_as_the_standard_has_it(tool: Path) -> None:
    packet = subprocess.run([tool, "request"], check=True, capture_output=True).stdout
    assert packet[:12] == bytes([1, 1, 6, 0, *IDENTITY, 1, 2, 0x80, 0])
    assert packet[12:28] == bytes(16)
    assert packet[28:44] == HARDWARE.ljust(16, b"\0")
    assert packet[236:240] == bytes([99, 130, 83, 99])
    assert len(packet) == 300
    options = options_of(packet)
    assert options[53] == b"\x01"
    assert options[50] == address("192.0.2.7")
    assert options[54] == address("192.0.2.1")
    assert options[61] == b"\x01" + HARDWARE
    assert options[12] == b"shop"
    assert options[57] == struct.pack("!H", 576)


def packet(options: bytes, yours: str = "192.168.7.50") -> bytes:
    return message(IDENTITY, HARDWARE, yours=yours, options=options)


def overloaded() -> bytes:
    """Options in the fields of the file and of the server's name."""
    whole = bytearray(packet(answer(ACK) + option(52, b"\x03") + END))
    file, name = option(3, address("192.168.7.3")), option(15, b"far.example")
    whole[108 : 108 + len(file) + 1] = file + END
    whole[44 : 44 + len(name) + 1] = name + END
    return bytes(whole)


PLAIN = "type=5 address=192.168.7.50/24 server=192.168.7.1"
TIMES = "times=300,525,600\n"

TAKEN = {
    "bare": (packet(answer(ACK) + END), f"{PLAIN} mtu=0 domain= {TIMES}"),
    "no end": (packet(answer(ACK)), f"{PLAIN} mtu=0 domain= {TIMES}"),
    "padded": (packet(bytes(9) + answer(ACK) + bytes(300)), f"{PLAIN} mtu=0 domain= {TIMES}"),
    "ordinary": (
        packet(answer(OFFER) + network() + option(26, b"\x05\x78") + END),
        f"{PLAIN} router=192.168.7.1 nameserver=192.168.7.1 nameserver=192.168.7.2 "
        f"mtu=1400 domain=lan.example {TIMES}".replace("type=5", "type=2"),
    ),
    "overloaded": (overloaded(), f"{PLAIN} router=192.168.7.3 mtu=0 domain=far.example {TIMES}"),
    "class": (
        packet(answer(ACK) + END, yours="10.1.2.3"),
        f"type=5 address=10.1.2.3/8 server=192.168.7.1 mtu=0 domain= {TIMES}",
    ),
    "mask with holes": (
        packet(answer(ACK) + option(1, address("255.0.255.0")) + END),
        f"{PLAIN} mtu=0 domain= {TIMES}",
    ),
    "small network": (
        packet(answer(ACK) + option(1, address("255.255.255.255")) + END),
        f"{PLAIN} mtu=0 domain= {TIMES}".replace("/24", "/32"),
    ),
    "lengths that do not fit": (
        packet(answer(ACK) + option(1, b"\xff\xff") + option(3, b"abc") + option(6, b"abc")
               + option(26, b"\x01") + option(58, b"") + END),
        f"{PLAIN} mtu=0 domain= {TIMES}",
    ),
    "a tiny MTU": (packet(answer(ACK) + option(26, b"\0\x44") + END),
                   f"{PLAIN} mtu=0 domain= {TIMES}"),
    "more name servers than we ask": (
        packet(answer(ACK) + option(6, b"".join(address(f"10.0.0.{i}") for i in range(1, 9)))),
        f"{PLAIN}{''.join(f' nameserver=10.0.0.{i}' for i in (1, 2, 3))} mtu=0 domain= {TIMES}",
    ),
    "a domain with lines": (
        packet(answer(ACK) + option(15, b"a.example\nnameserver 6.6.6.6") + END),
        f"{PLAIN} mtu=0 domain= {TIMES}",
    ),
    "a domain with a NUL": (packet(answer(ACK) + option(15, b"a.example\0") + END),
                            f"{PLAIN} mtu=0 domain=a.example {TIMES}"),
    "times out of order": (
        packet(answer(ACK) + option(58, b"\0\0\xff\xff") + option(59, b"\xff\xff\xff\xff") + END),
        f"{PLAIN} mtu=0 domain= {TIMES}",
    ),
    "for ever": (packet(answer(ACK, seconds=2**32 - 1) + END),
                 f"{PLAIN} mtu=0 domain= times=2147483647,3758096383,4294967295\n"),
    "refusal": (packet(answer(NAK) + END, yours=NOBODY),
                "type=6 address=0.0.0.0/0 server=192.168.7.1 mtu=0 domain= times=0,0,0\n"),
}  # fmt: skip

REFUSED = {
    "empty": b"",
    "cut off": packet(answer(ACK))[:239],
    "without options": packet(b""),
    "a request": b"\x01" + packet(answer(ACK))[1:],
    "another request's": message(bytes(4), HARDWARE, yours="192.168.7.50", options=answer(ACK)),
    "another machine's": message(IDENTITY, bytes(6), yours="192.168.7.50", options=answer(ACK)),
    "without a server": packet(option(53, b"\x05") + option(51, bytes([0, 0, 1, 0]))),
    "without a lease": packet(option(53, b"\x05") + option(54, address("192.168.7.1"))),
    "a lease of no time": packet(answer(ACK, seconds=0)),
    "no address": packet(answer(ACK), yours=NOBODY),
    "an address of a group": packet(answer(ACK), yours="224.0.0.1"),
    "an address of the machine itself": packet(answer(ACK), yours="127.0.0.1"),
    "all addresses": packet(answer(ACK), yours="255.255.255.255"),
    "another type": packet(answer(3)),
    "an option that is cut off": packet(answer(ACK)[:-1]),
}


def test_answers_are_taken(tool: Path, tmp_path: Path) -> None:
    for number, data in enumerate(data for data, _wanted in TAKEN.values()):
        (tmp_path / f"{number:02}").write_bytes(data)
    lines = said(tool, "dhcp", *sorted(tmp_path.iterdir())).splitlines(keepends=True)
    assert dict(zip(TAKEN, lines, strict=True)) == {
        name: wanted for name, (_data, wanted) in TAKEN.items()
    }


def test_what_is_no_answer_is_refused(tool: Path, tmp_path: Path) -> None:
    for number, data in enumerate(REFUSED.values()):
        (tmp_path / f"{number:02}").write_bytes(data)
    lines = said(tool, "dhcp", *sorted(tmp_path.iterdir())).splitlines()
    assert dict(zip(REFUSED, lines, strict=True)) == dict.fromkeys(REFUSED, "refused")


def test_every_cut_of_an_answer_is_safe(tool: Path, tmp_path: Path) -> None:
    whole = packet(answer(ACK) + network() + END)
    for length in range(len(whole)):
        (tmp_path / f"{length:04}").write_bytes(whole[:length])
    lines = said(tool, "dhcp", *sorted(tmp_path.iterdir())).splitlines()
    least = 240 + len(answer(ACK))
    assert {line.partition(" ")[0] for line in lines[:least]} == {"refused"}
    assert {line.partition(" ")[0] for line in lines[least:]} == {"type=5"}


def test_damaged_answers_give_leases_that_hold_or_none(tool: Path) -> None:
    for seed in range(4):
        taken = int(said(tool, "storm", str(seed), "50000"))
        assert 0 < taken < 50000
