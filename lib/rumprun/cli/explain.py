# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb explain``: why the builds that wrote these logs failed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rumprun.elf_magic import ELF_MAGIC
from rumprun.errors import InputError, RumprunError, SystemFault
from rumprun.variant.audit.finding import printable
from rumprun.variant.diagnose import UNKNOWN, Diagnosis, diagnose

HELP = "say why a build failed: the class, the line of its log, the remedy"

# A build log of any size has text at its beginning; packed ones have zero bytes there.
_BEGINNING = 8192
_MAGIC = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    ELF_MAGIC,
    b"!<arch>\n",
    b"PK\x03",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument(
        "logs",
        nargs="+",
        type=Path,
        metavar="LOG",
        help="what a build said: a .build file of ours, of sbuild, or any other",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(arguments: argparse.Namespace) -> int:
    """Explain each log; the status says whether each failure is of a known class."""
    logs: list[Path] = arguments.logs
    # All are read before anything is said, so that a wrong name does not come after half of it.
    texts = [read_log(path) for path in logs]
    found = [diagnose(text) for text in texts]
    if arguments.json:
        nothing: dict[str, object] = {"class": None}
        entries = [
            {"log": str(path)} | (item.to_json() if item else nothing)
            for path, item in zip(logs, found, strict=True)
        ]
        print(json.dumps({"logs": entries}, indent=2))
    else:
        for path, item in zip(logs, found, strict=True):
            print(_paragraph(path, item))
    known = all(item and item.name != UNKNOWN for item in found)
    return 0 if known else RumprunError.exit_code


def read_log(path: Path) -> str:
    """The text of a log, whatever its encoding.

    Raises :class:`InputError` where there is no such file or no text in it, and
    :class:`SystemFault` where it may not be read.
    """
    shown = printable(str(path))
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{shown}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"{shown}: a directory", hint="name the log file in it") from error
    except PermissionError as error:
        raise SystemFault(
            f"{shown}: {error.strerror}", hint="read it as its owner, or make it readable"
        ) from error
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror}") from error
    if data.startswith(_MAGIC) or b"\0" in data[:_BEGINNING]:
        raise InputError(f"{shown}: not a text", hint="unpack it first, if it is a packed log")
    return data.decode("utf-8", errors="replace")


def _paragraph(path: Path, found: Diagnosis | None) -> str:
    shown = printable(str(path))
    if found is None:
        return f"{shown}: nothing in it tells of a failure"
    return (
        f"{shown}:{found.line_number}: {found.name}: {found.title}\n"
        f"    {found.line}\n"
        f"    remedy: {found.remedy}"
    )
