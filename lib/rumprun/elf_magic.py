# SPDX-License-Identifier: BSD-2-Clause
"""What an ELF file begins with (elf(5)), apart from what wants a reader for all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ELF_MAGIC: Final = b"\x7fELF"


def is_elf(path: Path) -> bool:
    """Whether the file ``path`` begins as ELF files do; :class:`OSError` if it is not read."""
    with path.open("rb") as file:
        return file.read(len(ELF_MAGIC)) == ELF_MAGIC
