#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Time the variant pass against the same configure, make and install typed by hand.

Each round builds every source both ways, one after the other, from fresh copies of the tree.
By hand means: autoreconf if the package's rules had to run it (a patch of the package changed
what configure or a makefile is made from), the very command line of configure that the pass used
(read from its own log), make with the same ``-j``, and make install, with the same compiler and
the same flags, and nothing of debhelper, dpkg or this project around it.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page

from rumprun import ui
from rumprun.command import base_environment, run
from rumprun.source.apt import fetch
from rumprun.source.dsc import unpack
from rumprun.source.needs import wanted_variants
from rumprun.source.package import SourcePackage, read_source_tree
from rumprun.target.descriptor import Target, load_target
from rumprun.variant.build import build_variants
from rumprun.variant.pack import pack
from rumprun.variant.sysroot import Sysroot, assemble, read_pool
from rumprun.variant.variant_pass import PassOptions, run_pass
from rumprun.workdir import temporary_tree

# In the order in which they need one another.
SOURCES = ("zlib", "pcre2", "libpng1.6")
GOAL = 1.10
JOBS = 2

HOW = """\
`bench/variant_pass.py --rounds {rounds}`: medians of {rounds} interleaved rounds, wall seconds from
the unpacked source to the stage. By hand: autoreconf where the package's patches ask for it,
configure, make and make install, with the same compiler, options and flags. The last column leaves
autoreconf out of the build by hand, which then builds without those patches. Goal: a ratio of at
most {goal}."""

_CONFIGURE = re.compile(r"^\s*\$? ?(\./configure .*)$", re.MULTILINE)
_AUTOMAKE = "automake is enough"
_MAKE_JOBS = re.compile(r"^\s*make (-j\d+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a person would type to build a source as the pass does."""

    autoreconf: bool
    configure: tuple[str, ...]
    make: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Times:
    """Wall seconds of one round; ``autoreconf`` is the part of ``by_hand`` that it took."""

    by_pass: float
    by_hand: float
    autoreconf: float


def main() -> int:
    """Run all rounds and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds: int = parser.parse_args().rounds
    target = load_target()
    rows = []
    with temporary_tree() as work:
        pool = work / "pool"
        pool.mkdir()
        for name in SOURCES:
            directory = work / name
            directory.mkdir()
            dsc = fetch(name, destination=directory, enable_deb_src=True)
            tree = unpack(dsc, directory / "tree")
            times = [measure(tree, directory, pool, target) for _ in range(rounds)]
            rows.append((name, *cells(times)))
            publish(tree, directory, pool, target)
    write_page(
        "variant_pass",
        title="Variant pass against the same build typed by hand",
        how=HOW.format(rounds=rounds, goal=GOAL),
        header=("source", "variant pass", "by hand", "ratio", "of it autoreconf", "ratio without"),
        rows=rows,
    )
    return 0


def cells(times: Sequence[Times]) -> tuple[str, ...]:
    """The medians of all rounds, and their ratios, as text."""
    by_pass = statistics.median(each.by_pass for each in times)
    by_hand = statistics.median(each.by_hand for each in times)
    autoreconf = statistics.median(each.autoreconf for each in times)
    return (
        f"{by_pass:.2f}",
        f"{by_hand:.2f}",
        f"{by_pass / by_hand:.3f}",
        f"{autoreconf:.2f}",
        f"{by_pass / (by_hand - autoreconf):.3f}",
    )


def measure(tree: Path, directory: Path, pool: Path, target: Target) -> Times:
    """One round: the pass, then the build by hand."""
    source = read_source_tree(tree)
    sysroot = assemble(
        wanted_variants(source, target.dpkg_architecture),
        read_pool(pool.glob("*.deb")),
        fresh(directory / "sysroot"),
        target,
    )
    copy = fresh_copy(tree, directory / "pass")
    log = directory / "log"
    log.unlink(missing_ok=True)
    with ui.step(f"{source.name}: variant pass"):
        started = time.monotonic()
        run_pass(
            copy,
            source,
            target,
            sysroot,
            work=fresh(directory / "private"),
            log=log,
            options=PassOptions(jobs=JOBS),
        )
        by_pass = time.monotonic() - started
    recipe = read_recipe(copy, log, source, target, sysroot)
    copy = fresh_copy(tree, directory / "hand")
    with ui.step(f"{source.name}: by hand"):
        started = time.monotonic()
        if recipe.autoreconf:
            run(("autoreconf", "-f", "-i"), cwd=copy, env=recipe.environment)
        autoreconf = time.monotonic() - started
        for argv in (recipe.configure, recipe.make, ("make", "install", f"DESTDIR={copy}/stage")):
            run(argv, cwd=copy, env=recipe.environment, log=directory / "hand.log")
        by_hand = time.monotonic() - started
    return Times(by_pass=by_pass, by_hand=by_hand, autoreconf=autoreconf)


def read_recipe(
    tree: Path, log: Path, source: SourcePackage, target: Target, sysroot: Sysroot
) -> Recipe:
    """The command lines of the pass that was just run in ``tree``."""
    record = tree / "config.log"
    if not record.exists():
        record = tree / "configure.log"
    found = _CONFIGURE.search(record.read_text(encoding="utf-8", errors="replace"))
    assert found, f"no command line in {record}"
    said = log.read_text(encoding="utf-8", errors="replace")
    jobs = _MAKE_JOBS.search(said)
    environment = {
        **base_environment(),
        "PATH": f"{target.bin}:/usr/bin:/bin",
        "SOURCE_DATE_EPOCH": str(source.timestamp),
        "CC": f"{target.triple}-gcc",
        "AR": f"{target.triple}-ar",
        "RANLIB": f"{target.triple}-ranlib",
        **build_flags(tree),
    }
    if sysroot.path:
        environment["RUMPRUN_SYSROOT"] = str(sysroot.path)
    return Recipe(
        # The package's own rules would run all of it; the pass may have got by with automake.
        autoreconf=_AUTOMAKE in said or (tree / "debian" / "autoreconf.before").exists(),
        configure=tuple(shlex.split(found.group(1))),
        make=("make", jobs.group(1)) if jobs else ("make",),
        environment=environment,
    )


def build_flags(tree: Path) -> dict[str, str]:
    """The flags that the package compiled with, from the makefile that its configure wrote."""
    flags = {}
    for line in (tree / "Makefile").read_text(encoding="utf-8", errors="replace").splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip() in ("CFLAGS", "CPPFLAGS", "LDFLAGS") and "$" not in value:
            flags[name.strip()] = value.strip()
    return flags


def publish(tree: Path, directory: Path, pool: Path, target: Target) -> None:
    """Build the source's variants for those that come after it."""
    source = read_source_tree(tree)
    copy = fresh_copy(tree, directory / "publish")
    built = build_variants(
        copy,
        source,
        target,
        read_pool(pool.glob("*.deb")),
        work=fresh(directory / "work"),
        log=directory / "publish.log",
        options=PassOptions(jobs=JOBS),
    )
    for item in built.variants:
        pack(item.harvested, copy, source, target, item.relations, output=pool)


def fresh(directory: Path) -> Path:
    """An empty directory of that name."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def fresh_copy(tree: Path, destination: Path) -> Path:
    """A copy of ``tree`` with its dates, at ``destination``."""
    shutil.rmtree(destination, ignore_errors=True)
    shutil.copytree(tree, destination, symlinks=True)
    return destination


if __name__ == "__main__":
    sys.exit(main())
