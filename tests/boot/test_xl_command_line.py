# SPDX-License-Identifier: BSD-2-Clause
"""The command line that ``rumpdeb xl`` gives a domain, read by kernel and entrypoint in QEMU."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from rumprun import command
from rumprun.cli.main import main
from rumprun.lab.accelerator import QEMU

pytestmark = pytest.mark.boot

SECONDS = 300.0


def test_a_configuration_behind_the_kernels_words(image: Path, tmp_path: Path) -> None:
    # The kernel stops at 32 words for init; only what it leaves as it is arrives.
    many = " ".join(f"w{number}" for number in range(50))
    variable = f'it\'s "so" \\ and  a=b, {many}'
    rc = [{"bin": "subject", "argv": ["subject", "machine"]}]
    document = tmp_path / "config.json"
    document.write_text(json.dumps({"env": {"GREETING": variable}, "rc": rc}))
    domain = tmp_path / "domain.cfg"
    assert main(["xl", str(image), "--config", str(document), "-o", str(domain)]) == 0
    settings = dict(line.split(" = ", 1) for line in domain.read_text().splitlines() if "=" in line)
    # A string of this kind is one of Python's, too.
    values = {key: str(ast.literal_eval(settings[key])) for key in ("kernel", "ramdisk", "extra")}
    assert "console=hvc0" in values["extra"]
    said = command.run(
        [
            *(QEMU, "-machine", "pc", "-accel", "tcg", "-cpu", "max", "-m", "512"),
            *("-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"),
            *("-kernel", values["kernel"], "-initrd", values["ramdisk"]),
            *("-append", values["extra"].replace("console=hvc0", "console=ttyS0,115200")),
        ],
        timeout=SECONDS,
    ).stdout.splitlines()
    assert f"GREETING={variable}" in said
    assert "rumprun: exit status 0" in said
