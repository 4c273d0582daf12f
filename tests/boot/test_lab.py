# SPDX-License-Identifier: BSD-2-Clause
"""The lab itself: commands in dom0, files both ways, images of both boards as domains."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rumprun.errors import MissingError, UsageError
from rumprun.lab.channel import CHANNELS, Channel
from rumprun.lab.xen import Lab, LabError

pytestmark = [pytest.mark.boot, pytest.mark.lab]


def test_commands_have_input_output_and_status(lab: Lab) -> None:
    assert lab.run("xl list | grep -c Domain-0").stdout == "1\n"
    assert f"xen_minor              : {lab.xen.partition('.')[2]}\n" in lab.run("xl info").stdout
    said = lab.run("cat; echo problem >&2; exit 3", input=b"a\xc0\xdbb" * 20000, check=False)
    assert (said.status, said.stderr) == (3, "problem\n")
    assert said.stdout == (b"a\xc0\xdbb" * 20000).decode(errors="replace")
    with pytest.raises(LabError, match=r"status 3 in dom0: .*\nproblem"):
        lab.run("echo problem >&2; exit 3")


def test_jobs_run_beside_one_another(lab: Lab) -> None:
    watch = lab.start("exec xenstore-watch -n 2 /lab-test")
    # The first event says that the watch is set.
    while not watch.output():
        assert watch.poll() is None
    lab.run("xenstore-write /lab-test/a 1")
    assert watch.wait(30).stdout == "/lab-test\n/lab-test/a\n"
    lab.run("xenstore-rm /lab-test")
    job = lab.start("echo begun; exec sleep 1000")
    while job.output() != b"begun\n":
        assert job.poll() is None
    job.kill()
    assert job.wait(30).status == 128 + 9


def test_a_command_that_never_ends_is_killed_and_the_lab_lives_on(lab: Lab) -> None:
    started = time.monotonic()
    with pytest.raises(LabError, match="no end after 1 s in dom0: sleep 987"):
        lab.run("sleep 987", timeout=1)
    assert time.monotonic() - started < 60
    assert lab.run("ps | grep 'sleep [9]87'", check=False).status == 1


def test_what_a_process_started_ends_with_its_connection(lab: Lab) -> None:
    other = Channel(lab.directory, check=lab.check)
    assert other.welcome(30)
    other.start("exec sleep 986")
    other.run("ps | grep 'sleep [9]86'", timeout=30)
    other.close()
    deadline = time.monotonic() + 30
    while lab.run("ps | grep 'sleep [9]86'", check=False).status == 0:
        assert time.monotonic() < deadline


def test_there_are_only_so_many_connections(lab: Lab) -> None:
    taken = [Channel(lab.directory, check=lab.check) for _ in range(CHANNELS - 1)]
    try:
        with pytest.raises(UsageError, match="use this lab already"):
            Channel(lab.directory, check=lab.check)
    finally:
        for each in taken:
            each.close()


def test_files_go_both_ways_as_they_are(lab: Lab, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    lab.put(tmp_path / "file", "/root/a file", mode=0o755)
    assert lab.get("/root/a file") == content
    assert lab.run("stat -c %a '/root/a file'").stdout == "755\n"
    (lab.share / "bulk").write_bytes(content)
    assert lab.run("wc -c < /share/bulk").stdout == f"{len(content)}\n"


def test_images_of_both_boards_run_as_domains(lab: Lab, pvh_image: Path, image: Path) -> None:
    guest = lab.boot(pvh_image, name="pvh-subject")
    guest.expect(rb"\[a b\]")
    assert guest.wait() == 3
    assert (lab.directory / "guests" / "pvh-subject.log").read_bytes() == guest.console()
    assert not guest.alive()
    guest = lab.boot(image, name="linux-subject", arguments=("5", "under Xen"))
    guest.expect(rb"\[under Xen\]", timeout=180)
    assert guest.wait() == 5


def test_what_cannot_be_a_domain_is_said(lab: Lab, pvh_image: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no-image"):
        lab.boot(tmp_path / "no-image")
    with pytest.raises(UsageError, match="does not run in a domain of type pv"):
        lab.boot(pvh_image, kind="pv")
    with pytest.raises(LabError, match=r"xl cannot create broken:\n.*(\n.*)*no-such-kernel"):
        lab.create('name = "broken"\ntype = "pvh"\nkernel = "/no-such-kernel"\nmemory = 32\n')
    with pytest.raises(LabError, match="no name"):
        lab.create("memory = 32\n")


def test_a_domain_that_is_silent_is_said_with_its_console(lab: Lab, pvh_image: Path) -> None:
    guest = lab.boot(pvh_image, name="silent")
    with pytest.raises(LabError, match=r"the domain has ended\n.*guest-silent.log(.*\n)+.*\[a b\]"):
        guest.expect(rb"never said", timeout=120)
