# SPDX-License-Identifier: BSD-2-Clause
"""The linux board in QEMU: what a program gets, and how each of its ends is reported."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from boot.boot_samples import ROOT, boot, make_request
from rumprun import command
from rumprun.bake.board import find_board
from rumprun.bake.image import describe_file, image_text, read_image
from rumprun.bake.initramfs import append_files
from rumprun.bake.output import bake_image
from rumprun.bake.root import Entry
from rumprun.errors import BootError, InputError
from rumprun.lab import accelerator
from rumprun.lab.qemu import RunRequest, run_image

pytestmark = pytest.mark.boot


def test_baked_arguments_arrive_and_the_console_has_nothing_else(image: Path) -> None:
    outcome = boot(image, baked=True)
    expected = "[3]\n[a b]\n[]\n[it's]\n[q\"x]\n[--]\n[\u00fc\n$(x)]\n"
    assert outcome.console.decode() == expected
    assert outcome.ended.status == 3


@pytest.mark.parametrize("status", [0, 1, 255])
def test_status_and_replaced_arguments(image: Path, status: int) -> None:
    odd = os.fsdecode(b"\xff \x01")
    outcome = boot(image, str(status), "", odd, "x" * 5000)
    assert outcome.console == b"[%d]\n[]\n[\xff \x01]\n[%s]\n" % (status, b"x" * 5000)
    assert outcome.ended.status == status


def test_arguments_can_be_taken_away(image: Path) -> None:
    assert boot(image).console == b""


def test_the_console_carries_every_byte(image: Path) -> None:
    assert boot(image, "bytes").console == bytes(range(256))


def test_the_machine_that_a_program_finds(image: Path) -> None:
    outcome = boot(image, "machine")
    assert outcome.console.decode().splitlines() == [
        "stdin -1, parent 1",
        "GREETING=hello world",
        "HOME=/",
        "PATH=/bin",
        "TERM=dumb",
    ]


def test_death_by_signal(image: Path) -> None:
    outcome = boot(image, "segv")
    assert outcome.console.startswith(b"rumprun: crash: subject, process ")
    last = b"\nrumprun: subject: ended by signal 11 (Segmentation fault)\n"
    assert outcome.console.endswith(b"rumprun: end of the crash report" + last)
    assert outcome.ended.status == 139


def test_orphans_are_reaped_and_do_not_hold_the_machine(image: Path) -> None:
    assert boot(image, "orphan").ended.status == 7


def test_a_request_to_stop_reaches_the_program(image: Path) -> None:
    assert boot(image, "stop").ended.status == 128 + signal.SIGTERM


def test_a_program_that_does_not_stop_is_killed(image: Path) -> None:
    outcome = boot(image, "stubborn")
    assert b"no end 10 s after" in outcome.console
    assert outcome.ended.status == 128 + signal.SIGKILL


def test_a_program_cannot_report_for_the_entrypoint(image: Path) -> None:
    assert boot(image, "liar").ended.status == 9


def spoil(directory: Path, name: str, content: bytes, *, executable: bool = False) -> None:
    """Replace a file of the image's initramfs, and make image.json agree."""
    initramfs = directory / "initramfs"
    spoiled = directory / "spoiled"
    entry = Entry(content=content, executable=executable)
    append_files(initramfs, {name: entry}, spoiled, date=0)
    spoiled.replace(initramfs)
    old = read_image(directory)
    files = tuple(describe_file(directory / file.name) for file in old.files)
    text = image_text(type(old)(**{**vars(old), "files": files}))
    (directory / "image.json").write_text(text)


# A table of one program at that path.
TABLE = b"rumprun-table 2\0001\0x\0%s\0001\0000\0x\0"


@pytest.mark.parametrize(
    ("name", "content", "status", "message"),
    [
        ("rumprun/table", b"rumprun-table 2\0001\0x\0/bin/no\0001\0000\0x\0", 127, b"No such file"),
        (
            "rumprun/table",
            b"rumprun-table 2\0001\0x\0/rumprun/table\0001\0000\0x\0",
            126,
            b"Permission",
        ),
        ("bin/subject", b"no program", 126, b"cannot start /bin/subject"),
        ("rumprun/table", b"rumprun-table 9\0", 125, b"no form that this entrypoint knows"),
        ("rumprun/table", b"", 125, b"damaged"),
    ],
)
def test_what_cannot_be_started(
    copied_image: Path, name: str, content: bytes, status: int, message: bytes
) -> None:
    spoil(copied_image, name, content, executable=name == "bin/subject")
    outcome = boot(copied_image, baked=True)
    assert outcome.console.startswith(b"rumprun: ")
    assert message in outcome.console
    assert outcome.ended.status == status


def test_a_missing_entrypoint_is_a_panic(copied_image: Path) -> None:
    spoil(copied_image, "init", b"no program", executable=True)
    with pytest.raises(BootError, match=r"without an exit status; kernel panic: .*init"):
        boot(copied_image, baked=True)


def test_a_panic_ends_the_machine_at_once(image: Path) -> None:
    with pytest.raises(BootError, match=r"kernel panic: sysrq triggered crash"):
        boot(image, "panic")


def test_verbose_shows_the_kernel(image: Path) -> None:
    console = bytearray()
    request = RunRequest(arguments=("0",), timeout=120, accelerator="tcg", verbose=True)
    assert run_image(image, request, sink=console.extend).status == 0
    assert b"Linux version" in console


def test_the_compressed_kernel_boots_as_well(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel cannot be unpacked on the host, its own decompressor has to do it."""
    monkeypatch.setattr("rumprun.lab.qemu.direct_kernel", lambda kernel, _hash, _scratch: kernel)
    assert boot(image, "5").ended.status == 5


def machines_of(directory: Path) -> list[str]:
    """The processes whose command line names the image (and not this test's)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].startswith(b"qemu") and any(os.fsencode(directory) in word for word in words):
            found.append(entry.parent.name)
    return found


def test_a_timeout_ends_qemu(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    started = time.monotonic()
    with pytest.raises(BootError, match="no end after 4 s, machine stopped"):
        run_image(
            image,
            RunRequest(arguments=("sleep",), timeout=4, accelerator="tcg"),
            sink=lambda _chunk: None,
        )
    assert time.monotonic() - started < 30
    assert machines_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


class Stop(Exception):
    """Stands for Ctrl-C."""


def test_an_interruption_ends_qemu(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C and TERM arrive as an exception wherever the wait happens to be."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    console = bytearray()

    def sink(chunk: bytes) -> None:
        console.extend(chunk)
        if b"sleeping\n" in console:
            assert machines_of(tmp_path)
            raise Stop

    with pytest.raises(Stop):
        run_image(
            image, RunRequest(arguments=("sleep",), timeout=120, accelerator="tcg"), sink=sink
        )
    assert machines_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_spoiled_image_does_not_boot(copied_image: Path) -> None:
    with (copied_image / "initramfs").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="not the file"):
        boot(copied_image)


def test_two_bakes_are_identical(image: Path, subject: Path, tmp_path: Path) -> None:
    baked = read_image(image).programs[0].argv[1:]
    again = tmp_path / "again"
    # Other times, another umask: neither may show.
    copy = tmp_path / "subject"
    copy.write_bytes(subject.read_bytes())
    os.utime(copy, (1, 1))
    mask = os.umask(0o077)
    try:
        bake_image(find_board("linux"), make_request(copy, *baked), again)
    finally:
        os.umask(mask)
    for name in ("kernel", "initramfs", "image.json"):
        assert (again / name).read_bytes() == (image / name).read_bytes(), name


def test_emulation_runs_guests_where_kvm_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert accelerator.runs_guests("tcg")
    monkeypatch.setattr(accelerator, "runs_guests", lambda _name: False)
    assert accelerator.choose_accelerator("auto") == "tcg"


def test_a_guest_that_stands_still_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """What /dev/kvm without working virtualisation looks like."""
    monkeypatch.setattr(accelerator, "_PROBE_DISK", b"\xf4\xeb\xfd".ljust(510) + b"\x55\xaa")
    monkeypatch.setattr(accelerator, "_PROBE_SECONDS", 1.0)
    assert not accelerator.runs_guests.__wrapped__("tcg")


def test_the_commands(board_root: Path, subject: Path, tmp_path: Path) -> None:
    """``rumpdeb bake`` and ``rumpdeb run``, as a user calls them."""
    place = tmp_path / "image"
    environment = command.base_environment() | {"RUMPRUN_BOARD_ROOT": str(board_root)}
    for name in ("RUMPRUN_TOOLCHAIN_ROOT",):
        if name in os.environ:
            environment[name] = os.environ[name]
    rumpdeb = ROOT / "rumpdeb"
    words = [rumpdeb, "bake", "--board", "linux", "-o", place, subject, "--", "4", "--", "-x"]
    command.run(words, env=environment, timeout=600)
    run = [rumpdeb, "run", place, "--accel", "tcg", "--timeout", "120"]
    plain = command.run(run, env=environment, timeout=200, check=False)
    assert (plain.returncode, plain.stdout) == (4, "[4]\n[--]\n[-x]\n")
    replaced = command.run([*run, "--", "6", "--"], env=environment, timeout=200, check=False)
    assert (replaced.returncode, replaced.stdout) == (6, "[6]\n[--]\n")
    refused = command.run(
        [rumpdeb, "bake", "-o", place, "/bin/true"], env=environment, timeout=60, check=False
    )
    assert refused.returncode == InputError.exit_code
    assert "dynamically linked" in refused.stderr
