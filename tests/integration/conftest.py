# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures that several integration tests share."""

from apply_machine import apply_tools, loop, namespaces
from archive_samples import archive

__all__ = ["apply_tools", "archive", "loop", "namespaces"]
