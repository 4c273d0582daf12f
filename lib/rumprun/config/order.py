# SPDX-License-Identifier: BSD-2-Clause
"""In which order the entries of ``rc`` start, and whether they ever can.

Entries that a pipe connects are one group, which starts together. A group waits for those that
an entry of it names in ``after``, and for each earlier group whose last entry is waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rumprun.config.complaint import Complaint, Path
from rumprun.config.document import Entry
from rumprun.wording import nearest, shown


def order_complaints(entries: Sequence[Entry]) -> Iterator[Complaint]:
    """What keeps ``entries`` from being started, in the order of the document."""
    places = {entry.name: place for place, entry in reversed(list(enumerate(entries)))}
    for place, entry in enumerate(entries):
        path: Path = ("rc", place)
        if places[entry.name] != place:
            key = "name" if entry.own_name else "bin"
            wrong = f"rc[{places[entry.name]}] is called {shown(entry.name)}, too"
            yield Complaint(path=(*path, key), wrong=wrong, hint="give one of them a name")
        for number, name in enumerate(entry.after):
            if name not in places:
                hint = f"{nearest(name, places)}the entries are {', '.join(places)}"
                wrong = f"no entry is called {shown(name)}"
                yield Complaint(path=(*path, "after", number), wrong=wrong, hint=hint)
    if entries and entries[-1].runmode == "|":
        path = ("rc", len(entries) - 1, "runmode")
        yield Complaint(path=path, wrong="no entry follows to read the pipe", hint='write ""')
    yield from _circles(entries, places)


def _circles(entries: Sequence[Entry], places: dict[str, int]) -> Iterator[Complaint]:
    """Each ``after`` that can never be, since what it names waits for its own entry."""
    groups = _groups(entries)
    reach = _reach(_waits(entries, places, groups))
    for place, entry in enumerate(entries):
        for number, name in enumerate(entry.after):
            if name in places and reach[groups[places[name]]] >> groups[place] & 1:
                wrong = f"{shown(name)} starts only after this entry, or with it"
                hint = 'take one of them out, or move this entry, or run it with "&"'
                yield Complaint(path=("rc", place, "after", number), wrong=wrong, hint=hint)


def _groups(entries: Sequence[Entry]) -> list[int]:
    """The number of each entry's group: that of its first entry."""
    groups: list[int] = []
    for place in range(len(entries)):
        piped = place > 0 and entries[place - 1].runmode == "|"
        groups.append(groups[-1] if piped else place)
    return groups


def _waits(entries: Sequence[Entry], places: dict[str, int], groups: list[int]) -> list[int]:
    """For each group a set, as bits, of those that it waits for."""
    waits = [0] * len(entries)
    ended = 0
    for place, entry in enumerate(entries):
        group = groups[place]
        # Of a pipe, the last entry says whether it is waited for: none of it is in here before.
        waits[group] |= ended
        for name in entry.after:
            if name in places:
                waits[group] |= 1 << groups[places[name]]
        if entry.runmode == "":
            ended |= 1 << group
    return waits


def _reach(waits: Sequence[int]) -> list[int]:
    """The same with what those wait for, and so on, and each group with itself (Warshall)."""
    reach = [wait | 1 << group for group, wait in enumerate(waits)]
    for middle in range(len(reach)):
        for group, bits in enumerate(reach):
            if bits >> middle & 1:
                reach[group] |= reach[middle]
    return reach
