# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures that several integration tests share."""

from apply_machine import apply_tools, namespaces
from archive_samples import archive

__all__ = ["apply_tools", "archive", "namespaces"]
