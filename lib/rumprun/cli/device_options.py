# SPDX-License-Identifier: BSD-2-Clause
"""Options that give a machine its devices, and what they mean."""

from __future__ import annotations

import argparse
import ipaddress
import re
from pathlib import Path

from rumprun.errors import UsageError
from rumprun.lab.devices import FORMATS, Block, Devices, Forward, Share, TapNet, UserNet

_DEFAULT_TAG = "host"

# Others see a port only where the user says so.
_DEFAULT_ADDRESS = "127.0.0.1"

_FORWARD = re.compile(
    r"(?:(?P<address>[0-9.]+):)?(?P<outside>[0-9]{1,5}):(?P<inside>[0-9]{1,5})"
    r"(?:/(?P<protocol>tcp|udp))?"
)
_LAST_PORT = 65535


def add_device_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a machine in QEMU; :func:`devices_of` reads them."""
    parser.add_argument(
        "--net",
        action="append",
        default=[],
        type=parse_net,
        metavar="user|tap=NAME",
        help="a network interface, in QEMU's own network or on a tap interface (repeatable)",
    )
    parser.add_argument(
        "--forward",
        action="append",
        default=[],
        type=parse_forward,
        metavar="[ADDRESS:]PORT:PORT[/udp]",
        help="a port of this machine that leads to one of the image's, with --net user "
        f"(repeatable; default address: {_DEFAULT_ADDRESS})",
    )
    add_block_argument(parser)
    parser.add_argument(
        "--share",
        action="append",
        default=[],
        type=parse_share,
        metavar="DIR[,tag=TAG][,ro]",
        help=f"a directory to mount as 9p (repeatable; default tag: {_DEFAULT_TAG})",
    )


def add_block_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--block``."""
    parser.add_argument(
        "--block",
        action="append",
        default=[],
        type=parse_block,
        metavar="FILE[,ro][,format=raw|qcow2]",
        help="a disk, the first one first (repeatable; default format: raw)",
    )


def devices_of(arguments: argparse.Namespace) -> Devices:
    """The devices that the command line gives; a port that is forwarded needs no ``--net user``."""
    nets = list(arguments.net)
    forwards = tuple(arguments.forward)
    if forwards and UserNet() not in nets:
        if nets:
            raise UsageError("--forward without --net user", hint="a tap interface needs none")
        nets = [UserNet()]
    return Devices(
        nets=tuple(UserNet(forwards=forwards) if net == UserNet() else net for net in nets),
        blocks=tuple(arguments.block),
        shares=tuple(arguments.share),
    )


def parse_net(word: str) -> UserNet | TapNet:
    """A network interface; :class:`argparse.ArgumentTypeError` for anything else, as below."""
    kind, separator, name = word.partition("=")
    if word == "user":
        return UserNet()
    if kind == "tap" and separator and name:
        return TapNet(name=name)
    raise argparse.ArgumentTypeError(f"{word} is neither user nor tap=NAME")


def parse_forward(word: str) -> Forward:
    """Two ports, the outer one first."""
    match = _FORWARD.fullmatch(word)
    if not match:
        raise argparse.ArgumentTypeError(f"{word} is no [ADDRESS:]PORT:PORT[/udp]")
    ports = int(match["outside"]), int(match["inside"])
    if not all(0 < port <= _LAST_PORT for port in ports):
        raise argparse.ArgumentTypeError(f"{word}: ports are 1 to {_LAST_PORT}")
    address = match["address"] or _DEFAULT_ADDRESS
    try:
        ipaddress.IPv4Address(address)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{word}: {address} is no IPv4 address") from error
    return Forward(
        address=address, outside=ports[0], inside=ports[1], protocol=match["protocol"] or "tcp"
    )


def parse_block(word: str) -> Block:
    """A disk's file, and its options."""
    path, options = _split(word, "format")
    form = options.get("format")
    if form is not None and form not in FORMATS:
        raise argparse.ArgumentTypeError(f"{word}: the formats are {' and '.join(FORMATS)}")
    return Block(file=Path(path), readonly="ro" in options, format=form)


def parse_share(word: str) -> Share:
    """A directory, and its options."""
    path, options = _split(word, "tag")
    tag = options.get("tag", _DEFAULT_TAG)
    return Share(directory=Path(path), readonly="ro" in options, tag=tag)


def _split(word: str, key: str) -> tuple[str, dict[str, str]]:
    """The path, and the options behind it: ``ro``, and ``key`` with a value.

    A path may have commas; it ends before the first of the options that we know.
    """
    path, options = word, dict[str, str]()
    while True:
        rest, comma, last = path.rpartition(",")
        name, equals, value = last.partition("=")
        if not comma or not (last == "ro" or (name == key and equals)):
            break
        if name in options:
            raise argparse.ArgumentTypeError(f"{word}: {name} twice")
        options[name] = value
        path = rest
    if not path:
        raise argparse.ArgumentTypeError(f"{word}: no path")
    return path, options
