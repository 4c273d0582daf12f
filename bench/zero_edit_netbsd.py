#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Build the sources of zero_edit.list for target netbsd, and say what became of each.

The machine needs an upstream Rumprun, see doc/upstream-rumprun.md. Each source is built by
``rumpdeb build --target netbsd``, after those before it in the list. What was made, and the message
of what failed, is kept in build/zero-edit-netbsd, so that a list can be finished later; ``--again``
forgets that, ``--table`` only writes the table.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page
from zero_edit import LIMIT, ROOT, listed

from rumprun import ui
from rumprun.command import run
from rumprun.target.descriptor import load_target

KEPT = ROOT / "build" / "zero-edit-netbsd"

HOW = """\
`bench/zero_edit_netbsd.py`, beside [the same for musl](zero_edit.md). Zero-edit: the variant was
built, and its audit is clean, from the archive's source by the tool alone; *lines* are those of a
recipe. Seconds are wall time on a machine that did much else. *Off* are the features switched off
for want of a variant of their library, and the programs left out. Tried: {tried} of {total};
built: {built}, of which without a recipe: {plain}. A dash: not tried yet."""


def main() -> int:
    """Build what is not built yet and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*", help="default: those of zero_edit.list")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="build what was built before")
    parser.add_argument("--table", action="store_true", help="only write the table")
    arguments = parser.parse_args()
    load_target("netbsd").tool("gcc")
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in arguments.sources or listed():
        if arguments.again:
            for path in (*KEPT.glob(f"{name}_*_netbsd.json"), KEPT / f"{name}.failure"):
                path.unlink(missing_ok=True)
        if not arguments.table and report_of(name) is None and failure_of(name) is None:
            build(name, arguments.jobs)
    write()
    return 0


def build(name: str, jobs: int) -> None:
    """Run rumpdeb as a user does; a failure is a result."""
    words = (ROOT / "rumpdeb", "build", "--target", "netbsd", "--only-named", "--install-deps")
    options = ("--enable-deb-src", "--output", KEPT, "--jobs", str(jobs))
    with ui.step(f"{name}: variant"):
        answer = run([*words, *options, name], check=False, timeout=3 * LIMIT)
    if answer.returncode != 0:
        (KEPT / f"{name}.failure").write_text(answer.stderr, encoding="utf-8")


def report_of(name: str) -> dict[str, Any] | None:
    """What rumpdeb reported of the source, where it was built."""
    for path in sorted(KEPT.glob(f"{name}_*_netbsd.json")):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    return None


def failure_of(name: str) -> str | None:
    """Why it failed, in one line, where it did."""
    path = KEPT / f"{name}.failure"
    if not path.exists():
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    own = [line for line in lines if line.startswith("error:")]
    # What the compiler says is more than that the rules failed.
    told = [line for line in lines if "error:" in line and line not in own] or own or lines[-1:]
    return " ".join("".join(told[:1]).split()).replace("|", " ")


def cells(name: str) -> tuple[str, ...]:
    """One line of the table."""
    report, failure = report_of(name), failure_of(name)
    if report is None:
        return (name, "", "no" if failure else "-", "", (failure or "")[:300], "")
    lines = len(report["recipe"]["used"]) if report["recipe"] else 0
    off = [item["option"] for item in report["switched_off"]]
    off += [f"without {item['file']}" for item in report["left_out"]]
    plain = "no" if lines else "yes"
    seconds = f"{report['seconds']:.0f}"
    return (name, report["version"], plain, str(lines), seconds, " ".join(off))


def write() -> None:
    """The table, and its sums in the text above it."""
    names = listed()
    reports = {name: report for name in names if (report := report_of(name)) is not None}
    tried = len(reports) + sum(1 for name in names if failure_of(name) is not None)
    how = HOW.format(
        tried=tried,
        total=len(names),
        built=len(reports),
        plain=sum(1 for report in reports.values() if not report["recipe"]),
    )
    write_page(
        "zero_edit_netbsd",
        title="Archive sources, as they are, for an upstream Rumprun",
        how=how,
        header=("source", "version", "zero-edit", "lines", "variant s", "off"),
        rows=[cells(name) for name in names],
    )


if __name__ == "__main__":
    sys.exit(main())
