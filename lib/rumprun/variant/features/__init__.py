# SPDX-License-Identifier: BSD-2-Clause
"""Features whose library has no variant: found in a failed build, switched off for the next."""

from rumprun.variant.features.found import find_switches
from rumprun.variant.features.switch import BuildSystem, Switch, write_switches

__all__ = ["BuildSystem", "Switch", "find_switches", "write_switches"]
