# SPDX-License-Identifier: BSD-2-Clause
"""A machine to apply configurations to: namespaces of network, mounts, names and processes."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rumprun.target.descriptor import load_target

ROOT = Path(__file__).resolve().parents[2]
COMMON = ROOT / "boards" / "common"
HERE = Path(__file__).resolve().parent

# "far" is the other machine; far0 and far1 are the other ends of our cables.
_BEGINNING = """
set -eu
cd {directory}
mkdir -p etc
cp /etc/passwd /etc/group /etc/nsswitch.conf etc
mount --bind etc /etc
mount -t tmpfs run /run
ip netns add far
"""

CABLES = """
ip link add name eth0 address 02:00:00:00:00:01 type veth peer name far0 netns far
ip link add name eth1 address 02:00:00:00:00:02 type veth peer name far1 netns far
ip -n far addr add 192.168.7.1/24 dev far0
ip -n far link set far0 up
ip -n far link set far1 up
"""


def _compile(directory: Path, kind: str) -> Path:
    """apply_tool.c with the library: for the ``target``, or natively and ``sanitized``."""
    tool = directory / f"apply-{kind}"
    flags = ["-Os", "-static"]
    if kind == "sanitized":
        flags = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    compiler = "gcc" if kind == "sanitized" else str(load_target().tool("gcc"))
    command: list[str | Path] = [compiler, "-std=c11", *flags, "-Wall", "-Wextra", "-Wconversion",
               "-Wshadow", "-Werror", "-o", tool, "-I", COMMON, HERE / "apply_tool.c",
               *sorted(COMMON.glob("*.c"))]  # fmt: skip
    subprocess.run(command, check=True, timeout=300)
    return tool


@pytest.fixture(scope="session")
def apply_tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tool by how it was compiled."""
    directory = tmp_path_factory.mktemp("apply")
    return {kind: _compile(directory, kind) for kind in ("target", "sanitized")}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Runs ``tool`` where nothing else is reached; ``directory`` is what both sides see."""

    directory: Path
    tool: Path

    def run(self, script: str) -> str:
        """What a shell script prints; the machine is gone when it ends."""
        done = subprocess.run(
            ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child",
             "--mount-proc", "--propagation", "private", "sh", "-c",
             _BEGINNING.format(directory=self.directory) + script],
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def document(self, document: dict[str, Any]) -> Path:
        """The file with a document."""
        path = self.directory / "document.json"
        path.write_text(json.dumps(document))
        return path

    def apply(self, document: dict[str, Any], before: str = CABLES, after: str = "") -> str:
        """What applying a document and a script afterwards print."""
        path = self.document(document)
        return self.run(f"{before}\n{self.tool} apply {path} || true\n{after}\n")

    def refusal(self, document: dict[str, Any], before: str = CABLES) -> str:
        """Why the document cannot be applied, with its place: ``PATH: MESSAGE``."""
        lines = self.apply(document, before).splitlines()
        assert lines[-1].startswith("failed "), lines
        return lines[-1].removeprefix("failed ").replace("\t", ": ")


def loops_of(image: Path) -> list[str]:
    """The loop devices of a file."""
    done = subprocess.run(["losetup", "--noheadings", "--output", "NAME", "--associated", image],
                          check=True, capture_output=True, text=True)  # fmt: skip
    return done.stdout.split()


def detach_loops(image: Path) -> None:
    """Take a file's loop devices away: they are the whole system's, and outlast a machine."""
    for device in loops_of(image):
        # Which outlasts even what was in it.
        subprocess.run(["blockdev", "--setrw", device], check=False, capture_output=True)
        subprocess.run(["losetup", "--detach", device], check=True)


@pytest.fixture(scope="session")
def namespaces() -> None:
    """A skip where nobody may make such a machine."""
    if os.geteuid() != 0:
        pytest.skip("making namespaces, loop devices and mounts needs root")
    command = ["unshare", "--net", "--mount", "ip", "link", "add", "name", "eth0", "type", "veth"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no namespace with a network: {done.stderr.strip()}")


@pytest.fixture(scope="session")
def loop() -> None:
    """A skip where files cannot be block devices."""
    if not Path("/dev/loop-control").exists():
        pytest.skip("the kernel has no loop devices")
