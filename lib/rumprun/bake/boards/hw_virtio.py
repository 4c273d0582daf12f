# SPDX-License-Identifier: BSD-2-Clause
"""The board ``hw_virtio`` of upstream Rumprun; see rumprun.bake.upstream."""

from rumprun.bake.upstream import UpstreamBoard
from rumprun.config.upstream import HW

BOARD = UpstreamBoard(
    "hw_virtio",
    "upstream Rumprun with drivers for virtio, by its own baker",
    HW,
    machines=("pc", "q35"),
)
