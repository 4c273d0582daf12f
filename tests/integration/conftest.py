# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures that several integration tests share."""

from apply_machine import apply_tools, loop, namespaces
from archive_samples import archive
from xenstore_machine import built_xen, store_image, store_labs, store_programs

__all__ = ["apply_tools", "archive", "built_xen", "loop", "namespaces", "store_image",
           "store_labs", "store_programs"]  # fmt: skip
