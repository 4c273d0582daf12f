# SPDX-License-Identifier: BSD-2-Clause
"""The program table: what the entrypoint reads in the machine.

NUL-separated strings, so that every argument passes byte for byte. ``boards/linux/table.c``
reads it and describes the form.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from rumprun.bake.abi import TABLE_VERSION
from rumprun.bake.image import Program
from rumprun.errors import InputError

TABLE_NAME = "rumprun/table"

_MAGIC = f"rumprun-table {TABLE_VERSION}"

# TABLE_LIMIT in boards/linux/table.c, and CONFIG_ENTRIES in boards/common/config.h.
LIMIT = 8 << 20
MOST_PROGRAMS = 64


def encode_table(programs: Sequence[Program]) -> bytes:
    """The table of ``programs``, in their order.

    Raises :class:`InputError` where a string has a NUL, no ``argv[0]`` is there, the name of a
    variable is no name, or the whole is too large for the entrypoint.
    """
    if not 0 < len(programs) <= MOST_PROGRAMS:
        raise InputError(f"{len(programs)} programs for an image", hint=f"1 to {MOST_PROGRAMS} fit")
    strings = [_MAGIC, str(len(programs))]
    for program in programs:
        strings += _strings(program)
    # Words of a command line that are not UTF-8 come as surrogates and leave as they came.
    table = b"".join(os.fsencode(string) + b"\0" for string in strings)
    if len(table) > LIMIT:
        raise InputError(
            f"{programs[0].name}: {len(table)} bytes of arguments and environment",
            hint=f"at most {LIMIT} fit",
        )
    return table


def _strings(program: Program) -> list[str]:
    if not program.argv:
        raise InputError(f"{program.name}: no argv[0]", hint="argv starts with the program's name")
    for name, _value in program.env:
        if not name or "=" in name:
            raise InputError(f"{program.name}: {name!r} is no name of an environment variable")
    strings = [
        program.name,
        program.path,
        str(len(program.argv)),
        str(len(program.env)),
        *program.argv,
        *(f"{name}={value}" for name, value in program.env),
    ]
    for string in strings:
        if "\0" in string:
            raise InputError(f"{program.name}: {string!r} has a NUL, which no argument can have")
    return strings
