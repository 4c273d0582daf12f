# SPDX-License-Identifier: BSD-2-Clause
"""The options of a build on a debusine server."""

from __future__ import annotations

import argparse
from pathlib import Path

from rumprun.archive.debusine.configuration import DEFAULT_FILE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what a build on a debusine server can be told."""
    parser.add_argument(
        "--debusine-config",
        type=Path,
        metavar="FILE",
        help=f"configuration of debusine's client (default: ~/{DEFAULT_FILE})",
    )
    parser.add_argument(
        "--debusine-server",
        metavar="NAME",
        help="the server of that configuration to build on (default: its default-server)",
    )
    parser.add_argument(
        "--debusine-workspace",
        metavar="NAME",
        help="the workspace to build in (default: the one of the configuration)",
    )
    parser.add_argument(
        "--debusine-environment",
        metavar="LOOKUP",
        help="build in this environment of the server's (default: a chroot as sbuild has, sent to"
        " the server)",
    )
    parser.add_argument(
        "--debusine-repo-url",
        metavar="URL",
        help="where the server's workers reach the repository; they then install variants from"
        " there (default: each build is sent those that it uses)",
    )
    _add_limits(parser)


def _add_limits(parser: argparse.ArgumentParser) -> None:
    """Declare how much, and for how long."""
    parser.add_argument(
        "--at-once",
        type=int,
        default=50,
        metavar="N",
        help="builds to have on a debusine server at once (default: %(default)s)",
    )
    parser.add_argument(
        "--stuck-after",
        type=float,
        default=480.0,
        metavar="MINUTES",
        help="take a build from its debusine worker after this long (default: %(default)g)",
    )
