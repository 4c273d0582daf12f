# SPDX-License-Identifier: BSD-2-Clause
"""The sections blk and mount as the configuration library applies them, among namespaces."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apply_machine import Machine, detach_loops, loops_of

pytestmark = pytest.mark.usefixtures("namespaces", "loop")

MOUNTS = "grep /m/ /proc/mounts\n"


@pytest.fixture(name="machine", params=["target", "sanitized"])
def make_machine(
    request: pytest.FixtureRequest, apply_tools: dict[str, Path], tmp_path: Path
) -> Iterator[Machine]:
    yield Machine(directory=tmp_path, tool=apply_tools[request.param])
    for path in tmp_path.glob("*.img"):
        detach_loops(path)


def disk(machine: Machine, name: str, kind: str = "ext4") -> Path:
    """A file with an empty file system."""
    path = machine.directory / f"{name}.img"
    with path.open("wb") as file:
        file.truncate(4 << 20)
    if kind:
        subprocess.run([f"/usr/sbin/mkfs.{kind}", "-q", path], check=True)
    return path


def file_of(path: Path, **rest: Any) -> dict[str, Any]:
    return {"type": "file", "path": str(path), **rest}


def test_files_are_mounted_with_their_options(machine: Machine) -> None:
    top = machine.directory / "m"
    document = {
        "blk": {"data": file_of(disk(machine, "data")),
                "base": file_of(disk(machine, "base", "ext2"), readonly=True)},
        "mount": {f"{top}/deep/data": {"source": "blk", "name": "data", "fstype": "ext4",
                                       "options": ["noatime", "nodev", "commit=30"]},
                  f"{top}/base": {"source": "blk", "name": "base"}},
    }  # fmt: skip
    said = machine.apply(document, "", MOUNTS + f"echo kept >{top}/deep/data/x\n"
                         f"touch {top}/base/x 2>/dev/null || echo read-only\n"
                         "blockdev --getro $(losetup -nO NAME -j base.img)")  # fmt: skip
    devices = dict(re.findall(r"^device (\w+) (/dev/loop\d+)$", said, re.MULTILINE))
    assert devices.keys() == {"data", "base"}
    assert f"{devices['data']} {top}/deep/data ext4 rw,nodev,noatime,commit=30 0 0" in said
    assert re.search(rf"^{devices['base']} {top}/base ext2 ro,", said, re.MULTILINE)
    assert said.splitlines()[-2:] == ["read-only", "1"]
    assert loops_of(machine.directory / "data.img") == [devices["data"]]
    again = machine.apply(document, "", f"cat {top}/deep/data/x")
    assert again.splitlines()[-1] == "kept"


def test_disks_are_used_as_they_are(machine: Machine) -> None:
    top = machine.directory / "m"
    disk(machine, "data")
    subprocess.run(["losetup", "--find", machine.directory / "data.img"], check=True)
    (device,) = loops_of(machine.directory / "data.img")
    document = {"blk": {"data": {"type": "disk", "path": device, "readonly": True}},
                "mount": {f"{top}/data": {"source": "blk", "name": "data"}}}  # fmt: skip
    said = machine.apply(document, "", MOUNTS + f"blockdev --getro {device}")
    assert f"device data {device}" in said
    assert re.search(rf"^{device} {top}/data ext[234] ro,", said, re.MULTILINE)
    assert said.splitlines()[-1] == "1"


def test_late_disks_are_awaited(machine: Machine) -> None:
    disk(machine, "data")
    subprocess.run(["losetup", "--find", machine.directory / "data.img"], check=True)
    (device,) = loops_of(machine.directory / "data.img")
    late = machine.directory / "late"
    said = machine.apply({"blk": {"data": {"type": "disk", "path": str(late)}}},
                         f"(sleep 1; cp -a {device} {late}) &")  # fmt: skip
    assert f"device data {late}" in said


def test_memory_and_the_kernel_are_mounted(machine: Machine) -> None:
    top = machine.directory / "m"
    document = {"mount": {f"{top}/a b": {"source": "tmpfs",
                                         "options": ["size=1m", "mode=700", "noexec"]},
                          f"{top}/proc": {"source": "kernfs"},
                          f"{top}/quiet": {"source": "kernfs", "options": ["exec", "hidepid=2"]},
                          "/proc": {"source": "kernfs", "options": ["ro"]}}}  # fmt: skip
    said = machine.apply(document, "", MOUNTS + f"stat -c %a '{top}/a b'\ncat {top}/proc/1/comm\n"
                         "tail -1 /proc/mounts")  # fmt: skip
    assert f"tmpfs {top}/a\\040b tmpfs rw,noexec,relatime,size=1024k,mode=700" in said
    assert f"proc {top}/proc proc rw,nosuid,nodev,noexec," in said
    assert re.search(
        rf"^proc {top}/quiet proc rw,nosuid,nodev,relatime,hidepid=", said, re.MULTILINE
    )
    assert said.splitlines()[-3:-1] == ["700", "sh"]
    assert said.splitlines()[-1].startswith("proc /proc proc ro,nosuid,nodev,noexec,")


def test_later_mounts_may_lie_in_earlier_ones(machine: Machine) -> None:
    top = machine.directory / "m"
    document = {"mount": {f"{top}/a": {"source": "tmpfs"}, f"{top}/a/b/c": {"source": "tmpfs"}}}
    assert f"tmpfs {top}/a/b/c tmpfs" in machine.apply(document, "", MOUNTS)


def mount_of(**one: Any) -> dict[str, Any]:
    return {"mount": {"/tmp/m": one}}


FILE = {"type": "file", "path": "data.img"}

FAULTS = {
    "no disk": ({"blk": {"d": {"type": "disk", "path": "/dev/none"}}},
                "blk.d: the machine has no disk /dev/none, not within 5 seconds"),
    "no device": ({"blk": {"d": {"type": "disk", "path": "/etc/passwd"}}},
                  "blk.d: cannot use /etc/passwd as a disk: Block device required"),
    "no file": ({"blk": {"d": {"type": "file", "path": "/none"}}},
                "blk.d: cannot open /none: No such file or directory"),
    "a directory": ({"blk": {"d": {"type": "file", "path": "/etc", "readonly": True}}},
                    "blk.d: no loop device for /etc: Invalid argument"),
    "not a directory": ({"mount": {"/etc/passwd/x": {"source": "tmpfs"}}},
                        'mount["/etc/passwd/x"]: cannot make the directory: Not a directory'),
    "an option": (mount_of(source="tmpfs", options=["size=much"]),
                  'mount["/tmp/m"]: cannot mount tmpfs: Invalid argument'),
    "many options": (
        mount_of(source="tmpfs", options=[letter * 500 for letter in "abcdefghi"]),
        'mount["/tmp/m"]: the options are longer than the 4095 bytes that mount takes',
    ),
    "a type": ({"blk": {"d": FILE}, **mount_of(source="blk", name="d", fstype="nonesuch")},
               'mount["/tmp/m"]: the kernel has no file system nonesuch'),
    "another type": ({"blk": {"d": FILE}, **mount_of(source="blk", name="d", fstype="ext4")},
                     r'mount["/tmp/m"]: cannot mount /dev/loop\d+ as ext4: Invalid argument'),
    "nothing": ({"blk": {"d": FILE}, **mount_of(source="blk", name="d")},
                r'mount["/tmp/m"]: no file system that the kernel knows (.*ext4.*) is on .*'),
    "no share": (mount_of(source="9p", name="host"),
                 r'mount["/tmp/m"]: the (machine has no share host|kernel has no 9p)'),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_applied_is_named(machine: Machine, fault: str) -> None:
    document, reason = FAULTS[fault]
    path = disk(machine, "data", "")
    for block in document.get("blk", {}).values():
        if block["path"] == "data.img":
            document = {**document, "blk": {"d": file_of(path)}}
    said = machine.refusal(document, "")
    pattern = re.sub(r"([][])", r"\\\1", reason)
    assert re.fullmatch(pattern, said), said
    assert "loop" not in reason or "no loop" in reason or loops_of(path)
