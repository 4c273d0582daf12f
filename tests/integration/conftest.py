# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures that several integration tests share."""

from archive_samples import archive

__all__ = ["archive"]
