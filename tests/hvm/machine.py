# SPDX-License-Identifier: BSD-2-Clause
"""A lab for HVM guests, with a stub domain for each one's device model or QEMU in dom0."""

from __future__ import annotations

import re
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from boot.boot_samples import compile_program
from rumprun import command, paths
from rumprun.bake.board import BakeRequest, ProgramRequest, find_board
from rumprun.bake.manifest import manifest_request, read_manifest
from rumprun.bake.output import bake_image
from rumprun.lab.xen import Lab, LabRequest
from rumprun.target.descriptor import load_target

PACKAGE: Final = paths.DATA / "packages" / "qemu-stubdom-rumprun"
VARIANTS: Final = ("qemu-system-x86-rumprun", "vchan-socket-proxy-rumprun", "libxen-rumprun-dev")

# What dom0 has in any case: QEMU for the consoles of stub domains, or for guests.
_DOM0: Final = ("qemu-system-xen", "seabios")
# Of the firmware for emulated cards, the packages that are not installed for it.
_FIRMWARE: Final = ("seabios", "ipxe-qemu")
_SERIAL_CONSOLE = 3
_LONG = 240.0


def bake_stub(variants: Path, work: Path) -> Path:
    """The package's image of the variants in ``variants``, none of which is installed."""
    root = work / "root"
    for name in VARIANTS:
        (deb,) = variants.glob(f"{name}_*.deb")
        command.run(["dpkg-deb", "--extract", deb, root])
    command.run(["apt-get", "download", *_FIRMWARE], cwd=work)
    for deb in work.glob("*.deb"):
        command.run(["dpkg-deb", "--extract", deb, root])
    prefix = root / load_target().prefix.relative_to("/")
    model = compile_model(prefix, work)
    text = (PACKAGE / "debian" / f"{PACKAGE.name}.rumprun-bake").read_text(encoding="utf-8")
    for old, new in (
        ('"device-model/device-model"', f'"{model}"'),
        ('package = "qemu-system-x86-rumprun"\npath = "qemu', f'path = "{prefix}/bin/qemu'),
        ('package = "vchan-socket-proxy-rumprun"', f'path = "{prefix}/bin/vchan-socket-proxy"'),
        ('"/usr/share/seabios', f'"{root}/usr/share/seabios'),
        ('"/usr/lib/ipxe', f'"{root}/usr/lib/ipxe'),
    ):
        assert old in text
        text = text.replace(old, new)
    manifest = work / "stub.rumprun-bake"
    manifest.write_text(text, encoding="utf-8")
    wanted = read_manifest(manifest)
    bake_image(find_board(wanted.board), manifest_request(wanted, date=0, offline=False),
               work / "stub")  # fmt: skip
    return work / "stub"


def compile_model(prefix: Path, work: Path) -> Path:
    """What starts QEMU in its stub domain, with the libraries below ``prefix``."""
    target = load_target()
    environment = {**command.base_environment(), "RUMPRUN_SYSROOT": str(prefix)}
    command.run(
        [
            "make", "-C", PACKAGE / "device-model", f"PROGRAM={work / 'device-model'}",
            f"CC={target.tool('gcc')}", f"PKG_CONFIG={target.tool('pkg-config')}",
        ],
        env=environment,
    )  # fmt: skip
    return work / "device-model"


def make_disk(work: Path, kernel_package: str, *options: str) -> Path:
    """A bootable disk, whose program is guest.c, with words for its kernel's command line.

    The slim kernel of ``linux-source`` has drivers for Xen's devices alone, and no calls for a
    processor's ports; that of ``linux-image-amd64`` has these, and none of its modules is there.
    """
    program = compile_program(Path(__file__).with_name("guest.c"), work / "login")
    request = BakeRequest(
        programs=(ProgramRequest(file=program, name="login", argv=("login",)),),
        target=load_target(), kernel_package=kernel_package, options=options,
    )  # fmt: skip
    image = work / f"guest-{kernel_package}"
    bake_image(find_board("linux"), request, image)
    disk = image.with_suffix(".iso")
    words = (paths.DATA / "rumpdeb", "iso", "--output", disk, "--console", "ttyS0", image)
    command.run(words)
    return disk


def lab_request(xen: str, disks: tuple[Path, ...], directory: Path) -> LabRequest:
    """dom0 sees the disks as /dev/vda and so on."""
    return LabRequest(xen=xen, packages=_DOM0, disks=disks, memory=2048, limit=3000,
                      directory=directory)  # fmt: skip


def put_stub(lab: Lab, image: Path) -> None:
    """Where libxl looks for it."""
    boot = f"/usr/lib/xen-{lab.xen}/boot"
    lab.put(image / "kernel", f"{boot}/qemu-stubdom-linux-kernel")
    lab.put(image / "initramfs", f"{boot}/qemu-stubdom-linux-rootfs")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A guest: ``stub`` in MiB, 0 for QEMU in dom0; ``lines`` of xl.cfg besides."""

    name: str
    disks: tuple[str, ...]
    stub: int = 128
    memory: int = 64
    lines: str = ""

    @property
    def text(self) -> str:
        """As of xl.cfg(5)."""
        shown = ", ".join(f'"phy:{path},hd{"abcd"[place]},w"'
                          for place, path in enumerate(self.disks))  # fmt: skip
        own = f"device_model_stubdomain_override = 1\nstubdomain_memory = {self.stub}\n"
        return (
            f'type = "hvm"\nname = "{self.name}"\nmemory = {self.memory}\ndisk = [ {shown} ]\n'
            'serial = "pty"\nvnc = 0\ndevice_model_version = "qemu-xen"\n'
            f"{own if self.stub else ''}{self.lines}"
        )


class Hvm:
    """A guest that runs; its serial console is written to a file of dom0's."""

    def __init__(self, lab: Lab, wanted: Wanted) -> None:
        """Have xl create it."""
        self.lab = lab
        self.wanted = wanted
        self._log = f"/root/{wanted.name}.serial"
        self._seen = 0
        self._terminal = self._domid = ""
        path = f"/root/{wanted.name}.cfg"
        lab.put(wanted.text.encode(), path)
        begin = time.monotonic()
        lab.run(f"xl create {path}", timeout=_LONG)
        self.created = time.monotonic() - begin
        self.attach()

    def attach(self, timeout: float = _LONG) -> None:
        """Read the console of the domain of that name, which is a new one after a reboot."""
        name = shlex.quote(self.wanted.name)
        key = (
            f"/local/domain/$(xl domid {name}-dm)/device/console/{_SERIAL_CONSOLE}/tty"
            if self.wanted.stub
            else f"/local/domain/$(xl domid {name})/serial/0/tty"
        )
        deadline = time.monotonic() + timeout
        old = self._domid
        while True:
            self._domid = self.lab.run(f"xl domid {name}", check=False).stdout.strip()
            self._terminal = self.lab.run(f"xenstore-read {key}", check=False).stdout.strip()
            if self._terminal and self._domid != old:
                break
            assert time.monotonic() < deadline, f"no console of {name}"
            time.sleep(0.5)
        self._seen = 0
        # A terminal that answers what it hears would talk to itself.
        self.lab.run(f"stty -F {self._terminal} raw -echo; : > {self._log}")
        self.lab.start(f"exec cat {self._terminal} > {self._log}")

    def serial(self) -> str:
        """All that it said."""
        return self.lab.run(f"cat {self._log}").stdout

    def expect(self, pattern: str, timeout: float = _LONG) -> re.Match[str]:
        """Wait for it in what was not looked at yet."""
        deadline = time.monotonic() + timeout
        while not (found := re.compile(pattern).search(said := self.serial(), self._seen)):
            assert time.monotonic() < deadline, f"no {pattern} in {said[-2000:]!r}"
            self.lab.check()
            time.sleep(0.2)
        self._seen = found.end()
        return found

    def say(self, line: str) -> None:
        """Type a line."""
        self.lab.run(f"echo {shlex.quote(line)} > {self._terminal}")
