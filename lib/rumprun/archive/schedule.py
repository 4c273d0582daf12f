# SPDX-License-Identifier: BSD-2-Clause
"""Which source is built next: of those that can be, the one that most work waits for.

List scheduling by critical path: R. L. Graham, Bounds on Multiprocessing Timing Anomalies,
https://doi.org/10.1137/0117039.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence


class Schedule:
    """The sources of a plan on their way: waiting, ready, running, done."""

    def __init__(self, needs: Mapping[str, Sequence[str]], seconds: Mapping[str, float]) -> None:
        """``needs`` has for each source those that come first, in an order that keeps to it.

        ``seconds`` is how long each is thought to take. Time and space are linear in the needs,
        but for the sorting of what is ready.
        """
        self._waits_for = {name: set(others) for name, others in needs.items()}
        self._users: dict[str, list[str]] = {name: [] for name in needs}
        for name, others in self._waits_for.items():
            for other in others:
                self._users[other].append(name)
        self._tail: dict[str, float] = {}
        for name in reversed(list(needs)):
            longest = max((self._tail[user] for user in self._users[name]), default=0.0)
            self._tail[name] = seconds[name] + longest
        self._ready: list[tuple[float, str]] = []
        for name, others in self._waits_for.items():
            if not others:
                self._push(name)

    def take(self) -> str | None:
        """The ready source that most depends on; ``None``: nothing is ready now."""
        return heapq.heappop(self._ready)[1] if self._ready else None

    @property
    def ready(self) -> int:
        """How many sources are ready now."""
        return len(self._ready)

    def done(self, name: str) -> None:
        """``name`` has been built, or has failed: what waited for it may go on."""
        for user in self._users[name]:
            waits_for = self._waits_for[user]
            waits_for.discard(name)
            if not waits_for:
                self._push(user)

    def waits_for(self, name: str) -> tuple[str, ...]:
        """What ``name`` waits for, sorted."""
        return tuple(sorted(self._waits_for[name]))

    @property
    def longest(self) -> float:
        """The length of the critical path, in seconds."""
        return max(self._tail.values(), default=0.0)

    def tail(self, name: str) -> float:
        """How long it takes from the start of ``name`` to the end of all that needs it."""
        return self._tail[name]

    def _push(self, name: str) -> None:
        heapq.heappush(self._ready, (-self._tail[name], name))
