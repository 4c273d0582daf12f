# SPDX-License-Identifier: BSD-2-Clause
"""What a lab cannot be started with is said before anything is fetched or written."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from rumprun.errors import InputError, MissingError, RumprunError, SystemFault, UsageError
from rumprun.lab import dom0_root, launch, logs, machine, state
from rumprun.lab.dom0_root import Dom0, provide_dom0
from rumprun.lab.dom0_start import check_store, start_script
from rumprun.lab.launch import LabRequest
from rumprun.lab.releases import find_release
from rumprun.lab.xen import start_lab


@pytest.fixture(autouse=True)
def forbid_fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> Dom0:
        raise AssertionError("no request may come so far")

    monkeypatch.setattr(launch, "provide_dom0", refuse)
    monkeypatch.setattr(launch, "require_qemu", lambda: None)


@pytest.mark.parametrize(
    ("request_", "kind", "complaint"),
    [
        (LabRequest(xen="4.16"), UsageError, "no lab with Xen 4.16"),
        (LabRequest(memory=600), UsageError, "600 MiB for a lab"),
        (LabRequest(disks=(Path("/absent"),)), MissingError, "/absent: no such file for a disk"),
        (LabRequest(store="mystored"), UsageError, "no store 'mystored'"),
        (LabRequest(store=Path("/absent")), MissingError, "/absent: no image"),
        (LabRequest(store_memory=0), UsageError, "at least 1"),
        (LabRequest(limit=float("nan")), UsageError, "at least 1"),
    ],
)
def test_what_cannot_be_is_said(
    request_: LabRequest, kind: type[RumprunError], complaint: str
) -> None:
    with pytest.raises(kind, match=complaint), start_lab(request_):
        pass


def note(domctl: int) -> bytes:
    """An ELF file that says for which hypervisor it is, as toolchain/xen-abi.h has it."""
    said = struct.pack("<III8sI", 8, 4, 1, b"rumprun", domctl)
    segment = struct.pack("<IIQQQQQQ", 4, 4, 120, 0, 0, len(said), len(said), 4)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + header + segment + said


def test_a_stores_image_is_for_the_hypervisor_that_runs(tmp_path: Path) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(note(0x15))
    with (
        pytest.raises(InputError, match=r"for Xen with domctl interface 0x15, and .* has 0x17"),
        start_lab(LabRequest(xen="4.20", store=tmp_path)),
    ):
        pass
    check_store(kernel, 0x15)
    kernel.write_bytes(b"\x1f\x8b what somebody else has made")
    check_store(kernel, 0x17)


def test_a_package_has_a_packages_name() -> None:
    with pytest.raises(UsageError, match="no package's name"):
        provide_dom0(find_release("4.17"), ["--allow-unauthenticated"])


def test_an_agent_that_is_not_built_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RUMPRUN_LAB_ROOT", str(tmp_path))
    with pytest.raises(MissingError, match=f"{tmp_path}/usr/lib/rumprun-lab/agent: not there"):
        machine.agent()


@pytest.mark.parametrize(
    ("store", "serves"),
    [
        ("xenstored", "xenstored --pid-file=/run/xen/xenstored.pid"),
        ("oxenstored", "oxenstored --pid-file=/run/xen/xenstored.pid"),
        (
            Path("image"),
            "timeout 60 init-xenstore-domain --kernel /share/xenstore-domain --memory 9",
        ),
    ],
)
def test_whoever_serves_the_store_comes_first(store: str | Path, serves: str) -> None:
    first, served, ready, console = start_script(store, 9).splitlines()
    assert (first, served, ready) == ("set -e", serves, "xen-init-dom0")
    assert console.startswith("xenconsoled ")


def test_without_a_store_nothing_that_needs_it_is_started() -> None:
    assert start_script("none", 8) == "exit 0\n"


def test_paths_with_commas_arrive_whole(tmp_path: Path) -> None:
    dom0 = Dom0(
        hypervisor=Path("/a,b/xen"), kernel=Path("/a,b/vmlinux"), root=Path("/r"), version="1"
    )
    words = machine.qemu_words(
        machine.Machine(
            directory=tmp_path,
            dom0=dom0,
            release=find_release("4.20"),
            accelerator="tcg",
            memory=1024,
            limit=1,
            disks=(Path("/c,d/disk"),),
        )
    )
    assert "if=none,id=d0,format=raw,file=/c,,d/disk" in words
    (initrd,) = (words[place + 1] for place, word in enumerate(words) if word == "-initrd")
    assert initrd.startswith("/a,,b/vmlinux console=hvc0 ")
    assert initrd.endswith(",initramfs")
    assert "PATH=/usr/lib/xen-4.20/bin:" in initrd
    assert "qemu64,+svm,+npt,+rdrand" in words


def test_a_panic_is_seen_however_it_arrives(tmp_path: Path) -> None:
    log = tmp_path / logs.HYPERVISOR_LOG
    watch = logs.PanicWatch(tmp_path)
    assert not watch.panicked()
    log.write_bytes(b"(XEN) all is well\n(XEN) Panic on C")
    assert not watch.panicked()
    with log.open("ab") as file:
        file.write(b"PU 0:\r\n(XEN) no NPT\r\n")
    assert watch.panicked() == "Panic on CPU 0:"
    log.write_bytes(log.read_bytes() + b"(XEN) later\n" * 20)
    assert watch.panicked()


def test_what_qemus_processor_lacks_is_known(tmp_path: Path) -> None:
    assert logs.missing_features(tmp_path) == ""
    said = "warning: TCG doesn't support requested feature: CPUID.80000001H:ECX.{} [bit 2]"
    (tmp_path / logs.QEMU_LOG).write_text(said.format("svm") + "\n" + said.format("npt"))
    assert logs.missing_features(tmp_path) == "svm, npt"


def test_the_tail_of_a_log_is_text(tmp_path: Path) -> None:
    log = tmp_path / "xen.log"
    log.write_bytes(b"old\n" * 100 + b"\x1b[2Jlast \xff words\r\n")
    shown = logs.tail(log).splitlines()
    assert shown[1] == "xen.log, its last lines:"
    assert shown[-1] == "  | [2Jlast \N{REPLACEMENT CHARACTER} words"
    assert len(shown) < 30
    assert logs.tail(tmp_path / "absent") == ""


def test_a_process_of_the_same_number_is_no_lab(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    place = state.place_of("one")
    place.mkdir()
    own = os.getpid()
    text = '{{"xen": "4.17", "store": "none", "process": {}, "started": "{}"}}'
    (place / "lab.json").write_text(text.format(own, "1"), encoding="utf-8")
    assert state.find_running("one") is None
    with pytest.raises(MissingError, match=f"the logs of the last one are in {place}"):
        state.require_running("one")
    fields = Path(f"/proc/{own}/stat").read_text().rpartition(")")[2].split()
    (place / "lab.json").write_text(text.format(own, fields[19]), encoding="utf-8")
    assert state.require_running("one").process == own
    with pytest.raises(InputError, match="is up already"), state.starting("one"):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"process": "x"}', '{"xen": 1}'])
def test_a_spoiled_state_is_no_lab(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    state.place_of("one").mkdir()
    (state.place_of("one") / "lab.json").write_text(text, encoding="utf-8")
    assert state.find_running("one") is None


def test_a_directory_of_somebody_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "rumprun-lab").symlink_to(tmp_path)
    with pytest.raises(SystemFault, match="is not ours"):
        state.place_of("one")


def test_what_is_unused_leaves_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    labs = tmp_path / "dh-rumprun" / "labs"
    for name, age in (("used", 0), ("old", 100)):
        (labs / f"xen-{name}").mkdir(parents=True)
        (labs / f"{name}.json").write_text(f'{{"entry": "xen-{name}"}}', encoding="utf-8")
        for path in (labs / f"xen-{name}", labs / f"{name}.json"):
            os.utime(path, (1000 - age, 1000 - age))
    dom0_root._forget_unused(950)
    assert sorted(path.name for path in labs.iterdir()) == ["used.json", "xen-used"]


def test_a_lab_in_the_cache_serves_without_the_mirror(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unreachable(*_arguments: object, **_options: object) -> None:
        raise MissingError("the mirror cannot be reached")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(dom0_root, "view_of", unreachable)
    release = find_release("4.17")
    with pytest.raises(MissingError, match="cannot be reached"):
        provide_dom0(release)
    entry = tmp_path / "dh-rumprun" / "labs" / "xen-4.17-x"
    entry.mkdir(parents=True)
    (entry / "lab.json").write_text('{"version": "4.17.7"}', encoding="utf-8")
    record = entry.parent / f"{dom0_root._key((release.xen,))}.json"
    record.write_text('{"entry": "xen-4.17-x", "apt": "old"}', encoding="utf-8")
    assert provide_dom0(release).kernel == entry / "vmlinux"
