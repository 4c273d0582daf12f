# SPDX-License-Identifier: BSD-2-Clause
"""The option --target, and what counts where it is not given."""

from __future__ import annotations

import argparse
import os

from rumprun.target.descriptor import DEFAULT_TARGET, TARGET_OPTION, Target, load_target

VARIABLE = "DH_RUMPRUN_TARGET"
FIELD = "X-Rumprun-Target"


def add_target_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        TARGET_OPTION,
        metavar="NAME",
        help=f"compile for this, see 'targets' (default: {DEFAULT_TARGET})",
    )


def chosen_target(arguments: argparse.Namespace | None = None, *, stanza: str = "") -> Target:
    """The target of the command line, of :envvar:`DH_RUMPRUN_TARGET`, a ``stanza``, or the default.

    Raises what :func:`load_target` raises.
    """
    named = arguments.target if arguments else None
    return load_target(named or os.environ.get(VARIABLE) or stanza or DEFAULT_TARGET)


def target_words(arguments: argparse.Namespace) -> list[str]:
    """The option for a command that another one is to run; none for the default."""
    name = arguments.target or os.environ.get(VARIABLE) or DEFAULT_TARGET
    return [] if name == DEFAULT_TARGET else [TARGET_OPTION, name]
