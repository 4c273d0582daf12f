# SPDX-License-Identifier: BSD-2-Clause
"""Discs that ``rumpdeb iso`` wrote, started by the firmware of QEMU's PC."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rumprun import command
from rumprun.cli.main import main
from rumprun.lab.accelerator import QEMU

pytestmark = pytest.mark.boot

# The kernel unpacks itself here, and the firmware reads it.
SECONDS = 300.0


def start(*drive: str) -> str:
    """What the first serial port says from power-on to the end."""
    machine = ["-machine", "pc", "-accel", "tcg", "-cpu", "max", "-m", "512"]
    words = [QEMU, *machine, "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"]
    return command.run([*words, *drive], timeout=SECONDS).stdout


@pytest.fixture(scope="module", name="disc")
def write_disc(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("disc")
    document = directory / "config.json"
    document.write_text('{"env": {"GREETING": "it\'s \\\\ \\"here\\""}}')
    disc = directory / "a disc.iso"
    words = ["iso", str(image), "-o", str(disc), "--config", str(document), "--", "machine"]
    assert main(words) == 0
    assert sorted(path.name for path in directory.iterdir()) == ["a disc.iso", "config.json"]
    return disc


def test_a_disc_boots(disc: Path) -> None:
    said = start("-cdrom", str(disc)).splitlines()
    assert 'GREETING=it\'s \\ "here"' in said
    assert "rumprun: exit status 0" in said


def test_a_copy_on_a_stick_boots(disc: Path) -> None:
    drive = f"file={disc},format=raw,if=ide,snapshot=on"
    assert "rumprun: exit status 0" in start("-drive", drive).splitlines()


def test_two_discs_are_identical(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    discs = []
    for date, name, mask in (("86400", "a", 0o022), ("86400", "b", 0o077), ("86401", "c", 0o022)):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", date)
        old = os.umask(mask)
        try:
            assert main(["iso", str(image), "-o", str(tmp_path / name)]) == 0
        finally:
            os.umask(old)
        discs.append((tmp_path / name).read_bytes())
    assert discs[0] == discs[1]
    assert discs[0] != discs[2]
