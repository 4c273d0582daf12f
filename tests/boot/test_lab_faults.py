# SPDX-License-Identifier: BSD-2-Clause
"""Labs that do not go well: each says so at once, or at its limit, and leaves its logs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from boot.boot_samples import ROOT
from lab_fixtures import LabFactory
from rumprun import command
from rumprun.lab.xen import LabError, LabRequest

pytestmark = [pytest.mark.boot, pytest.mark.lab]

_LIMIT = 600.0


def test_a_panic_is_said_at_once_with_the_log(lab_factory: LabFactory, tmp_path: Path) -> None:
    disk = tmp_path / "disk, of one MiB"
    disk.write_bytes(b"begins so".ljust(1 << 20, b"\0"))
    lab = lab_factory(LabRequest(store="oxenstored", disks=(disk,), limit=_LIMIT))
    assert lab.run("head -c 9 /dev/vda; cat /sys/block/vda/size").stdout == "begins so2048\n"
    assert lab.run("pidof oxenstored && xl list").status == 0
    started = time.monotonic()
    with pytest.raises(LabError, match=r"the lab panicked: Kernel panic - not syncing: sysrq.*\n"):
        lab.run("sleep 1; echo c > /proc/sysrq-trigger; sleep 500", timeout=400)
    assert time.monotonic() - started < _LIMIT / 4
    with pytest.raises(LabError):
        lab.run("true")


def test_a_lab_ends_at_its_limit_and_leaves_its_logs(
    lab_factory: LabFactory, tmp_path: Path
) -> None:
    directory = tmp_path / "lab-limited"
    started = time.monotonic()
    with pytest.raises(LabError, match="the lab reached its limit"):
        lab_factory(LabRequest(directory=directory, limit=3))
    # What it takes before the machine starts included.
    assert time.monotonic() - started < 90
    assert (directory / "xen.log").is_file()
    assert not (directory / "initramfs").exists()


@pytest.mark.usefixtures("lab_agent")
def test_a_lab_for_one_command_leaves_its_logs_where_it_fails(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    said = command.run(
        [ROOT / "rumpdeb", "lab", "run", "--limit", "3", "-"],
        env=environment,
        stdin="true\n",
        timeout=_LIMIT,
        check=False,
    )
    assert (said.returncode, "the lab reached its limit" in said.stderr) == (8, True)
    (place,) = tmp_path.glob("rumprun-lab.*")
    assert f"the lab's logs are in {place}\n" in said.stderr
    assert (place / "xen.log").is_file()
