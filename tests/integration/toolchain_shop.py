# SPDX-License-Identifier: BSD-2-Clause
"""A directory to build in with the target's tools, for the tests of the toolchain."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from elftools.elf.elffile import ELFFile

from rumprun import command, paths
from rumprun.target.descriptor import Target, load_target


def built_target(goal: str) -> Target:
    """The target, with what ``goal`` of the toolchain's makefile installs as it is now.

    A toolchain that is not the checkout's own is taken as it is.
    """
    root = paths.toolchain_root()
    if paths.IN_TREE and "RUMPRUN_TOOLCHAIN_ROOT" not in os.environ:
        command.run(["make", "-C", paths.DATA / "toolchain", goal, f"DESTDIR={root}"])
    return load_target("musl")


class Shop:
    """A directory to build in, with the target's tools."""

    def __init__(self, target: Target, directory: Path) -> None:
        self.target = target
        self.directory = directory

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *argv: str | Path, env: Mapping[str, str] | None = None) -> str:
        environment = command.base_environment()
        environment["PATH"] = f"{self.target.bin}:{environment['PATH']}"
        completed = command.run(argv, cwd=self.directory, env=environment | dict(env or {}))
        return completed.stdout

    def tool(self, name: str, *words: str | Path, env: Mapping[str, str] | None = None) -> str:
        return self.run(self.target.tool(name), *words, env=env)

    def gcc(self, *words: str | Path, env: Mapping[str, str] | None = None) -> str:
        return self.tool("gcc", *words, env=env)

    def members(self, archive: str) -> list[str]:
        return [name for name in self.tool("ar", "t", archive).split() if name != "__.LIBDEP"]

    def record(self, archive: str) -> list[str]:
        return self.tool("ar", "p", archive, "__.LIBDEP").rstrip("\0").split()


def dynamic_traces(path: Path) -> list[str]:
    """What a static program must not have: an interpreter, or libraries to load."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        traces = [
            str(s.header.p_type) for s in elf.iter_segments() if s.header.p_type == "PT_INTERP"
        ]
        section = elf.get_section_by_name(".dynamic")
        tags = section.iter_tags() if section else ()
        return traces + [
            t.entry.d_tag for t in tags if t.entry.d_tag in ("DT_NEEDED", "DT_RUNPATH")
        ]
