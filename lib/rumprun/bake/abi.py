# SPDX-License-Identifier: BSD-2-Clause
"""What host and machine have to agree about, by version."""

from __future__ import annotations

from typing import Final

# MAGIC in boards/linux/table.c, and CONFIG_VERSION in boards/common/config.h.
TABLE_VERSION: Final = 2
CONFIG_VERSION: Final = 1

ABI: Final = {"config": CONFIG_VERSION, "table": TABLE_VERSION}
