# SPDX-License-Identifier: BSD-2-Clause
"""Circles in a graph: its strongly connected components, by Tarjan's algorithm.

R. Tarjan, Depth-First Search and Linear Graph Algorithms, https://doi.org/10.1137/0201010.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def find_circles(edges: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """The sets of two names or more that all reach one another, each sorted.

    ``edges`` has every name as a key. The time is linear in the edges.
    """
    search = _Search(edges)
    for name in edges:
        if name not in search.number:
            search.visit(name)
    return search.found


class _Search:
    """One depth-first search; without recursion, which a long chain would exhaust."""

    def __init__(self, edges: Mapping[str, Sequence[str]]) -> None:
        self._edges = edges
        self.number: dict[str, int] = {}
        self.found: list[tuple[str, ...]] = []
        self._lowest: dict[str, int] = {}
        # In the order of their numbers; a dict, for a quick look at what is in it.
        self._open: dict[str, None] = {}

    def visit(self, root: str) -> None:
        """Number all that ``root`` reaches and that has no number yet."""
        work = [self._enter(root)]
        while work:
            name, rest = work[-1]
            for other in rest:
                if other not in self.number:
                    work.append(self._enter(other))
                    break
                if other in self._open:
                    self._lowest[name] = min(self._lowest[name], self.number[other])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    self._lowest[above] = min(self._lowest[above], self._lowest[name])
                if self._lowest[name] == self.number[name]:
                    self._close(name)

    def _enter(self, name: str) -> tuple[str, Iterator[str]]:
        self.number[name] = self._lowest[name] = len(self.number)
        self._open[name] = None
        return name, iter(self._edges[name])

    def _close(self, root: str) -> None:
        """Take the component that ``root`` was the first of."""
        members: list[str] = []
        while root not in members[-1:]:
            members.append(self._open.popitem()[0])
        if len(members) > 1:
            self.found.append(tuple(sorted(members)))
