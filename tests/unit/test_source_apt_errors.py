# SPDX-License-Identifier: BSD-2-Clause
"""What apt says, and the error that it becomes."""

from __future__ import annotations

import pytest

from rumprun.command import CommandFailed, Completed
from rumprun.errors import InputError, MissingError, RumprunError, SystemFault
from rumprun.source.apt_errors import NotOnMirror, explain


def failure(stderr: str) -> CommandFailed:
    completed = Completed(argv=("apt-get",), returncode=100, stdout="", stderr=stderr)
    return CommandFailed("failed", completed=completed)


@pytest.mark.parametrize(
    ("stderr", "error", "evidence"),
    [
        (
            (
                "E: Failed to fetch http://x/a.dsc  404  Not Found [IP: 192.0.2.1 80]\n"
                "E: Failed to fetch some archives.\n"
            ),
            NotOnMirror,
            "a.dsc 404 Not Found",
        ),
        (
            "E: You don't have enough free space in /var/cache\n",
            SystemFault,
            "enough free space",
        ),
        (
            (
                "E: Failed to fetch http://x/a.tar  Error writing to file - write (28: No space"
                " left on device)\n"
            ),
            SystemFault,
            "a.tar",
        ),
        (
            "E: Failed to fetch http://x/a.tar  Hash Sum mismatch\n   Hashes of expected file:\n",
            InputError,
            "a.tar Hash Sum mismatch",
        ),
        (
            "E: Failed to fetch file:/a.tar  File has unexpected size (3 != 4).\n",
            InputError,
            "unexpected size",
        ),
        (
            (
                "W: GPG error: http://x testing InRelease: The following signatures couldn't be"
                " verified because the public key is not available: NO_PUBKEY 0123\n"
            ),
            InputError,
            "NO_PUBKEY",
        ),
        (
            "E: Failed to fetch http://x/InRelease  Temporary failure resolving 'x'\n",
            MissingError,
            "resolving 'x'",
        ),
        (
            "E: Could not get lock /c/lists/lock. It is held by process 1\n",
            SystemFault,
            "held by process 1",
        ),
        ("E: Could not open file - open (13: Permission denied)\n", SystemFault, "open file"),
    ],
)
def test_a_complaint_becomes_an_error_with_apts_own_words(
    stderr: str, error: type[RumprunError], evidence: str
) -> None:
    explained = explain(failure(stderr), doing="cannot fetch sample")
    assert type(explained) is error
    assert explained.message.startswith("cannot fetch sample: ")
    assert evidence in explained.message
    assert explained.hint


def test_an_unknown_complaint_stays_what_it_is() -> None:
    unknown = failure("E: Something else\n")
    assert explain(unknown, doing="cannot fetch sample") is unknown
