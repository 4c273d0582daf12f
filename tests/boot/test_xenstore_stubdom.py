# SPDX-License-Identifier: BSD-2-Clause
"""The Xenstore in a domain of its own, started by Debian's scripts in a dom0 that has no daemon."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest

from boot.boot_samples import compile_program, make_request
from lab_fixtures import LabFactory
from rumprun import paths
from rumprun.bake.board import find_board
from rumprun.bake.image import read_image
from rumprun.bake.manifest import manifest_request, read_manifest
from rumprun.bake.output import bake_image
from rumprun.bake.xen_abi import with_domctl
from rumprun.command import run
from rumprun.lab import images
from rumprun.lab.dom0_start import GUESTS, HOST_MOUNT
from rumprun.lab.machine import SHARE
from rumprun.lab.xen import Guest, Lab, LabRequest
from rumprun.target.descriptor import load_target
from xenstored_samples import DOMCTL, PACKAGE, xenstored_package

pytestmark = [pytest.mark.boot, pytest.mark.lab]

LAUNCH = "/usr/lib/xenstore-stubdom-rumprun/launch"
MANIFEST = PACKAGE / "debian" / "xenstore-stubdom-rumprun.rumprun-bake"

WAITING = """\
#include <stdio.h>
#include <unistd.h>
int main(void) {
    puts("up");
    fflush(stdout);
    return pause();
}
"""

# What xl's guests and their own console need on a busy machine without KVM.
_LONG = 200.0

# In MiB: as little as the image is to work in.
MEMORY = 4

# In bytes, compressed.
LARGEST = 350 * 1024


@pytest.fixture(name="directory", params=["4.17", "4.20"], scope="module")
def bake_it(
    request: pytest.FixtureRequest, board_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The image by the package's manifest, of a variant that is not installed."""
    assert board_root.is_dir()
    work = tmp_path_factory.mktemp(f"xen-{request.param}")
    run(["dpkg-deb", "--extract", xenstored_package(request.param), work])
    program = load_target().prefix.relative_to("/") / "sbin" / "xenstored"
    text = MANIFEST.read_text(encoding="utf-8")
    assert 'package = "xenstored-rumprun"' in text
    manifest = work / "image.rumprun-bake"
    manifest.write_text(text.replace('package = "xenstored-rumprun"', f'path = "{program}"'))
    wanted = read_manifest(manifest)
    board = find_board(wanted.board)
    bake_image(board, manifest_request(wanted, date=0, offline=True), work / request.param)
    return work / request.param


@pytest.fixture(name="checker", scope="module")
def compile_checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command rumprun-check-xen."""
    root = tmp_path_factory.mktemp("check-xen")
    words = ["make", "-C", paths.DATA / "check-xen", "install"]
    run([*words, f"DESTDIR={root}", f"BUILD={root / 'build'}"])
    return root / "usr" / "sbin" / "rumprun-check-xen"


def boot_directory(directory: Path) -> str:
    return f"/usr/lib/xen-{directory.name}/boot"


def prepare(lab: Lab, directory: Path, checker: Path) -> None:
    """Put into dom0 what the package and rumprun-check-xen have."""
    lab.put(checker, "/usr/sbin/rumprun-check-xen", mode=0o755)
    lab.run(f"mkdir -p /usr/lib/xenstore-stubdom-rumprun {boot_directory(directory)} /etc/default")
    lab.put(PACKAGE / "debian" / "launch", LAUNCH, mode=0o755)
    packed = gzip.compress((directory / "kernel").read_bytes(), mtime=0)
    lab.put(packed, f"{boot_directory(directory)}/xenstore-stubdom.gz")
    lab.put(f"XENSTORE_DOMAIN_SIZE={MEMORY}\n".encode(), "/etc/default/xencommons")


def refuse_another(lab: Lab, directory: Path) -> None:
    """An image for the other Xen is refused before there is a domain of it."""
    (other,) = set(DOMCTL.values()) - {lab.abi}
    kernel = with_domctl((directory / "kernel").read_bytes(), other, where="kernel")
    lab.put(kernel, "/root/other")
    lab.put(b"XENSTORE_DOMAIN_KERNEL=/root/other\n", "/etc/default/xencommons")
    said = lab.run(LAUNCH, check=False)
    assert said.status == 1
    assert f"/root/other: for Xen with domctl interface {other:#x}" in said.stderr
    assert f"the running one has {lab.abi:#x}" in said.stderr


def serve(lab: Lab) -> None:
    """Start the store's domain as Debian's init script does, then what waits for a store."""
    lab.put(f"XENSTORE_DOMAIN_SIZE={MEMORY}\n".encode(), "/etc/default/xencommons")
    lab.run(f"{LAUNCH} --pid-file /run/xenstore.pid", timeout=_LONG)
    logs = f"{HOST_MOUNT}/{GUESTS}"
    daemon = f"xenconsoled --pid-file=/run/xen/xenconsoled.pid --log=guest --log-dir={logs}"
    lab.run(f"xen-init-dom0 && {daemon}", timeout=_LONG)


def domains(lab: Lab) -> list[list[str]]:
    """Name, number and MiB of each domain."""
    rows = lab.run("xl list").stdout.splitlines()[1:]
    return [row.split()[:3] for row in rows]


@pytest.fixture(name="waiting", scope="module")
def bake_what_waits(board_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image whose program says that it is up, and waits for its end."""
    assert board_root.is_dir()
    work = tmp_path_factory.mktemp("waiting")
    (work / "waiting.c").write_text(WAITING, encoding="utf-8")
    program = compile_program(work / "waiting.c", work / "waiting")
    bake_image(find_board("pvh"), make_request(program), work / "image")
    return work / "image"


def live_three_times(lab: Lab, image: Path) -> None:
    """Have xl start a domain anew, which it asks to begin again, then to end, and destroy it."""
    place, seen = lab.share / "again", f"/{SHARE}/again"
    text = images.prepare(image, images.Wanted(name="again"), place, seen, abi=lab.abi)
    for end in ("on_poweroff", "on_reboot"):
        assert f'{end} = "destroy"' in text
        text = text.replace(f'{end} = "destroy"', f'{end} = "restart"')
    again = lab.create(text)
    for life in range(1, 4):
        wait_for_lives(again, life)
        lab.run(f"xl {('reboot', 'shutdown', 'destroy')[life - 1]} again", timeout=_LONG)


def wait_for_lives(guest: Guest, count: int) -> None:
    """Wait for so many starts of a domain, each of which has another number."""
    deadline = time.monotonic() + 2 * _LONG
    while guest.console().count(b"up") < count:
        assert time.monotonic() < deadline, guest.console()
        time.sleep(0.2)


def test_the_image_is_small_and_says_for_which_xen_it_is(directory: Path) -> None:
    assert read_image(directory).domctl == DOMCTL[directory.name]
    assert len(gzip.compress((directory / "kernel").read_bytes())) <= LARGEST


def test_domains_live_and_die_by_it(
    directory: Path,
    checker: Path,
    lab_factory: LabFactory,
    image: Path,
    pvh_image: Path,
    waiting: Path,
) -> None:
    """One lab for each version of Xen: a store's domain cannot be replaced by another."""
    lab = lab_factory(LabRequest(xen=directory.name, store="none", limit=900))
    prepare(lab, directory, checker)
    refuse_another(lab, directory)
    serve(lab)
    assert domains(lab) == [["Domain-0", "0", "512"], ["Xenstore", "1", str(MEMORY)]]
    assert lab.run("cat /run/xen/xenstored.pid").stdout == "domid:1\n"
    assert lab.run("xenstore-write /test/a b && xenstore-read /test/a").stdout == "b\n"

    guest = lab.boot(pvh_image, name="pvh")
    guest.expect(rb"\[a b\]", _LONG)
    assert guest.wait(_LONG) == 3
    live_three_times(lab, waiting)
    if directory.name == "4.17":
        pv = lab.boot(image, name="pv", kind="pv")
        pv.expect(rb"\[a b\]", _LONG)
        assert pv.wait(_LONG) == 3

    assert [name for name, _number, _memory in domains(lab)] == ["Domain-0", "Xenstore"]
    assert sorted(lab.run("xenstore-list /local/domain").stdout.split()) == ["0", "1"]
    said = (lab.directory / GUESTS / "guest-Xenstore.log").read_text(errors="replace")
    assert "panic" not in said
