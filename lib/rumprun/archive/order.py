# SPDX-License-Identifier: BSD-2-Clause
"""An order to build a closure in, and the circles in it broken."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter

from rumprun.archive.circles import find_circles
from rumprun.archive.model import Need, Node
from rumprun.errors import InputError


def in_order(nodes: Mapping[str, Node]) -> tuple[Node, ...]:
    """``nodes`` such that each comes after those that it needs; by name where that leaves open.

    A circle is broken at a library that is not required, which is then among the dropped of
    its node. Raises :class:`InputError` with the circle where all in it are required.
    """
    kept = dict(nodes)
    for circle in find_circles({name: _makers(node.needs) for name, node in nodes.items()}):
        _break(circle, kept)
    return tuple(kept[name] for name in _sorted({n: _makers(kept[n].needs) for n in kept}))


def _makers(needs: Iterable[Need], *, required: bool = False) -> tuple[str, ...]:
    return tuple(sorted({need.source for need in needs if need.required or not required}))


def _break(circle: Sequence[str], nodes: dict[str, Node]) -> None:
    """Drop from the nodes of ``circle`` what would have to be built later than they are.

    They are ordered by the libraries that are required alone.
    """
    members = frozenset(circle)
    required = {
        name: tuple(n for n in _makers(nodes[name].needs, required=True) if n in members)
        for name in circle
    }
    hard = next(iter(find_circles(required)), None)
    if hard is not None:
        raise _unbreakable(hard, nodes)
    place = {name: number for number, name in enumerate(_sorted(required))}
    for name in circle:
        node = nodes[name]
        late = [n for n in node.needs if n.source in members and place[n.source] > place[name]]
        reasons = {
            need.library: f"to break a circle: {need.source} needs {name} first" for need in late
        }
        nodes[name] = dataclasses.replace(
            node,
            needs=tuple(need for need in node.needs if need not in late),
            dropped={**node.dropped, **reasons},
        )


def _unbreakable(members: Sequence[str], nodes: Mapping[str, Node]) -> InputError:
    """The error that shows a way round within ``members``, library by library."""
    steps: list[tuple[str, Need]] = []
    name, seen = min(members), dict[str, int]()
    while name not in seen:
        seen[name] = len(steps)
        need = min(n for n in nodes[name].needs if n.required and n.source in members)
        steps.append((name, need))
        name = need.source
    way = steps[seen[name] :]
    shown = ", ".join(f"{source} needs {need.library} of {need.source}" for source, need in way)
    last, closing = way[-1]
    return InputError(
        f"a circle of Build-Depends that cannot be broken: {shown}",
        hint=f"{closing.library} closes it: let a recipe for {last} drop it, or give"
        f" --without {closing.library}",
    )


def _sorted(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """The names such that each comes after its ``edges``, which have no circle."""
    sorter = TopologicalSorter(edges)
    sorter.prepare()
    done: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        sorter.done(*ready)
        done += ready
    return done
