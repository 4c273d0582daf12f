# SPDX-License-Identifier: BSD-2-Clause
"""The demo, as a newcomer runs it, in a copy of the checkout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging_machine import copy_checkout, left_as_it_was, may_install

from rumprun.command import Completed, run
from rumprun.workdir import temporary_tree

pytestmark = [
    pytest.mark.integration,
    pytest.mark.boot,
    pytest.mark.skipif(not may_install(), reason="needs root, or sudo without a password"),
]

STEPS = (
    "install what it needs",
    "build our packages",
    "install our packages",
    "build zlib's variant",
    "install the variant",
    "compile a program",
    "run it natively",
    "bake it into an image",
    "boot the image",
)


def files_below(directory: Path) -> set[str]:
    return {
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.relative_to(directory).parts[0] != "build" and "__pycache__" not in path.parts
    }


@pytest.fixture(name="checkout", scope="module")
def copy() -> Iterator[Path]:
    with temporary_tree() as work:
        yield copy_checkout(work / "checkout")


@pytest.fixture(name="runs", scope="module")
def run_twice(checkout: Path) -> Iterator[tuple[set[str], list[Completed]]]:
    """The files of the checkout before, and two runs of the demo in it."""
    before = files_below(checkout)
    with left_as_it_was():
        command: list[str | Path] = ["make", "--no-print-directory", "-C", checkout, "demo"]
        yield before, [run(command, check=False, timeout=1800) for _number in (1, 2)]


def test_the_demo_boots_an_image_twice(runs: tuple[set[str], list[Completed]]) -> None:
    for ended in runs[1]:
        assert ended.returncode == 0, ended.stdout + ended.stderr
        for step in STEPS:
            assert re.search(rf"^ +{step} +\d+\.\d +\S", ended.stdout, re.MULTILINE), step
        # Natively, and in the machine; the table may break the line.
        assert " ".join(ended.stdout.split()).count("zlib-roundtrip: zlib 1.") == 2


def test_the_demo_writes_below_build_only(
    checkout: Path, runs: tuple[set[str], list[Completed]]
) -> None:
    assert files_below(checkout) == runs[0]
    assert (checkout / "build" / "demo" / "image" / "image.json").is_file()
    assert len(list((checkout / "build" / "demo" / "logs").iterdir())) == len(STEPS) - 1
