# SPDX-License-Identifier: BSD-2-Clause
"""Areas are in proportion to values, and rectangles neither overlap nor leave their room."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rumprun.bake.treemap import Rectangle, squarify

ROOM = Rectangle(x=10, y=20, width=600, height=400)

values = st.lists(st.integers(1, 1 << 30), min_size=1, max_size=40).map(
    lambda found: sorted(found, reverse=True)
)


@given(values)
def test_areas_are_in_proportion(sizes: list[int]) -> None:
    placed = squarify(sizes, ROOM)
    assert len(placed) == len(sizes)
    for size, place in zip(sizes, placed, strict=True):
        expected = size / sum(sizes) * ROOM.area
        assert math.isclose(place.area, expected, rel_tol=1e-6, abs_tol=1e-6)


@given(values)
@example([25264330, 1])
def test_nothing_leaves_the_room(sizes: list[int]) -> None:
    slack = 1e-6
    for place in squarify(sizes, ROOM):
        assert place.x >= ROOM.x - slack
        assert place.y >= ROOM.y - slack
        assert place.x + place.width <= ROOM.x + ROOM.width + slack
        assert place.y + place.height <= ROOM.y + ROOM.height + slack


@given(values)
def test_nothing_overlaps(sizes: list[int]) -> None:
    placed = squarify(sizes, ROOM)
    for number, one in enumerate(placed):
        for other in placed[:number]:
            across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert across <= 1e-6 or down <= 1e-6


def test_the_example_of_the_paper() -> None:
    # Figure 5 there: 6, 6, 4, 3, 2, 2, 1 in 6 by 4; the first two are in one column of 3 by 2.
    room = Rectangle(x=0, y=0, width=6, height=4)
    first, second, third, *_others = squarify([6, 6, 4, 3, 2, 2, 1], room)
    assert (first.width, first.height) == (3, 2)
    assert (second.x, second.y, second.width, second.height) == (0, 2, 3, 2)
    assert third.x == 3


def test_equal_values_are_squares() -> None:
    room = Rectangle(x=0, y=0, width=2, height=2)
    assert all((each.width, each.height) == (1, 1) for each in squarify([5, 5, 5, 5], room))


@pytest.mark.parametrize("sizes", [[0], [3, -1], [float("nan")]])
def test_what_has_no_area_is_refused(sizes: list[float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        squarify(sizes, ROOM)


def test_nothing_at_all() -> None:
    assert squarify([], ROOM) == []
