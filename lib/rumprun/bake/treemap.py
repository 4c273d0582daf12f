# SPDX-License-Identifier: BSD-2-Clause
"""Treemaps: rectangles whose areas are in proportion to values, as near to squares as may be.

The algorithm is that of Bruls, Huizing and van Wijk, "Squarified Treemaps" (2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rectangle:
    """A rectangle by its left upper corner and its sides."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Width times height."""
        return self.width * self.height


def squarify(values: Sequence[float], room: Rectangle) -> list[Rectangle]:
    """A rectangle in ``room`` for each of ``values``, in their order; together they fill it.

    Values are positive, and best sorted from the largest down. Raises ValueError for others.
    """
    if any(not value > 0 for value in values):
        raise ValueError("only positive values have an area")
    total = sum(values)
    areas = [value / total * room.area for value in values]
    placed: list[Rectangle] = []
    while len(placed) < len(areas):
        rest = areas[len(placed) :]
        count = _row_length(rest, min(room.width, room.height))
        row, room = _place_row(rest[:count], room)
        placed += row
    return placed


def _row_length(areas: Sequence[float], side: float) -> int:
    """How many of ``areas`` go along ``side``: as long as the worst of them gets better."""
    count, best = 1, _worst(areas[:1], side)
    while count < len(areas):
        ratio = _worst(areas[: count + 1], side)
        if ratio > best:
            break
        count, best = count + 1, ratio
    return count


def _worst(areas: Sequence[float], side: float) -> float:
    """The largest ratio of sides in a row of ``areas`` along ``side``."""
    if not side:
        return float("inf")
    depth = sum(areas) / side
    if not depth:
        return float("inf")
    lengths = [area / depth for area in areas]
    return max(
        max(length / depth, depth / length) if length else float("inf") for length in lengths
    )


def _place_row(areas: Sequence[float], room: Rectangle) -> tuple[list[Rectangle], Rectangle]:
    """The rectangles of one row along the shorter side, and the room that is left."""
    total = sum(areas)
    upright = room.width >= room.height
    side = room.height if upright else room.width
    # What is left of a room may be thinner than a float says exactly.
    depth = min(total / side, max(room.width, room.height)) if side else 0.0
    row = []
    start = room.y if upright else room.x
    for area in areas:
        length = area / total * side if total else 0.0
        if upright:
            row.append(Rectangle(x=room.x, y=start, width=depth, height=length))
        else:
            row.append(Rectangle(x=start, y=room.y, width=length, height=depth))
        start += length
    if upright:
        left = Rectangle(
            x=room.x + depth,
            y=room.y,
            width=max(0.0, room.width - depth),
            height=room.height,
        )
    else:
        left = Rectangle(
            x=room.x,
            y=room.y + depth,
            width=room.width,
            height=max(0.0, room.height - depth),
        )
    return row, left
