# SPDX-License-Identifier: BSD-2-Clause
"""The board ``hw_generic`` of upstream Rumprun; see rumprun.bake.upstream."""

from rumprun.bake.upstream import UpstreamBoard
from rumprun.config.upstream import HW

BOARD = UpstreamBoard(
    "hw_generic",
    "upstream Rumprun with drivers for most machines, by its own baker",
    HW,
    machines=("pc", "q35"),
)
