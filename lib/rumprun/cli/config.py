# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb config``: check, convert or map an image's runtime configuration."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rumprun import command, ui
from rumprun.bake.image import read_image
from rumprun.config.check import find_complaints, parse_document
from rumprun.config.document import Document
from rumprun.config.legacy import convert_legacy
from rumprun.config.map import Map, make_map
from rumprun.config.text import read_bytes
from rumprun.errors import InputError, UsageError

HELP = "check an image's runtime configuration, convert an old one, or list what it needs"

# For a command that a section is delegated to.
_ANSWER_SECONDS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument("action", choices=list(_ACTIONS), help="what to do")
    parser.add_argument("file", type=Path, metavar="FILE", help="a configuration, in JSON")
    parser.add_argument(
        "image", type=Path, nargs="?", metavar="IMAGE", help="check: an image that has to fit"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(arguments: argparse.Namespace) -> int:
    """Check, convert or map the file."""
    if arguments.image and arguments.action != "check":
        raise UsageError(
            f"{arguments.action} takes no image", hint="rumpdeb config check FILE IMAGE"
        )
    status: int = _ACTIONS[arguments.action](arguments)
    return status


def _check(arguments: argparse.Namespace) -> int:
    """Tell all complaints; the status is that of an input that is not acceptable."""
    programs = None
    if arguments.image:
        programs = [program.name for program in read_image(arguments.image).programs]
    document, complaints = find_complaints(read_bytes(arguments.file), programs=programs)
    if arguments.json:
        answer = {
            "file": str(arguments.file),
            "acceptable": not complaints,
            "complaints": [complaint.to_json() for complaint in complaints],
        }
        print(json.dumps(answer, indent=2))
    elif document is None or complaints:
        for complaint in complaints:
            ui.fail(f"{arguments.file}: {complaint}")
    else:
        print(f"{arguments.file}: good, with {_content(document)}")
    return InputError.exit_code if complaints else 0


def _content(document: Document) -> str:
    """What the document has, in a few words."""
    keys = [key for key in document.sections if key != "version"]
    return f"the sections {', '.join(keys)}" if keys else "no section"


def _convert(arguments: argparse.Namespace) -> int:
    converted = convert_legacy(read_bytes(arguments.file), where=str(arguments.file))
    if arguments.json:
        answer = {"document": converted.document, "notes": list(converted.notes)}
        print(json.dumps(answer, indent=2))
        return 0
    for note in converted.notes:
        ui.note(f"{arguments.file}: {note}")
    print(converted.text, end="")
    return 0


def _map(arguments: argparse.Namespace) -> int:
    document = parse_document(read_bytes(arguments.file), where=str(arguments.file))
    needs = make_map(document, ask=_ask)
    print(json.dumps(needs.to_json(), indent=2) if arguments.json else _listed(needs))
    return 0


def _ask(argv: tuple[str, ...], text: str) -> str:
    return command.run(argv, stdin=text, timeout=_ANSWER_SECONDS).stdout


def _listed(needs: Map) -> str:
    lines = ["devices:"]
    for device in needs.devices:
        words = [device.kind, device.name, device.path, "read-only" if device.readonly else ""]
        lines.append(f"  {' '.join(word for word in words if word)}")
    lines += ["components:", *(f"  {name}" for name in needs.components)]
    if needs.symbols:
        lines += ["functions:", *(f"  {section} {name}" for section, name in needs.symbols)]
    return "\n".join(lines)


_ACTIONS = {"check": _check, "convert": _convert, "map": _map}
