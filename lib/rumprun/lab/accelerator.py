# SPDX-License-Identifier: BSD-2-Clause
"""Whether KVM really runs guests here, found out by running one."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from rumprun import command
from rumprun.errors import BuildError, MissingError
from rumprun.workdir import temporary_tree

QEMU = "qemu-system-x86_64"

CHOICES = ("auto", "kvm", "tcg")

_KVM = Path("/dev/kvm")

# Even emulated, the guest needs about a tenth of a second.
_PROBE_SECONDS = 2.0

# The guest is a boot sector, in 16-bit code: mov dx, 0xf4; mov al, 0x10; out dx, al; then wait.
# The firmware before it is the larger part of the test: some hosts run a few instructions at the
# reset vector, and stand still as soon as the firmware leaves 16-bit mode.
_SECTOR_SIZE = 512
_PROBE_CODE = bytes.fromhex("baf400 b010 ee f4 ebfd")
_PROBE_DISK = _PROBE_CODE.ljust(_SECTOR_SIZE - 2, b"\0") + b"\x55\xaa"

# isa-debug-exit makes twice the value plus one QEMU's exit status.
_PROBE_STATUS = 0x10 << 1 | 1


def require_qemu() -> None:
    """Raise :class:`MissingError` where QEMU is not installed."""
    search = command.base_environment().get("PATH", os.defpath).split(os.pathsep)
    if not any(os.access(Path(place) / QEMU, os.X_OK) for place in search):
        raise MissingError(f"{QEMU}: not found", hint="install qemu-system-x86")


def choose_accelerator(wanted: str) -> str:
    """``kvm`` or ``tcg`` for ``wanted``, one of :data:`CHOICES`.

    Raises :class:`MissingError` where ``kvm`` is asked for and runs no guests.
    """
    if wanted == "tcg":
        return "tcg"
    if runs_guests("kvm"):
        return "kvm"
    if wanted == "kvm":
        why = "runs no guests" if _KVM.exists() else "does not exist"
        raise MissingError(f"{_KVM} {why}", hint="use --accel tcg, which needs no hardware")
    return "tcg"


@functools.cache
def runs_guests(accelerator: str) -> bool:
    """Whether a tiny guest ran to its end under ``accelerator`` (once a process).

    ``/dev/kvm`` proves little: inside some virtual machines it opens, and guests stand still.
    """
    if accelerator == "kvm" and not os.access(_KVM, os.R_OK | os.W_OK):
        return False
    with temporary_tree() as scratch:
        disk = scratch / "disk"
        disk.write_bytes(_PROBE_DISK)
        try:
            ended = command.run(
                _probe_command(accelerator, disk), timeout=_PROBE_SECONDS, check=False
            )
        except BuildError:
            return False
    return ended.returncode == _PROBE_STATUS


def _probe_command(accelerator: str, disk: Path) -> list[str]:
    return [
        QEMU,
        "-machine",
        f"pc,accel={accelerator}",
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        *("-display", "none"),
        *("-m", "8"),
        *("-drive", f"file={disk},format=raw,if=ide"),
        *("-device", "isa-debug-exit,iobase=0xf4,iosize=1"),
    ]
