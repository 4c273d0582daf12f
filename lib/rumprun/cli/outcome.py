# SPDX-License-Identifier: BSD-2-Clause
"""How a command ends: errors of the library become one line and an exit status, here only."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from rumprun import ui
from rumprun.errors import RumprunError
from rumprun.workdir import faults_explained

_INTERRUPTED = 130


def exit_status_of(action: Callable[[], int]) -> int:
    """Run ``action`` and return the command's exit status, with its error reported."""
    # A builder that stops us (sbuild, systemd, timeout(1)) sends TERM: clean up as for Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with faults_explained():
            return action()
    except RumprunError as error:
        ui.fail(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        ui.fail("interrupted; nothing was published")
        return _INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
