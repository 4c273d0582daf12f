#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Build a list of sources twice, natively and as variants, and say what each needed.

Each source is fetched, its Build-Depends are installed, and it is built by dpkg-buildpackage (for
amd64 alone, without tests and without documentation, as many jobs as for the variant) and by
``rumpdeb build --check``. What was measured is kept beside the table, so that a list can be
finished later, on another machine as well; ``--again`` measures anew. A source for which others are
needed that were measured elsewhere wants these named, with ``--again``: their variants are in
build/zero-edit.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page

from rumprun import ui
from rumprun.command import base_environment, run
from rumprun.errors import RumprunError
from rumprun.source.apt import fetch
from rumprun.source.build_depends import install_packages, look_up, unmet_build_depends
from rumprun.source.dsc import unpack
from rumprun.source.package import read_source_tree
from rumprun.workdir import temporary_tree

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "bench" / "zero_edit.list"
ROWS = ROOT / "bench" / "results" / "zero_edit.json"
VARIANTS = ROOT / "build" / "zero-edit"
LIMIT = 3600.0
CHECK_MINUTES = 4
NATIVE_PROFILES = ("nocheck", "nodoc")

HOW = """\
`bench/zero_edit.py`. Zero-edit: the variant was built, and its audit is clean, from the archive's
source by the tool alone; *lines* are those of a recipe. Seconds are wall time, with as many jobs
for one as for the other, and one build each: natively by dpkg-buildpackage (nocheck, nodoc), and
the variant from the unpacked source to the packages, both without what apt does. *Off* are the
features switched off for want of a variant of their library, and the programs left out. A source
was built both ways on one machine, others perhaps on another of its kind. Own tests are the
source's, run on the variant, for {minutes} minutes at most. Built: {built} of {total}, of which
without a recipe: {plain}. Median of variant / native: {ratio}."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is known of one source. Seconds are ``None`` for what failed."""

    source: str
    version: str
    native: float | None
    variant: float | None
    recipe_lines: int
    switched_off: tuple[str, ...]
    tests: str
    failure: str


def main() -> int:
    """Build what is not built yet and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*", help=f"default: those of {LIST.name}")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="measure what was measured before")
    parser.add_argument("--table", action="store_true", help="only write the table")
    arguments = parser.parse_args()
    names = arguments.sources or listed()
    VARIANTS.mkdir(parents=True, exist_ok=True)
    rows = read_rows()
    for name in names:
        if not arguments.table and (arguments.again or name not in rows):
            rows[name] = measure(name, arguments.jobs)
            write_rows(rows)
    write([rows[name] for name in listed() if name in rows])
    return 0


def read_rows() -> dict[str, Row]:
    """What was measured so far, by source."""
    if not ROWS.exists():
        return {}
    return {name: Row(**row) for name, row in json.loads(ROWS.read_text(encoding="utf-8")).items()}


def write_rows(rows: Mapping[str, Row]) -> None:
    """Keep what was measured."""
    found = {name: asdict(row) for name, row in rows.items()}
    ROWS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def listed() -> list[str]:
    """The names in the list, in the order in which they need one another."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def measure(name: str, jobs: int) -> Row:
    """Build one source both ways; a failure is a result."""
    with temporary_tree() as work:
        try:
            dsc = fetch(name, destination=work / "source", enable_deb_src=True)
            tree = unpack(dsc, work / "tree")
        except RumprunError as error:
            return failed(name, "", error.message)
        source = read_source_tree(tree)
        try:
            native: float | None = build_natively(tree, work / "native", jobs)
        except RumprunError:
            native = None
        return build_variant(dsc, source.name, source.version, native, jobs)


def failed(name: str, version: str, why: str, native: float | None = None) -> Row:
    """The row of a source that has no variant."""
    return Row(
        source=name,
        version=version,
        native=native,
        variant=None,
        recipe_lines=0,
        switched_off=(),
        tests="",
        failure=" ".join(why.split())[:200],
    )


def build_natively(tree: Path, directory: Path, jobs: int) -> float:
    """Wall seconds of the archive's own build of ``tree``."""
    missing = unmet_build_depends(tree, NATIVE_PROFILES)
    known = look_up(missing)
    wanted = [name for name in missing if name not in known or not known[name].is_for_documents]
    directory.mkdir()
    log = directory / "log"
    if wanted:
        install_packages(wanted, log=log)
    copy = directory / "tree"
    shutil.copytree(tree, copy, symlinks=True)
    environment = {
        **base_environment(),
        "DEB_BUILD_OPTIONS": f"nocheck nodoc noautodbgsym parallel={jobs}",
        "DEB_BUILD_PROFILES": " ".join(NATIVE_PROFILES),
    }
    command = ("dpkg-buildpackage", "--build=any", "-uc", "-us", "-d")
    with ui.step(f"{tree.parent.name}: natively"):
        started = time.monotonic()
        run(command, cwd=copy, env=environment, log=log, timeout=LIMIT)
        return time.monotonic() - started


def build_variant(dsc: Path, name: str, version: str, native: float | None, jobs: int) -> Row:
    """Run rumpdeb as a user does, and read its report."""
    output = VARIANTS
    words = (ROOT / "rumpdeb", "build", "--only-named", "--install-deps", "--json", dsc)
    options = ("--output", output, "--jobs", str(jobs))
    check = ("--check", "--check-timeout", str(CHECK_MINUTES))
    with ui.step(f"{name}: variant"):
        answer = run([*words, *options, *check], check=False, timeout=3 * LIMIT)
    if answer.returncode != 0:
        reasons = [line for line in answer.stderr.splitlines() if line.startswith("error:")]
        return failed(name, version, reasons[0] if reasons else answer.stderr[-300:], native)
    stem = f"{name}_{version.partition(':')[2] or version}_musl"
    report = json.loads((output / f"{stem}.json").read_text(encoding="utf-8"))
    return Row(
        source=name,
        version=version,
        native=native,
        variant=report["seconds"],
        recipe_lines=len(report["recipe"]["used"]) if report["recipe"] else 0,
        switched_off=(
            *(item["option"] for item in report["switched_off"]),
            *(f"without {item['file']}" for item in report["left_out"]),
        ),
        tests=tests(report["own_tests"]),
        failure="",
    )


def tests(own: dict[str, object] | None) -> str:
    """Passed/failed/skipped, or what the rules said where nothing was counted."""
    if own is None:
        return ""
    if not own["ended"]:
        return f"over {CHECK_MINUTES} min"
    if own["suites"]:
        return f"{own['passed']}/{own['failed']}/{own['skipped']}"
    return "passed" if own["succeeded"] else "failed"


def write(rows: Sequence[Row]) -> None:
    """The table, and its sums in the text above it."""
    built = [row for row in rows if row.variant is not None]
    ratios = [row.variant / row.native for row in built if row.native and row.variant]
    how = HOW.format(
        minutes=CHECK_MINUTES,
        built=len(built),
        total=len(rows),
        plain=sum(1 for row in built if not row.recipe_lines),
        ratio=f"{statistics.median(ratios):.2f}" if ratios else "none",
    )
    write_page(
        "zero_edit",
        title="Archive sources, as they are, natively and as variants",
        how=how,
        header=("source", "version", "zero-edit", "lines", "native s", "variant s", "off", "tests"),
        rows=[cells(row) for row in rows],
    )


def cells(row: Row) -> tuple[str, ...]:
    """One line of the table; a failure stands where the variant's seconds would."""
    done = row.variant is not None
    return (
        row.source,
        row.version,
        "yes" if done and not row.recipe_lines else "no",
        str(row.recipe_lines),
        "-" if row.native is None else f"{row.native:.0f}",
        f"{row.variant:.0f}" if row.variant is not None else row.failure.replace("|", " "),
        " ".join(row.switched_off),
        row.tests,
    )


if __name__ == "__main__":
    sys.exit(main())
