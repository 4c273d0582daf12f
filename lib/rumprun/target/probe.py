# SPDX-License-Identifier: BSD-2-Clause
"""Whether a prefix works: a probe is compiled, linked, and baked for each of its platforms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rumprun.command import CommandFailed, run
from rumprun.target.prefix import Prefix, environment
from rumprun.workdir import temporary_tree

_PROGRAM = '#include <stdio.h>\nint main(void) { return puts("probe") < 0; }\n'
_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a probe; ``wrong`` is the last thing that was said where it failed, or empty."""

    name: str
    wrong: str = ""


def probe(prefix: Prefix, root: Path) -> tuple[Step, ...]:
    """Try ``prefix`` with the tools in ``root``; the steps up to the first that fails."""
    tool = root / "usr" / "bin" / f"{prefix.triple}-gcc"
    steps: list[Step] = []
    with temporary_tree() as work:
        (work / "probe.c").write_text(_PROGRAM, encoding="ascii")
        wanted: list[tuple[str, list[str | Path]]] = [
            ("compiles", [tool, "-c", "probe.c"]),
            ("links", [tool, "-o", "probe", "probe.o"]),
        ]
        wanted += [
            (f"bakes {board}", [prefix.baker, board, f"{board}.img", "probe"])
            for board in _one_of_each(prefix)
        ]
        for name, argv in wanted:
            wrong = _try(argv, work)
            steps.append(Step(name=name, wrong=wrong))
            if wrong:
                break
    return tuple(steps)


def _one_of_each(prefix: Prefix) -> list[str]:
    """The first board of each platform."""
    boards = {name.partition("_")[0]: name for name in reversed(list(prefix.boards))}
    return [boards[platform] for platform in prefix.platforms if platform in boards]


def _try(argv: list[str | Path], work: Path) -> str:
    try:
        run(argv, cwd=work, env=environment(), timeout=_SECONDS)
    except CommandFailed as error:
        lines = error.message.strip().splitlines()
        return lines[-1] if lines else "failed"
    return ""
