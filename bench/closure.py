#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Build QEMU and all that it needs into a repository, try it, and time a second, unchanged run.

Words that are no option are further sources for ``rumpdeb build``, such as a ``.dsc`` of what the
mirror lacks. A repository of an earlier run is gone on with.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page

from rumprun.archive.record import Record
from rumprun.archive.repository import Repository
from rumprun.command import run
from rumprun.target.descriptor import load_target
from rumprun.workdir import temporary_tree

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
LIMIT = 4 * 3600.0
VARIANT = "qemu-system-x86-rumprun"

HOW = """\
`bench/closure.py`: `rumpdeb build {words} --repo DIR --builder {builder}`. Seconds are wall time
of each source, from its start to its packages in the repository, {builder}'s work in them; they
are those of the run that built it, beside others. `{variant}` is static, prints its version
({version}), has the machines {machines}, and no accelerator but {accelerators}. The command once
more, with nothing changed: {again:.2f} s (median of {rounds}, {low:.2f} to {high:.2f} s)."""


def main() -> int:
    """Build, try, time and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--builder", default="local")
    parser.add_argument("--option", action="append", default=[], help="for rumpdeb build")
    arguments = parser.parse_args()
    sources = ["qemu", *arguments.sources]
    words = (ROOT / "rumpdeb", "build", *sources, "--enable-deb-src", *arguments.option)
    command = (*words, "--repo", arguments.repo, "--builder", arguments.builder)
    run(command, timeout=LIMIT)
    again = sorted(timed(command) for _round in range(ROUNDS))
    repository = Repository(path=arguments.repo.absolute())
    records = repository.records()
    (deb,) = (
        file for file in repository.packages(records["qemu"]) if file.name.startswith(f"{VARIANT}_")
    )
    how = HOW.format(
        words=" ".join(Path(word).name for word in sources),
        builder=arguments.builder,
        variant=VARIANT,
        again=statistics.median(again),
        rounds=ROUNDS,
        low=again[0],
        high=again[-1],
        **tried(deb),
    )
    write_page(
        "closure",
        title="QEMU for Xen and its closure",
        how=textwrap.fill(how, 100, break_long_words=False, break_on_hyphens=False),
        header=("source", "version", "seconds", "built with", "packages", "KiB"),
        rows=[cells(record) for record in in_order(records)],
    )
    return 0


def timed(command: Sequence[str | Path]) -> float:
    """Wall seconds of ``command``."""
    started = time.monotonic()
    run(command, timeout=LIMIT)
    return time.monotonic() - started


def tried(deb: Path) -> Mapping[str, str]:
    """What the program in ``deb`` says of itself; an assertion fails where it should not."""
    with temporary_tree() as root:
        run(["dpkg-deb", "--extract", deb, root])
        prefix = root / load_target().prefix.relative_to("/")
        program = prefix / "bin" / "qemu-system-i386"
        assert "static-pie linked" in run(["file", program]).stdout
        version = run([program, "--version"]).stdout.splitlines()[0]
        listed = run([program, "-machine", "help"]).stdout.splitlines()[1:]
        accelerators = run([program, "-accel", "help"]).stdout.splitlines()[1:]
    machines = [line.split()[0] for line in listed if line.startswith("xen")]
    assert {"xenfv", "xenpv"} <= set(machines)
    assert "tcg" not in accelerators
    return {
        "version": version,
        "machines": ", ".join(machines),
        "accelerators": ", ".join(accelerators),
    }


def in_order(records: Mapping[str, Record]) -> list[Record]:
    """The records that QEMU's leads to, each after those that it used."""
    found: dict[str, Record] = {}

    def visit(name: str) -> None:
        if name not in found:
            for used in sorted(records[name].used):
                visit(used)
            found[name] = records[name]

    visit("qemu")
    return list(found.values())


def cells(record: Record) -> tuple[str, ...]:
    """One line of the table."""
    sizes = [package.size for package in record.packages]
    return (
        record.source,
        record.version,
        f"{record.seconds:.0f}",
        ", ".join(sorted(record.used)),
        " ".join(Path(package.file).name.partition("_")[0] for package in record.packages),
        f"{sum(sizes) / 1024:.0f}",
    )


if __name__ == "__main__":
    sys.exit(main())
