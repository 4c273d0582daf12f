#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The demo's steps: our packages, zlib's variant, a program linked with it, an image, a boot.

``scripts/demo`` calls it when the packages that it needs are there. All that it writes in the
checkout is below ``build``; it installs our packages and zlib's variant on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "lib"))

from rich import box
from rich.console import Console
from rich.table import Table

from rumprun import ui
from rumprun.cli.outcome import exit_status_of
from rumprun.command import base_environment, run
from rumprun.errors import BuildError, RumprunError
from rumprun.workdir import remove_tree

TRIPLE = "x86_64-rumprun-linux-musl"
PACKAGES = ROOT / "build" / "packages"
WORK = ROOT / "build" / "demo"
LOGS = WORK / "logs"
PROGRAM = WORK / "zlib-roundtrip"
IMAGE = WORK / "image"

# What the program prints at its end, natively and in the machine alike.
SUCCESS = "and back: the same"

_LEFT_OUT = shutil.ignore_patterns(".git", "build", "__pycache__", ".*_cache", ".hypothesis")
_HOUR = 3600.0


@dataclass(kw_only=True)
class Demo:
    """What the steps hand on: the packages built, and what to say about each step."""

    log: Path = LOGS / "none"
    packages: list[Path] = field(default_factory=list)
    variants: list[Path] = field(default_factory=list)

    def run(self, *argv: str | Path, cwd: Path = ROOT, limit: float = _HOUR) -> None:
        """Run one command of a step; its output goes to the step's log."""
        run(argv, cwd=cwd, env=_environment(), log=self.log, timeout=limit)

    def ask(self, *argv: str | Path) -> str:
        """Run one command and return what it printed, which the step's log keeps as well."""
        ended = run(argv, cwd=ROOT, env=_environment(), timeout=_HOUR, check=False)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{ended.stderr}{ended.stdout}")
        if ended.returncode != 0:
            last = "\n".join((ended.stderr or ended.stdout).splitlines()[-15:])
            raise BuildError(f"{Path(argv[0]).name}: status {ended.returncode}\n{last}")
        return ended.stdout


def build_packages(demo: Demo) -> str:
    """dpkg-buildpackage in a copy of the checkout, because it writes into debian/ and beside.

    Without the C++ library, which takes minutes and which the demo does not use.
    """
    remove_tree(PACKAGES)
    tree = PACKAGES / "source"
    shutil.copytree(ROOT, tree, symlinks=True, ignore=_LEFT_OUT)
    demo.run("dpkg-buildpackage", "-b", "-us", "-uc", "-Pnocheck,pkg.dh-rumprun.nocxx", cwd=tree)
    remove_tree(tree)
    demo.packages = sorted(PACKAGES.glob("*.deb"))
    return _names(demo.packages)


def install_packages(demo: Demo) -> str:
    """Our packages, with what they depend on, onto this machine."""
    _apt_install(demo, demo.packages)
    return "rumpdeb is /usr/bin/rumpdeb"


def build_variant(demo: Demo) -> str:
    """The variant of zlib from the archive's source, with the installed command."""
    printed = demo.ask(
        "/usr/bin/rumpdeb", "build", "zlib", "--enable-deb-src", "--json", "--output", WORK
    )
    demo.variants = [Path(name) for name in json.loads(printed)]
    return _names(demo.variants)


def install_variant(demo: Demo) -> str:
    """The variant of zlib's -dev package onto this machine."""
    wanted = [path for path in demo.variants if path.name.startswith("zlib1g-rumprun-dev_")]
    if not wanted:
        raise BuildError("the build made no zlib1g-rumprun-dev")
    _apt_install(demo, wanted)
    return f"/usr/{TRIPLE}/lib/libz.a"


def compile_program(demo: Demo) -> str:
    """A program that uses zlib, as a user would compile it."""
    flags = demo.ask(f"/usr/bin/{TRIPLE}-pkg-config", "--cflags", "--libs", "zlib").split()
    source = ROOT / "examples" / "zlib-roundtrip.c"
    demo.run(f"/usr/bin/{TRIPLE}-gcc", "-O2", "-Wall", "-o", PROGRAM, source, *flags)
    return f"static, {PROGRAM.stat().st_size // 1024} KiB"


def run_natively(demo: Demo) -> str:
    """The same file that the image gets, on this machine."""
    return _success(demo.ask(PROGRAM))


def bake(demo: Demo) -> str:
    """Program and kernel into an image."""
    remove_tree(IMAGE)
    demo.run("/usr/bin/rumpdeb", "bake", "--board", "linux", "-o", IMAGE, PROGRAM)
    size = sum(path.stat().st_size for path in IMAGE.iterdir())
    return f"{IMAGE.relative_to(ROOT)}, {size / (1 << 20):.1f} MiB"


def boot(demo: Demo) -> str:
    """The image in QEMU."""
    return _success(demo.ask("/usr/bin/rumpdeb", "run", "--timeout", "300", IMAGE))


STEPS: tuple[tuple[str, Callable[[Demo], str]], ...] = (
    ("build our packages", build_packages),
    ("install our packages", install_packages),
    ("build zlib's variant", build_variant),
    ("install the variant", install_variant),
    ("compile a program", compile_program),
    ("run it natively", run_natively),
    ("bake it into an image", bake),
    ("boot the image", boot),
)


def main(words: Sequence[str]) -> int:
    """Run all steps and print the table; the status is that of the first step that failed."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--prepared", type=int, default=0, metavar="SECONDS")
    prepared = float(parser.parse_args(words).prepared)
    remove_tree(WORK)
    LOGS.mkdir(parents=True)
    rows = [("install what it needs", prepared, "done")]
    demo = Demo()
    try:
        for number, (name, action) in enumerate(STEPS, start=1):
            demo.log = LOGS / f"{number}-{name.replace(' ', '-').replace(chr(39), '')}.log"
            demo.log.touch()
            rows.append(_timed(name, action, demo))
    finally:
        _print_table(rows)
    return 0


def _timed(name: str, action: Callable[[Demo], str], demo: Demo) -> tuple[str, float, str]:
    started = time.monotonic()
    try:
        with ui.step(name):
            result = action(demo)
    except RumprunError as error:
        error.message = f"the demo ended in the step '{name}': {error.message}"
        error.hint = f"its log is {demo.log.relative_to(ROOT)}"
        raise
    return name, time.monotonic() - started, result


def _print_table(rows: Sequence[tuple[str, float, str]]) -> None:
    table = Table(box=box.SIMPLE)
    table.add_column("step")
    table.add_column("seconds", justify="right")
    table.add_column("result", overflow="fold")
    for name, seconds, result in rows:
        table.add_row(name, f"{seconds:.1f}", result)
    table.add_row("all", f"{sum(row[1] for row in rows):.1f}", "")
    Console(highlight=False, markup=False).print(table)


def _apt_install(demo: Demo, packages: Sequence[Path]) -> None:
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = ["-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300", "-q", "--yes"]
    # The version stays the same while a checkout changes: install the files as they are now.
    options += ["--no-install-recommends", "--reinstall", "--allow-downgrades"]
    demo.run(
        *as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *options, "install", *packages
    )


def _environment() -> dict[str, str]:
    """Without the root of a toolchain in it, so that what is installed is used."""
    return base_environment()


def _success(printed: str) -> str:
    lines = [line for line in printed.splitlines() if SUCCESS in line]
    if not lines:
        raise BuildError(f"the program did not say '{SUCCESS}' but: {printed[-500:]}")
    return lines[-1].strip()


def _names(packages: Sequence[Path]) -> str:
    return ", ".join(path.name for path in packages)


if __name__ == "__main__":
    sys.exit(exit_status_of(lambda: main(sys.argv[1:])))
