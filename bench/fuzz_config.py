#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fuzzes the configuration library by libFuzzer: fuzz_config.py [SECONDS] (default: 600).

Needs what "scripts/install-deps fuzz" installs. Starts from the shared documents and from the
corpus in tests/config/corpus; what reaches new code is added there when it is small. A document
that makes the library fail stays in build/fuzz, and the status is that of a failed command.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page

from rumprun import command

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "boards" / "common"
SHARED = ROOT / "tests" / "config"
CORPUS = SHARED / "corpus"
WORK = ROOT / "build" / "fuzz"

# A repository is no place for more, or for larger ones.
MOST_KEPT = 200
LARGEST_KEPT = 512
LONGEST_INPUT = 8192


def main() -> None:
    """Build, fuzz, keep the corpus small, and write the page."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    shutil.rmtree(WORK, ignore_errors=True)
    found = WORK / "found"
    found.mkdir(parents=True)
    CORPUS.mkdir(exist_ok=True)
    fuzzer = build()
    done = command.run(
        [fuzzer, f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", "-print_final_stats=1",
         f"-artifact_prefix={WORK}/", found, CORPUS, SHARED / "good", SHARED / "bad"],
        timeout=seconds + 300,
    )  # fmt: skip
    kept = keep(fuzzer, found)
    report(done.stderr, seconds, kept)


def build() -> Path:
    """The fuzzer, with the library compiled into it."""
    fuzzer = WORK / "fuzz_config"
    # What reads; apply*.c is for machines.
    sources = [path for path in sorted(LIBRARY.glob("*.c")) if not path.name.startswith("apply")]
    command.run(
        ["clang", "-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror",
         "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-I", LIBRARY,
         "-o", fuzzer, ROOT / "bench" / "fuzz_config.c", *sources],
        timeout=300,
        hint="run scripts/install-deps fuzz",
    )  # fmt: skip
    return fuzzer


def keep(fuzzer: Path, found: Path) -> int:
    """Put a smallest set of inputs that reaches the same code into the corpus; how many."""
    least = WORK / "least"
    least.mkdir()
    command.run([fuzzer, "-merge=1", f"-max_len={LONGEST_INPUT}", least, CORPUS, found],
                timeout=600)  # fmt: skip
    small = [path for path in sorted(least.iterdir()) if path.stat().st_size <= LARGEST_KEPT]
    small.sort(key=lambda path: (path.stat().st_size, path.name))
    for path in CORPUS.iterdir():
        path.unlink()
    for path in small[:MOST_KEPT]:
        shutil.copy(path, CORPUS / path.name)
    return min(len(small), MOST_KEPT)


def report(said: str, seconds: int, kept: int) -> None:
    """Write the page from libFuzzer's last words."""
    runs = int(re.findall(r"number_of_executed_units:\s*(\d+)", said)[-1])
    covered = re.findall(r"cov: (\d+) ft: (\d+)", said)[-1]
    write_page(
        "fuzz_config",
        title="The configuration library under a fuzzer",
        how="`bench/fuzz_config.py`, which runs libFuzzer with the address and undefined behaviour "
        "sanitizers on `boards/common`. A crash, a failed assertion or an input that takes longer "
        "than libFuzzer allows would have ended it. The corpus is in `tests/config/corpus`.",
        header=["seconds", "documents tried", "edges reached", "features", "corpus", "failures"],
        rows=[[str(seconds), f"{runs:,}", *covered, str(kept), "0"]],
    )


if __name__ == "__main__":
    main()
