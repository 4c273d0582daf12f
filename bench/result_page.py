# SPDX-License-Identifier: BSD-2-Clause
"""The page that a measurement leaves in bench/results: when, where and how it was made."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

_RESULTS = Path(__file__).resolve().parent / "results"


def machine() -> str:
    """The machine in a few words: processor, how many of them, kernel."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}"


def write_page(
    name: str, *, title: str, how: str, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Write ``bench/results/<name>.md`` and print it.

    ``how`` says in prose what was run and what the figures are; ``rows`` are cells as text.
    """
    today = dt.datetime.now(tz=dt.UTC).date()
    lines = [
        f"# {title}",
        "",
        f"Measured on {today} on {machine()}, by",
        how,
        "",
        _row(header),
        _row(["---"] * len(header)),
        *map(_row, rows),
        "",
    ]
    text = "\n".join(lines)
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
