# SPDX-License-Identifier: BSD-2-Clause
"""The section net as the configuration library applies it, between two namespaces."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from apply_machine import CABLES, HERE, Machine

pytestmark = pytest.mark.usefixtures("namespaces")

STATE = """
ip -brief link
ip -brief address
ip route
ip -6 route
"""

REACHED = f"""{sys.executable} -c '
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname())
print("reached")'
"""

DNSMASQ = """
ip netns exec far dnsmasq --port=0 --user=root --interface=far0 --no-ping \\
    --dhcp-leasefile=$PWD/leases --log-facility=$PWD/dnsmasq.log {options}
"""


@pytest.fixture(name="machine", params=["target", "sanitized"])
def make_machine(
    request: pytest.FixtureRequest, apply_tools: dict[str, Path], tmp_path: Path
) -> Machine:
    return Machine(directory=tmp_path, tool=apply_tools[request.param])


@pytest.fixture(name="sanitized")
def make_sanitized(apply_tools: dict[str, Path], tmp_path: Path) -> Machine:
    return Machine(directory=tmp_path, tool=apply_tools["sanitized"])


def inet(text: str) -> dict[str, str]:
    return {"type": "inet6" if ":" in text else "inet", "method": "static", "addr": text}


DHCP = {"type": "inet", "method": "dhcp"}
AUTO = {"type": "inet6", "method": "auto"}


def net(interfaces: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """A document; an interface may be a list of its addresses."""
    full = {name: {"addrs": one} if isinstance(one, list) else one
            for name, one in interfaces.items()}  # fmt: skip
    return {"net": {"interfaces": full, **rest}}


def hardware(said: str) -> dict[str, str]:
    """The last part of each Ethernet address of ours, by interface."""
    return dict(re.findall(r"^(\S+)@\S+ +\S+ +02:00:00:00:00:(\d\d)", said, re.MULTILINE))


def test_static_addresses_routers_and_resolvers(machine: Machine) -> None:
    said = machine.apply(
        net(
            {
                "eth0": [inet("192.0.2.10/24"), inet("2001:db8::10/64")],
                "eth1": [inet("10.0.0.1/8")],
            },
            gateways=["192.0.2.1", "2001:db8::1", "10.0.0.2", "fe80::1"],
            dns={
                "nameservers": ["192.0.2.53", "2001:db8::53"],
                "search": ["a.example", "b.example"],
            },
        ),
        after=STATE + "cat /etc/resolv.conf\nip -4 address show dev eth0\n" + REACHED,
    )
    assert "applied" in said.splitlines()
    assert re.search(
        r"^eth0@\S+ +UP +192.0.2.10/24 2001:db8::10/64 fe80::\S+ $", said, re.MULTILINE
    )
    assert "192.0.2.10/24 brd 192.0.2.255" in said
    assert "default via 192.0.2.1 dev eth0 proto static \n" in said
    assert "default via 10.0.0.2 dev eth1 proto static metric 2 \n" in said
    assert "default via 2001:db8::1 dev eth0 proto static metric 1025" in said
    assert "default via fe80::1 dev eth0 proto static metric 1027" in said
    assert "search a.example b.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n" in said
    assert "reached" in said.splitlines()


def test_addresses_of_inet6_can_be_used_at_once(machine: Machine) -> None:
    said = machine.apply(net({"eth0": [inet("2001:db8::10/64")]}), after="ip -6 address show eth0")
    assert "2001:db8::10/64" in said
    assert "tentative" not in said


def test_the_loopback_interface_is_up_without_a_section(machine: Machine) -> None:
    said = machine.apply({}, after="ip -brief link\nls /etc")
    assert re.search(r"^lo +UNKNOWN .*LOOPBACK,UP", said, re.MULTILINE)
    assert re.search(r"^eth0@\S+ +DOWN", said, re.MULTILINE)
    assert "resolv.conf" not in said


def test_devices_are_named_by_their_order(machine: Machine) -> None:
    said = machine.apply(net({"eth1": [], "eth0": []}), after=STATE)
    assert hardware(said) == {"eth1": "01", "eth0": "02"}


def test_a_device_gives_way_with_its_name(machine: Machine) -> None:
    said = machine.apply(net({"eth1": [inet("192.0.2.1/24")]}), after=STATE)
    assert hardware(said) == {"eth1": "01", "eth0": "02"}
    assert re.search(r"^eth1@\S+ +\w+ +192.0.2.1/24", said, re.MULTILINE)


def test_devices_that_are_up_are_renamed(machine: Machine) -> None:
    said = machine.apply(net({"lan": [], "wan": []}), CABLES + "ip link set eth1 up\n", STATE)
    assert hardware(said) == {"lan": "01", "wan": "02"}


def test_late_devices_are_awaited(machine: Machine) -> None:
    said = machine.apply(net({"lan": [inet("192.0.2.1/24")]}), f"(sleep 1\n{CABLES}) &", STATE)
    assert re.search(r"^lan@\S+ +\S+ +192.0.2.1/24", said, re.MULTILINE)


def test_interfaces_are_made_by_their_names(machine: Machine) -> None:
    made = {"br0": {"create": True}, "tun7": {"create": True},
            "vif1.0-emu": {"create": True, "addrs": [inet("10.0.0.1/30")]}}  # fmt: skip
    said = machine.apply(net({**made, "eth0": []}), after=STATE + "ip -details link")
    assert "applied" in said.splitlines()
    details = dict(
        re.findall(r"^\d+: (\S+): <\S*UP\S*> .*\n.*\n +(\w+(?: type \w+)?)", said, re.MULTILINE)
    )
    assert details["br0"] == "bridge"
    assert details["tun7"] == "tun type tun"
    assert details["vif1.0-emu"] == "tun type tap"
    assert said.count("persist on") == 2
    assert re.search(r"^vif1.0-emu +\w+ +10.0.0.1/30", said, re.MULTILINE)


def test_lo_is_the_loopback_interface(machine: Machine) -> None:
    said = machine.apply(net({"lo": [inet("192.0.2.9/32")], "lan": []}), after=STATE)
    assert re.search(r"^lo +UNKNOWN +127.0.0.1/8 192.0.2.9/32", said, re.MULTILINE)
    assert hardware(said)["lan"] == "01"


@pytest.mark.parametrize(
    ("document", "before", "reason"),
    [
        (net({"a": [], "b": [], "c": []}), CABLES,
         "net.interfaces.c: the machine has no network device 3, not within 5 seconds"),
        (net({"br9": []}), CABLES + "ip link add br9 type bridge",
         "net.interfaces.br9: cannot call network device 1 so: File exists"),
        (net({"tap0": {"create": True}}), CABLES + "ip tuntap add tap0 mode tap",
         "net.interfaces.tap0: cannot make the interface: Device or resource busy"),
        (net({"tap0": {"create": True}}), CABLES + "mount -t tmpfs none /dev/net",
         "net.interfaces.tap0: the kernel makes no interfaces of this kind"),
        (net({"eth0": []}, gateways=["192.0.2.1"]), CABLES,
         "net.gateways: the router 192.0.2.1 is in no network of the interfaces"),
        (net({"eth0": [inet("2001:db8::10/64")]}),
         CABLES + "ip -n far addr add 2001:db8::10/64 dev far0 nodad\nsleep 1",
         "net.interfaces.eth0: another machine has its address of IPv6"),
        (net({"tun0": {"create": True, "addrs": [DHCP]}}), CABLES,
         'net.interfaces.tun0: method dhcp is for Ethernet, which this is not'),
    ],
)  # fmt: skip
def test_what_cannot_be_applied_is_named(
    sanitized: Machine, document: dict[str, Any], before: str, reason: str
) -> None:
    assert sanitized.refusal(document, before) == reason


def test_an_address_and_all_else_from_a_real_server(machine: Machine) -> None:
    options = (
        "--dhcp-range=192.168.7.50,192.168.7.60,10m --dhcp-option=option:dns-server,192.168.7.1 "
        "--domain=lan.example --dhcp-option=option:mtu,1400"
    )
    said = machine.apply(
        {"hostname": "shop.example.org", **net({"eth0": [DHCP]})},
        CABLES + DNSMASQ.format(options=options),
        STATE + "ip link show eth0\nip -4 address show dev eth0\ncat /etc/resolv.conf\nhostname\n"
        "cat leases",
    )
    found = re.search(r"^lease eth0 address=(\S+)/24 .* times=300,525,600$", said, re.MULTILINE)
    assert found
    assert f"inet {found[1]}/24 brd 192.168.7.255" in said
    assert "default via 192.168.7.1 dev eth0 proto dhcp" in said
    assert "search lan.example\nnameserver 192.168.7.1\nshop.example.org\n" in said
    assert "mtu 1400" in said
    assert f"02:00:00:00:00:01 {found[1]} shop 01:02:00:00:00:00:01" in said


def test_the_document_wins_over_the_server(machine: Machine) -> None:
    said = machine.apply(
        net({"eth0": [DHCP], "eth1": [inet("192.0.2.10/24")]}, gateways=["192.168.7.254"],
            dns={"nameservers": ["192.0.2.53"]}),
        CABLES + DNSMASQ.format(options="--dhcp-range=192.168.7.50,192.168.7.60 --domain=lan.org"),
        STATE + "cat /etc/resolv.conf",
    )  # fmt: skip
    assert re.findall(r"^default .*", said, re.MULTILINE) == [
        "default via 192.168.7.254 dev eth0 proto static "
    ]
    assert "search lan.org\nnameserver 192.0.2.53\n" in said


def test_addresses_from_routers_where_they_are_asked_for(machine: Machine) -> None:
    options = "--enable-ra --dhcp-range=::,constructor:far0,ra-only,64"
    before = CABLES + "ip -n far link set far0 addrgenmode none\n"
    for address in ("fe80::1", "2001:db8:7::1"):
        before += f"ip -n far addr add {address}/64 dev far0 nodad\n"
    before += "ip netns exec far sysctl -q net.ipv6.conf.all.forwarding=1\n"
    before += DNSMASQ.format(options=options)
    state = "ip -6 -brief address show dev eth0\nip -6 route show default"
    said = machine.apply(net({"eth0": [AUTO]}), before, state)
    assert re.search(r"^eth0\S+ +\w+ +2001:db8:7::ff:fe00:1/64", said, re.MULTILINE)
    assert re.search(r"^default via fe80::\S+ dev eth0 proto ra", said, re.MULTILINE)
    said = machine.apply(net({"eth0": [inet("2001:db8:9::1/64")]}), before, "sleep 3\n" + state)
    assert "2001:db8:9::1/64" in said
    assert "2001:db8:7:" not in said
    assert "default" not in said


def server(*steps: str, interface: str = "far0") -> str:
    """Starts dhcp_messages.py, and waits until what it sends arrives."""
    command = [sys.executable, str(HERE / "dhcp_messages.py"), interface, *steps]
    return (
        f"{CABLES}\nip netns exec far {' '.join(command)} >server.log &\nip link set eth0 up\n"
        "until ip -n far link show dev far0 | grep -q 'state UP'; do sleep 0.1; done\nsleep 0.5\n"
    )


GOOD = "ack:192.168.7.50:100:200:300"


@pytest.mark.parametrize(
    ("steps", "asked"),
    [
        (["noise+offer:192.168.7.50", f"noise+stranger+{GOOD}"], ["discover", "request"]),
        (["offer:192.168.7.50", "nak", "offer:192.168.7.50", GOOD],
         ["discover", "request", "discover", "request"]),
        (["silence", "offer:192.168.7.50", "silence", GOOD],
         ["discover", "discover", "request", "request"]),
        (["offer:192.168.7.50+offer:192.168.7.51", GOOD], ["discover", "request"]),
    ],
    ids=["noise", "refusal", "losses", "two offers"],
)  # fmt: skip
def test_a_lease_is_found_among(sanitized: Machine, steps: list[str], asked: list[str]) -> None:
    said = sanitized.apply(net({"eth0": [DHCP]}), server(*steps), STATE + "cat server.log")
    assert re.search(r"^eth0@\S+ +\w+ +192.168.7.50/24", said, re.MULTILINE)
    assert re.findall(r"^(\w+) 0.0.0.0 all$", said, re.MULTILINE) == asked


def test_silence_ends(sanitized: Machine) -> None:
    assert sanitized.refusal(net({"eth0": [DHCP]}), server("noise")) == (
        "net.interfaces.eth0: no DHCP server lent an address within 15 seconds"
    )


def test_leases_are_renewed_and_given_up(sanitized: Machine) -> None:
    """Renewed from the server, then from all; at the end the address goes, and another comes."""
    path = sanitized.document(net({"eth0": [DHCP]}))
    short = "ack:192.168.7.50:2:6:9"
    steps = ["offer:192.168.7.50", short, short, *["silence"] * 4, "offer:192.168.7.51",
             "ack:192.168.7.51:100:200:300"]  # fmt: skip
    said = sanitized.run(
        server(*steps) + f"{sanitized.tool} apply {path} keep >keep.log 2>&1 &\n"
        "sleep 4\nip -brief address show dev eth0\nip route\n"
        "for i in $(seq 30); do sleep 1\nip -4 address show dev eth0 | grep -q 7.51 && break\n"
        "done\necho then\nip -brief -4 address show dev eth0\nip route\ncat server.log keep.log\n"
    )
    first, _then, second = said.partition("then\n")
    assert "192.168.7.50/24" in first
    assert "default via 192.168.7.1" in first
    assert "192.168.7.50" not in second.partition("discover")[0]
    assert "192.168.7.51/24" in second
    assert "default via 192.168.7.1" in second
    asked = re.findall(r"^(?:discover|request) .*", second, re.MULTILINE)
    assert asked[:4] == ["discover 0.0.0.0 all", "request 0.0.0.0 all",
                         "request 192.168.7.50 server", "request 192.168.7.50 server"]  # fmt: skip
    assert "request 192.168.7.50 all" in asked
    assert asked[-2:] == ["discover 0.0.0.0 all", "request 0.0.0.0 all"]
    assert "failed" not in second
