# SPDX-License-Identifier: BSD-2-Clause
"""A stream of requests for a xenstore, from a seed, and what of its answers must be the same.

The lines are those that tests/xenstore/stream.c plays. Two faults of Xen 4.17's C xenstored, which
end it, are left out, and tested by themselves.
The root is not listed: it has what other tools of dom0 leave there.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum


class Type(IntEnum):
    """Of messages, from xen/io/xs_wire.h."""

    CONTROL = 0
    DIRECTORY = 1
    READ = 2
    GET_PERMS = 3
    WATCH = 4
    UNWATCH = 5
    TRANSACTION_START = 6
    TRANSACTION_END = 7
    INTRODUCE = 8
    RELEASE = 9
    GET_DOMAIN_PATH = 10
    WRITE = 11
    MKDIR = 12
    RM = 13
    SET_PERMS = 14
    WATCH_EVENT = 15
    ERROR = 16
    IS_DOMAIN_INTRODUCED = 17
    RESUME = 18
    SET_TARGET = 19
    RESET_WATCHES = 21
    DIRECTORY_PART = 22


FIRST_DOMAIN = 900
GUESTS = (1, 2, 3, 4)
# The third is the target of the fourth, which keeps it.
REPLACED = (1, 2)
NOTHING = "/nothing/there"
LEAVES = ("a", "b", "c", "data", "name")
BAD_NAMES = ("", "//", "/a/", "/a//b", "/a b", "/\x80", "/tool/", "a/../b", "@", "@other",
             "@releaseDomain", "/" + "x" * 3080, "y" * 2050, "/local/domain/900/" + "z" * 2100,
             )  # fmt: skip
PERMISSIONS = (
    "n0",
    "r0",
    "b900",
    "n901",
    "r902",
    "w903",
    "n904",
    "b0",
    "x1",
    "n",
    "r-1",
    "",
    "n70000",
)
TYPES_OF_MORE = (Type.WATCH, Type.UNWATCH, Type.SET_PERMS, Type.DIRECTORY_PART, Type.WRITE,
                 Type.TRANSACTION_END, Type.GET_DOMAIN_PATH)  # fmt: skip
TYPES_OF_ONE_NAME = (Type.DIRECTORY, Type.READ, Type.GET_PERMS, Type.MKDIR, Type.RM)


@dataclass(kw_only=True)
class Connection:
    """What the stream knows of one."""

    number: int
    domain: int = 0
    open: list[int] = field(default_factory=list)
    watches: list[tuple[str, str]] = field(default_factory=list)
    next_name: int = 0


@dataclass(kw_only=True)
class Writer:
    """The lines so far, and what chooses them."""

    dice: random.Random
    lines: list[str] = field(default_factory=list)
    requests: int = 0
    connections: list[Connection] = field(default_factory=list)
    next_domain: int = FIRST_DOMAIN

    def ask(self, of: Connection, type_: int, payload: bytes, transaction: str = "0") -> None:
        """A request."""
        self.lines.append(f"q {of.number} {int(type_)} {transaction} {payload.hex()}")
        self.requests += 1

    def do(self, kind: str, of: Connection, *words: object) -> None:
        """Something else."""
        self.lines.append(" ".join([kind, str(of.number), *map(str, words)]))

    def path(self, of: Connection) -> str:
        """A name; of one's own, of another's, or of what is shared."""
        parts = [self.dice.choice(LEAVES) for _ in range(self.dice.choice((1, 1, 2, 2, 3)))]
        rest = "/".join(parts)
        other = self.dice.choice(self.connections).domain
        homes = ("/t", "/t", f"/t/{other}", f"/t/{of.domain}", f"/local/domain/{other}")
        kinds = (*(f"{home}/{rest}" for home in homes), rest, rest, "/t")
        return self.dice.choice(kinds)

    def transaction(self, of: Connection) -> str:
        """One that is open, mostly."""
        if not of.open or self.dice.random() < 0.4:
            return f"={self.dice.randrange(1, 1 << 31)}" if self.dice.random() < 0.03 else "0"
        return str(self.dice.choice(of.open))


def text(*strings: str) -> bytes:
    """Strings as they are sent."""
    return b"".join(each.encode("latin-1") + b"\0" for each in strings)


def one_name(out: Writer, of: Connection) -> None:
    type_ = out.dice.choices(TYPES_OF_ONE_NAME, (4, 8, 2, 3, 3))[0]
    out.ask(of, type_, text(out.path(of)), out.transaction(of))


def write(out: Writer, of: Connection) -> None:
    size = out.dice.choice((0, 1, 5, 20, 20, 20, 100, 500, 1900, 2100, 3900))
    value = bytes(out.dice.randrange(256) for _ in range(min(size, 20))) * (size // 20 or 1)
    out.ask(of, Type.WRITE, text(out.path(of)) + value[:size], out.transaction(of))


def part(out: Writer, of: Connection) -> None:
    at = out.dice.choice(("0", "2", "5", "4000", "-1", "x"))
    out.ask(of, Type.DIRECTORY_PART, text(out.path(of), at), out.transaction(of))


def set_permissions(out: Writer, of: Connection) -> None:
    count = out.dice.choice((1, 1, 2, 3, 6))
    words = [out.dice.choice(PERMISSIONS[:8]) for _ in range(count)]
    if out.dice.random() < 0.1:
        words.append(out.dice.choice(PERMISSIONS))
    if of.domain == 0 and out.dice.random() < 0.7:
        words[0] = f"{out.dice.choice('nrwb')}{out.dice.choice(out.connections).domain}"
    # What is shared stays open, or there is little to see.
    place = out.path(of)
    if place != "/t":
        out.ask(of, Type.SET_PERMS, text(place, *words), out.transaction(of))


def watch(out: Writer, of: Connection) -> None:
    known = (out.path(of), f"k{out.dice.randrange(20)}")
    if out.dice.random() < 0.1:
        known = (out.dice.choice(("@releaseDomain", "@introduceDomain")), "s")
    of.watches.append(known)
    out.ask(of, Type.WATCH, text(*known))


def unwatch(out: Writer, of: Connection) -> None:
    # The kernel knows domain 0's watches, and answers one that it does not know by itself.
    if of.watches and (of.number == 0 or out.dice.random() < 0.9):
        known = of.watches.pop(out.dice.randrange(len(of.watches)))
        out.ask(of, Type.UNWATCH, text(*known))
    elif of.number:
        out.ask(of, Type.UNWATCH, text(out.path(of), "never"))


def start(out: Writer, of: Connection) -> None:
    if len(of.open) < 4:
        of.next_name = of.next_name % 15 + 1
        of.open.append(of.next_name)
        out.do("s", of, of.next_name)
        out.requests += 1


def end(out: Writer, of: Connection) -> None:
    if of.open:
        name = of.open.pop(out.dice.randrange(len(of.open)))
        out.ask(of, Type.TRANSACTION_END, text(out.dice.choice("TTTF")), str(name))


def domains(out: Writer, of: Connection) -> None:
    other = out.dice.choice(out.connections).domain
    type_ = out.dice.choice((Type.GET_DOMAIN_PATH, Type.IS_DOMAIN_INTRODUCED, Type.RESUME))
    out.ask(of, type_, text(out.dice.choice((str(other), "0", "12345", "x", "-1"))))


def only_for_domain_0(out: Writer, of: Connection) -> None:
    if of.number:
        type_ = out.dice.choice((Type.INTRODUCE, Type.RELEASE, Type.SET_TARGET, Type.CONTROL))
        out.ask(of, type_, text("901", "1", "1"))
    else:
        out.ask(of, Type.CONTROL, out.dice.choice((
            text("help"), text("nonsense"), text("check"), text("quota"), text("quota", "x", "y"),
            text("quota", "12345"), text("quota-soft"), text())) or b"\0")  # fmt: skip


def malformed(out: Writer, of: Connection) -> None:
    kind = out.dice.randrange(4)
    if kind == 0 or of.number == 0:
        bad = out.dice.choice(BAD_NAMES)
        type_ = out.dice.choice((*TYPES_OF_ONE_NAME, Type.WRITE))
        out.ask(of, type_, text(bad), out.transaction(of))
    elif kind == 1:
        number = out.dice.choice((15, 16, 20, 23, 77, 0xFFFF, 0xFFFFFFFF))
        out.ask(of, number, text("/t"))
    elif kind == 2:
        type_ = out.dice.choice(TYPES_OF_MORE)
        out.ask(of, type_, out.dice.choice((b"", b"\0", b"/t", b"/t\0x", b"/t\0", b"T")))
    else:
        out.ask(of, Type.READ, text(NOTHING))
        type_ = out.dice.choice(TYPES_OF_ONE_NAME)
        out.ask(of, type_, out.dice.choice((b"", b"/t", b"/t\0a", b"\0\0")))


def begin_again(out: Writer, of: Connection) -> None:
    """A guest that forgets all, by itself or with the help of domain 0."""
    if of.number == 0:
        return
    of.open.clear()
    of.watches.clear()
    if out.dice.random() < 0.5:
        out.ask(of, Type.RESET_WATCHES, b"\0")
        out.ask(of, Type.RESET_WATCHES, b"\0", "=77")
    else:
        out.do("i", of)


def replace(out: Writer, of: Connection) -> None:
    """A domain ends, in the midst of what it does, and another comes."""
    if of.number in REPLACED:
        out.do("d", of)
        introduce(out, of)


def introduce(out: Writer, of: Connection) -> None:
    """A new domain, with a home of its own, as the tools make it."""
    of.domain = out.next_domain
    out.next_domain += 1
    of.open.clear()
    of.watches.clear()
    out.do("n", of, of.domain)
    for place in (f"/local/domain/{of.domain}", f"/t/{of.domain}"):
        out.ask(out.connections[0], Type.MKDIR, text(place))
        out.ask(out.connections[0], Type.SET_PERMS, text(place, f"n{of.domain}", "r0"))


STEPS: tuple[tuple[Callable[[Writer, Connection], None], int], ...] = (
    (one_name, 40), (write, 30), (part, 4), (set_permissions, 5), (watch, 6), (unwatch, 3),
    (start, 6), (end, 7), (domains, 3), (only_for_domain_0, 2), (malformed, 8), (begin_again, 0),
)  # fmt: skip


def make_stream(seed: int, requests: int) -> list[str]:
    """The lines of at least so many requests; the same for the same seed."""
    out = Writer(dice=random.Random(seed))  # noqa: S311 -- it is to be the same each time
    out.connections = [Connection(number=number) for number in (0, *GUESTS)]
    root = out.connections[0]
    out.ask(root, Type.MKDIR, text("/t"))
    out.ask(root, Type.SET_PERMS, text("/t", "b0"))
    for guest in GUESTS:
        introduce(out, out.connections[guest])
    out.ask(root, Type.SET_TARGET, text(str(FIRST_DOMAIN + 3), str(FIRST_DOMAIN + 2)))
    functions, weights = zip(*STEPS, strict=True)
    turn = 0
    while out.requests < requests:
        turn += 1
        of = out.dice.choice(out.connections)
        for _ in range(out.dice.randrange(1, 9)):
            out.dice.choices(functions, weights)[0](out, of)
        if turn % 40 == 0:
            out.dice.choice((begin_again, begin_again, replace))(
                out, out.dice.choice(out.connections)
            )
        if turn % 50 == 0:
            look(out)
    look(out)
    return out.lines


def look(out: Writer) -> None:
    """What the store thinks of its domains, when all that it has to tell is told."""
    root = out.connections[0]
    out.do("b", root)
    for guest in GUESTS:
        out.ask(root, Type.CONTROL, text("quota", str(out.connections[guest].domain)))
    out.ask(root, Type.CONTROL, text("check"))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A message as it is compared."""

    connection: int
    line: int
    type: int
    transaction: str
    payload: bytes


def read_answers(stream: list[str], said: str) -> list[Answer]:
    """What was played back, of each connection in its order, with what may differ taken out."""
    generations: dict[bytes, int] = {}
    answers: dict[int, list[Answer]] = {number: [] for number in (0, *GUESTS)}
    for words in map(str.split, said.splitlines()):
        if words[0] == "e":
            payload = bytes.fromhex(words[2] if len(words) > 2 else "")
            add_event(answers[int(words[1])], int(words[1]), payload)
        elif words[0] == "a":
            sent = stream[int(words[1]) - 1].split()
            of = int(sent[1]) if sent[0] != "b" else -1
            payload = bytes.fromhex(words[4] if len(words) > 4 else "")
            answer = Answer(
                connection=of, line=int(words[1]), type=int(words[2]), transaction=words[3],
                payload=without_generations(payload, int(words[2]), generations),
            )  # fmt: skip
            # The numbers of domain 0's transactions are its kernel's: others have some, too.
            if of == 0:
                payload = b"" if answer.type == Type.TRANSACTION_START else answer.payload
                answer = dataclasses.replace(answer, transaction="", payload=payload)
            if of >= 0:
                answers[of].append(answer)
    answers[0] = as_linux_may_order(answers[0])
    return list(joined(answers))


def without_generations(payload: bytes, type_: int, generations: dict[bytes, int]) -> bytes:
    """Generations count what all of dom0 does; the same number stays the same."""
    if type_ == Type.DIRECTORY_PART:
        number, _, rest = payload.partition(b"\0")
        return b"%d\0" % generations.setdefault(number, len(generations)) + rest
    # In a transaction a node's name begins with one, and the name is counted as memory.
    if type_ == Type.CONTROL and re.search(rb"(?m)^transactions *: *[1-9]", payload):
        return re.sub(rb"(?m)^memory *:.*", b"", payload)
    return payload


def add_event(to: list[Answer], connection: int, payload: bytes) -> None:
    """An event that equals one that is not sent yet is dropped: how many come depends on when."""
    event = Answer(
        connection=connection, line=0, type=Type.WATCH_EVENT, transaction="", payload=payload
    )
    for earlier in reversed(to):
        if earlier.type != Type.WATCH_EVENT:
            break
        if earlier == event:
            return
    to.append(event)


def as_linux_may_order(answers: list[Answer]) -> list[Answer]:
    """Linux hands on events by a thread of its own, before or after answers: all different ones."""
    events = {answer.payload: answer for answer in answers if answer.type == Type.WATCH_EVENT}
    others = [answer for answer in answers if answer.type != Type.WATCH_EVENT]
    return [*others, *(events[payload] for payload in sorted(events))]


def joined(answers: dict[int, list[Answer]]) -> Iterator[Answer]:
    """All, one connection after the other."""
    for number in sorted(answers):
        yield from answers[number]
