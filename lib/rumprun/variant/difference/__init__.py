# SPDX-License-Identifier: BSD-2-Clause
"""What the native build of a source has and its variant has not, or has otherwise, and why."""

from rumprun.variant.difference.compare import Inputs, compare, native_packages
from rumprun.variant.difference.model import Cause, Difference, Kind, Reason

__all__ = ["Cause", "Difference", "Inputs", "Kind", "Reason", "compare", "native_packages"]
