# SPDX-License-Identifier: BSD-2-Clause
"""How the work requests of a run are doing: all looked at together, now and then."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from rumprun.archive.debusine.api import PAGE, Api
from rumprun.archive.debusine.documents import WorkRequest
from rumprun.errors import RumprunError, SystemFault

# Between two looks for what is completed, and between two at all, for what else there may be. All
# takes a request for each page.
_SECONDS = 2.5
_SECONDS_ALL = 15.0


class Action(enum.Enum):
    """What there is to do about a request."""

    WAIT = "wait"
    FETCH = "fetch its packages"
    FAILED = "report its failure"
    AGAIN = "have it done again"
    STUCK = "abort it, and have it done again"


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A request as last seen, ``None`` where the server has it no longer.

    ``running_for`` is for how many seconds it has been seen running.
    """

    request: WorkRequest | None
    running_for: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Look:
    """A look under way: ``at_all`` that is asked for, or at what is completed of it."""

    asked: tuple[int, ...]
    at_all: bool
    found: Future[dict[int, WorkRequest]]


def decide(sight: Sight, *, limit: float) -> Action:
    """What to do about what is seen; what runs longer than ``limit`` seconds is stuck.

    A request whose worker was killed stays *running*: the server waits for the worker to come
    back. *error*, unlike *failure*, is what did not come from the build itself.
    """
    request = sight.request
    if request is None or request.status == "aborted":
        return Action.AGAIN
    if request.status == "completed":
        results = {"success": Action.FETCH, "failure": Action.FAILED}
        return results.get(request.result, Action.AGAIN)
    if request.status == "running" and sight.running_for > limit:
        return Action.STUCK
    return Action.WAIT


class Watch:
    """Looks at all requests that are followed, in a thread of its own."""

    def __init__(self, api: Api, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds."""
        self._api = api
        self._clock = clock
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watch")
        self._looking: _Look | None = None
        self._due = 0.0
        self._all_due = 0.0
        self._sights: dict[int, Sight | None] = {}
        self._running_since: dict[int, float] = {}

    def follow(self, number: int) -> None:
        """Look at the request ``number`` from now on."""
        if number not in self._sights:
            self._sights[number] = None

    def drop(self, number: int) -> None:
        """Do not look at it any longer."""
        self._sights.pop(number, None)
        self._running_since.pop(number, None)

    def look(self, number: int) -> Sight | None:
        """The request ``number`` as last seen; ``None`` where it has not been seen yet.

        Raises :class:`SystemFault` where the server does not give what can be used.
        """
        try:
            self._refresh()
        except RumprunError as error:
            raise SystemFault(error.message, hint=error.hint) from error
        return self.seen(number)

    def seen(self, number: int) -> Sight | None:
        """As :meth:`look`, without asking the server."""
        return self._sights.get(number)

    def _refresh(self) -> None:
        now = self._clock()
        if self._looking is not None:
            if not self._looking.found.done():
                return
            look, self._looking = self._looking, None
            self._due = now + _SECONDS
            self._take_in(look, look.found.result(), now)
        elif now >= self._due and self._sights:
            numbers = tuple(sorted(self._sights))
            # A page has as many as a look for some; with few to look at, all is no more.
            at_all = now >= self._all_due or len(numbers) <= PAGE
            if at_all:
                self._all_due = now + _SECONDS_ALL
            ask = self._api.requests if at_all else self._api.completed
            found = self._pool.submit(ask, numbers)
            self._looking = _Look(asked=numbers, at_all=at_all, found=found)

    def _take_in(self, look: _Look, found: dict[int, WorkRequest], now: float) -> None:
        for number in look.asked:
            if number not in self._sights or (number not in found and not look.at_all):
                continue
            request = found.get(number)
            if request is not None and request.status == "running":
                since = self._running_since.setdefault(number, now)
                self._sights[number] = Sight(request=request, running_for=now - since)
            else:
                self._sights[number] = Sight(request=request)
