#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Messages of DHCP, and a server that says what it was told to: dhcp_messages.py INTERFACE STEP...

Each message that arrives takes the next step; the last one is for all that follow. A step is what
is sent, joined by ``+``: ``offer:ADDRESS``, ``ack:ADDRESS:RENEW:REBIND:SECONDS``, ``nak``,
``stranger`` (a refusal by another server), ``noise`` (much that is no answer) or ``silence``. What
came is printed: type, own address, and whether it was sent to all or to the server.
"""

from __future__ import annotations

import random
import socket
import struct
import sys
from collections.abc import Iterator

DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
SERVER = "192.168.7.1"
NOBODY = "0.0.0.0"  # noqa: S104 (no socket of ours)
_COOKIE = b"\x63\x82\x53\x63"
_END = b"\xff"
_IP_PKTINFO = 8


def option(number: int, data: bytes) -> bytes:
    """One option."""
    return bytes([number, len(data)]) + data


def address(text: str) -> bytes:
    """An address as the network has it."""
    return socket.inet_aton(text)


def message(
    identity: bytes, hardware: bytes, *, yours: str = NOBODY, options: bytes = b""
) -> bytes:
    """An answer; ``identity`` is that of the request."""
    head = struct.pack("!4B4s2H", 2, 1, 6, 0, identity, 0, 0)
    head += bytes(4) + address(yours) + bytes(8) + hardware.ljust(16, b"\0")
    return head + bytes(64 + 128) + _COOKIE + options


def answer(kind: int, server: str = SERVER, seconds: int = 600) -> bytes:
    """The options that every answer has, without the end."""
    options = option(53, bytes([kind])) + option(54, address(server))
    return options if kind == NAK else options + option(51, struct.pack("!I", seconds))


def network() -> bytes:
    """Options of an ordinary network."""
    return (
        option(1, address("255.255.255.0"))
        + option(3, address(SERVER))
        + option(6, address(SERVER) + address("192.168.7.2"))
        + option(15, b"lan.example")
    )


def options_of(packet: bytes) -> dict[int, bytes]:
    """The options of a request, which are not damaged."""
    found, at = {}, 240
    while packet[at] != _END[0]:
        found[packet[at]] = packet[at + 2 : at + 2 + packet[at + 1]]
        at += 2 + packet[at + 1]
    return found


def _noise(identity: bytes, hardware: bytes) -> Iterator[bytes]:
    chance = random.Random(7)  # noqa: S311 (no secret)
    whole = message(identity, hardware, yours="192.168.7.66", options=answer(OFFER) + _END)
    yield b""
    yield from (whole[:length] for length in range(0, 250, 25))
    yield message(bytes(4), hardware, yours="192.168.7.66", options=answer(OFFER) + _END)
    yield message(identity, bytes(6), yours="192.168.7.66", options=answer(OFFER) + _END)
    yield message(identity, hardware, yours="224.0.0.1", options=answer(OFFER) + _END)
    for _time in range(40):
        damaged = bytearray(whole + chance.randbytes(chance.randrange(900)))
        for at in range(236, 255):
            damaged[at] = chance.randrange(256)
        yield bytes(damaged)


def replies(step: str, identity: bytes, hardware: bytes) -> Iterator[bytes]:
    """What a step sends."""
    for part in step.split("+"):
        word, *values = part.split(":")
        if word == "offer":
            yield message(identity, hardware, yours=values[0], options=answer(OFFER) + _END)
        elif word == "ack":
            renew, rebind, seconds = (int(value) for value in values[1:])
            times = option(58, struct.pack("!I", renew)) + option(59, struct.pack("!I", rebind))
            options = answer(ACK, seconds=seconds) + times + network()
            yield message(identity, hardware, yours=values[0], options=options + _END)
        elif word == "nak":
            yield message(identity, hardware, options=answer(NAK) + _END)
        elif word == "stranger":
            yield message(identity, hardware, options=answer(NAK, "192.168.7.99") + _END)
        elif word == "noise":
            yield from _noise(identity, hardware)


def serve(interface: str, steps: list[str]) -> None:
    """Answer until killed."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    server.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    server.bind(("", 67))
    while True:
        packet, extra, _flags, _where = server.recvmsg(2000, 200)
        to = socket.inet_ntoa(extra[0][2][8:12])
        own = socket.inet_ntoa(packet[12:16])
        kind = {DISCOVER: "discover", REQUEST: "request"}[options_of(packet)[53][0]]
        print(f"{kind} {own} {'server' if to == SERVER else 'all'}", flush=True)
        client = own if own != NOBODY else "255.255.255.255"
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        for reply in replies(step, packet[4:8], packet[28:34]):
            server.sendto(reply, (client, 68))


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
