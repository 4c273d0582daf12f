#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the compiler driver costs: many small compilations, with it and with gcc called directly.

Both get the very same options, in turns. Writes bench/results/wrapper_overhead.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page

from rumprun import command, workdir
from rumprun.target.descriptor import Target, load_target

GOAL = 1.05
_OPTIONS = ("-O2", "-g", "-Wall", "-fPIC", "-I.", "-I/opt/absent", "-DNDEBUG", "-c")
_FUNCTIONS_PER_FILE = 8


@dataclass(frozen=True, kw_only=True)
class Round:
    """Seconds for all files, once with the driver and once with gcc alone."""

    driver: float
    gcc: float


def write_sources(directory: Path, count: int) -> list[Path]:
    """Make ``count`` small C files, each different."""
    paths = []
    for number in range(count):
        functions = "\n".join(
            f"int f{number}_{index}(int a, const char *s)\n"
            f"{{\n    for (int i = 0; i < {index + 3}; i++)\n        a += s[i] * {number + 1};\n"
            f'    printf("%d\\n", a);\n    return a;\n}}'
            for index in range(_FUNCTIONS_PER_FILE)
        )
        path = directory / f"file{number}.c"
        path.write_text(f"#include <stdio.h>\n{functions}\n", encoding="utf-8")
        paths.append(path)
    return paths


def direct_command(target: Target) -> list[str]:
    """The command that the driver becomes."""
    specs = target.root / "usr/lib/rumprun-toolchain/rumprun.specs"
    return ["/usr/bin/x86_64-linux-gnu-gcc", f"-specs={specs}", f"-B{target.sysroot}/lib/"]


def compile_one(compiler: Sequence[str], source: Path, env: Mapping[str, str]) -> float:
    """Compile ``source``; the seconds that it took."""
    result = source.with_suffix(".o")
    argv: list[str | Path] = [*compiler, *_OPTIONS, "-o", result, source]
    started = time.perf_counter()
    command.run(argv, env=env, cwd=source.parent)
    return time.perf_counter() - started


def measure(target: Target, *, files: int, rounds: int) -> list[Round]:
    """Measure ``rounds`` rounds; the two take turns file by file, so that both meet the same load.

    Raises CommandFailed where a file does not compile.
    """
    environment = command.base_environment()
    steered = environment | {
        "RUMPRUN_SYSROOT": str(target.sysroot),
        "RUMPRUN_TOOLCHAIN_SYSROOT": str(target.sysroot),
    }
    driver = ([str(target.tool("gcc"))], environment)
    direct = (direct_command(target), steered)
    results = []
    with workdir.temporary_tree() as work:
        sources = write_sources(work, files)
        for number in range(rounds):
            with_driver = with_gcc = 0.0
            for index, source in enumerate(sources):
                if (index + number) % 2:
                    with_gcc += compile_one(direct[0], source, direct[1])
                    with_driver += compile_one(driver[0], source, driver[1])
                else:
                    with_driver += compile_one(driver[0], source, driver[1])
                    with_gcc += compile_one(direct[0], source, direct[1])
            results.append(Round(driver=with_driver, gcc=with_gcc))
    return results


def report(results: Sequence[Round], files: int) -> None:
    """Write the page: a row for each round, and the medians."""
    driver = statistics.median(each.driver for each in results)
    gcc = statistics.median(each.gcc for each in results)
    rows = [
        (str(number), f"{each.driver:.3f}", f"{each.gcc:.3f}", f"{each.driver / each.gcc:.3f}")
        for number, each in enumerate(results, 1)
    ]
    rows.append(("median", f"{driver:.3f}", f"{gcc:.3f}", f"{driver / gcc:.3f}"))
    write_page(
        "wrapper_overhead",
        title="Cost of the compiler driver",
        how=f"`bench/wrapper_overhead.py --files {files} --rounds {len(results)}`: {files}"
        f" generated C files of {_FUNCTIONS_PER_FILE}\nfunctions; the driver and gcc take turns"
        f" file by file, with the same specs and options\n(`{' '.join(_OPTIONS)}`). Sums over all"
        f" files, in seconds. Per file the driver adds\n{(driver - gcc) / files * 1000:.2f} ms."
        f" Goal: a ratio of at most {GOAL}.",
        header=("round", "driver", "gcc", "ratio"),
        rows=rows,
    )


def main() -> int:
    """Measure, write the page, and say whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    results = measure(load_target(), files=arguments.files, rounds=arguments.rounds)
    report(results, arguments.files)
    ratio = statistics.median(each.driver for each in results) / statistics.median(
        each.gcc for each in results
    )
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
