#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the sbuild builder takes beside plain sbuild of the same converted source.

Needs a user with subordinate ids (subuid(5)), a directory with our own packages, and sbuild.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page

from rumprun.archive.chroot import Chroot
from rumprun.command import base_environment, run
from rumprun.source.apt import fetch
from rumprun.source.apt_root import base_suite
from rumprun.source.convert import convert
from rumprun.target.descriptor import load_target
from rumprun.workdir import temporary_tree

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 3600.0

HOW = """\
`bench/sbuild_overhead.py`: wall seconds from the command to the packages, {rounds} interleaved
rounds, {jobs} jobs, medians with the least and the most. *sbuild* is plain sbuild of the source
that `rumpdeb convert` made, which builds the source's own packages too; *--native* is `rumpdeb
build --builder sbuild --native` of the source, from its conversion to the published repository;
*variants* is the same without `--native`: the variants alone. Sources and chroot are at hand."""


def main() -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*", default=["zlib"])
    parser.add_argument("--own", type=Path, required=True, help="the directory of our packages")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    chroot = Chroot(
        suite=base_suite(), architecture=load_target().dpkg_architecture, mode="unshare"
    )
    chroot.ensure()
    rows = [measure(name, chroot, arguments) for name in arguments.sources]
    write_page(
        "sbuild_overhead",
        title="The sbuild builder beside plain sbuild",
        how=HOW.format(rounds=arguments.rounds, jobs=arguments.jobs),
        header=("source", "sbuild", "--native", "--native / sbuild", "variants"),
        rows=rows,
    )
    return 0


def measure(name: str, chroot: Chroot, arguments: argparse.Namespace) -> tuple[str, ...]:
    """One line of the table."""
    with temporary_tree() as work:
        (work / "source").mkdir()
        dsc = fetch(name, destination=work / "source", enable_deb_src=True)
        converted = convert(dsc, output=work / "converted").dsc
        kinds: Mapping[str, Callable[[Path], Sequence[str | Path]]] = {
            "sbuild": lambda place: plain(converted, place, chroot, arguments.own),
            "native": lambda place: builder(dsc, place, arguments, "--native"),
            "variants": lambda place: builder(dsc, place, arguments),
        }
        seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
        for number in range(arguments.rounds):
            for kind, words in kinds.items():
                place = work / f"{kind}{number}"
                place.mkdir()
                seconds[kind].append(timed(words(place), place, arguments.jobs))
                assert list(place.rglob("*-rumprun-dev_*.deb"))
    ratio = statistics.median(seconds["native"]) / statistics.median(seconds["sbuild"])
    return (
        name,
        span(seconds["sbuild"]),
        span(seconds["native"]),
        f"{ratio:.3f}",
        span(seconds["variants"]),
    )


def plain(dsc: Path, place: Path, chroot: Chroot, own: Path) -> Sequence[str | Path]:
    """The sbuild command for a converted source."""
    return (
        *("sbuild", "--chroot-mode=unshare", f"--chroot={chroot.path}", f"--dist={chroot.suite}"),
        *(f"--arch={chroot.architecture}", "--arch-all", "--nolog", "--verbose"),
        *("--no-run-lintian", "--no-run-piuparts", "--no-run-autopkgtest"),
        *(f"--build-dir={place}", f"--extra-package={own}", dsc),
    )


def builder(
    dsc: Path, place: Path, arguments: argparse.Namespace, *options: str
) -> Sequence[str | Path]:
    """The command of ours for the source itself."""
    return (
        *(ROOT / "rumpdeb", "build", dsc, "--enable-deb-src", "--jobs", str(arguments.jobs)),
        *("--repo", place / "repo", "--builder", "sbuild", "--extra-package", arguments.own),
        *options,
    )


def timed(words: Sequence[str | Path], place: Path, jobs: int) -> float:
    """Wall seconds of one build."""
    environment = {
        **base_environment(),
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "DEB_BUILD_OPTIONS": f"nocheck parallel={jobs}",
    }
    started = time.monotonic()
    run(words, cwd=place, env=environment, timeout=LIMIT)
    return time.monotonic() - started


def span(seconds: Sequence[float]) -> str:
    """The median, and what the rounds lie between."""
    return f"{statistics.median(seconds):.1f} ({min(seconds):.1f}-{max(seconds):.1f})"


if __name__ == "__main__":
    sys.exit(main())
