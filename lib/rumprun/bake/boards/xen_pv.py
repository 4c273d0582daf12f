# SPDX-License-Identifier: BSD-2-Clause
"""The board ``xen_pv`` of upstream Rumprun; see rumprun.bake.upstream."""

from rumprun.bake.upstream import UpstreamBoard
from rumprun.config.upstream import XEN

BOARD = UpstreamBoard(
    "xen_pv",
    "upstream Rumprun as a paravirtual Xen domain, by its own baker",
    XEN,
    domains=("pv",),
)
