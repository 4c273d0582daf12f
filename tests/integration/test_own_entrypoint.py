# SPDX-License-Identifier: BSD-2-Clause
"""examples/own-entrypoint: a program that applies some sections by the library and one itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from apply_machine import CABLES, ROOT, Machine, detach_loops

from rumprun import paths
from rumprun.config.check import find_complaints
from rumprun.target.descriptor import load_target

EXAMPLE = ROOT / "examples" / "own-entrypoint"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, made as its page says."""
    directory = tmp_path_factory.mktemp("example") / "own-entrypoint"
    shutil.copytree(EXAMPLE, directory)
    subprocess.run(
        ["make", "-C", directory, "own-entrypoint", f"CC={load_target().tool('gcc')}",
         f"BOARD={paths.board_files('common')}", "CFLAGS=-O2 -Wall -Wextra -Werror"],
        check=True,
    )  # fmt: skip
    return directory / "own-entrypoint"


def test_its_document_is_good() -> None:
    document, complaints = find_complaints((EXAMPLE / "config.json").read_bytes())
    assert complaints == []
    assert document


@pytest.mark.usefixtures("namespaces", "loop")
def test_it_applies_a_document(program: Path, tmp_path: Path) -> None:
    machine = Machine(directory=tmp_path, tool=program)
    image = tmp_path / "data.img"
    with image.open("wb") as file:
        file.truncate(1 << 20)
    subprocess.run(["/usr/sbin/mkfs.ext2", "-q", image], check=True)
    document = {
        "hostname": "own",
        "net": {"interfaces": {"eth0": {"addrs": [
            {"type": "inet", "method": "static", "addr": "192.0.2.10/26"}]}}},
        "blk": {"data": {"type": "file", "path": str(image)}},
        "mount": {f"{tmp_path}/m/data": {"source": "blk", "name": "data"},
                  f"{tmp_path}/m/tmp": {"source": "tmpfs"}},
    }  # fmt: skip
    path = machine.document(document)
    try:
        said = machine.run(
            f"{CABLES}\n{program} {path}\nhostname\nip -brief -4 address show dev eth0\n"
        )
    finally:
        detach_loops(image)
    lines = said.splitlines()
    assert lines[:5] == [
        "eth0 is up",
        f"{tmp_path}/m/data is mounted, with 3 entries",
        f"{tmp_path}/m/tmp is mounted, with 2 entries",
        "status 0",
        "own",
    ]
    assert "192.0.2.10/26" in lines[5]


def test_its_own_section_has_its_own_rules(program: Path, tmp_path: Path) -> None:
    document = tmp_path / "document.json"
    net = {"interfaces": {"eth0": {"addrs": [{"type": "inet", "method": "dhcp"}]}}}
    document.write_text(json.dumps({"net": net}))
    done = subprocess.run([program, document], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "net.interfaces.eth0: only one static address of IPv4 is known here", "status 1",
    ]  # fmt: skip
    document.write_text('{"mont": {}}')
    done = subprocess.run([program, document], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert ": mont: " in done.stdout
