# SPDX-License-Identifier: BSD-2-Clause
"""The plan for a closure: which sources, why, and in which order."""

from __future__ import annotations

from collections.abc import Iterable

from rumprun.archive.closure import Choices, Lookup, find_closure
from rumprun.archive.model import Plan
from rumprun.archive.order import in_order


def make_plan(
    names: Iterable[str], catalogue: Lookup, choices: Choices, *, target: str, suite: str
) -> Plan:
    """The plan to build the sources ``names`` and what they need.

    The same ``catalogue`` and ``choices`` give the same plan. Raises :class:`MissingError` for
    a source that is not there, :class:`InputError` for a circle that cannot be broken.
    """
    asked = tuple(dict.fromkeys(names))
    nodes = find_closure(asked, catalogue, choices)
    return Plan(target=target, suite=suite, asked=asked, nodes=in_order(nodes))
