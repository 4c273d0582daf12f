# SPDX-License-Identifier: BSD-2-Clause
"""What readers of ELF files share."""

from __future__ import annotations

import struct

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError

# pyelftools trusts offsets and counts; on a damaged file it fails with any of these.
PARSER_ERRORS = (
    ELFError,
    ConstructError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    TypeError,
    ValueError,
)
