#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run a command that may write below some directories only: landlock(7), for builds.

    confined.py DIRECTORY... -- COMMAND ARGUMENT...

Reading and running are not restricted. A kernel without Landlock (before 5.13, or with it left
out) runs the command as it is. The numbers are those of <linux/landlock.h> and of the x86-64
system calls.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE = 1 << 1
# REMOVE_DIR, REMOVE_FILE, and MAKE_ of each kind of file.
_CHANGE_DIRECTORY = sum(1 << bit for bit in range(4, 13))
# The first version of Landlock that knows it. Before REFER, nothing could be renamed or linked
# from one directory to another, which no build survives.
_REFER, _REFER_VERSION = 1 << 13, 2
_TRUNCATE, _TRUNCATE_VERSION = 1 << 14, 3


def main(words: list[str]) -> None:
    """Restrict this process and become the command."""
    at = words.index("--")
    restrict(words[:at])
    command = words[at + 1 :]
    try:
        os.execvp(command[0], command)  # noqa: S606 (a shell is not wanted)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def restrict(directories: list[str]) -> bool:
    """Allow this process to write below ``directories`` only; false where the kernel cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    if version < _REFER_VERSION:
        return False
    rights = _WRITE_FILE | _CHANGE_DIRECTORY | _REFER
    if version >= _TRUNCATE_VERSION:
        rights |= _TRUNCATE
    attributes = struct.pack("=Q", rights)
    ruleset = _checked(libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    for directory in directories:
        place = os.open(directory, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", rights, place)
        _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0))
        os.close(place)
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)
    return True


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
