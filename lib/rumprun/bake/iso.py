# SPDX-License-Identifier: BSD-2-Clause
"""Bootable ISO images: GRUB's core, made for one kernel command line, and a baked image's files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rumprun import command
from rumprun.bake.board import Boot
from rumprun.bake.kernel import is_bzimage
from rumprun.digest import sha256_of
from rumprun.errors import InputError, MissingError
from rumprun.workdir import atomic_path

VOLUME: Final = "RUMPRUN"

_MKIMAGE: Final = "grub-mkimage"
_XORRISO: Final = "xorriso"
_MODULES = Path("/usr/lib/grub/i386-pc")

# What the core needs to find the disc, and to start Linux from it; it loads nothing more.
_BUILT_IN: Final = ("biosdisk", "iso9660", "search_fs_file", "linux", "boot", "echo", "part_msdos")

# Tools, and what has to be there for them, to the packages that have them.
_TOOLS: Final[Mapping[str, str]] = {_MKIMAGE: "grub-common", _XORRISO: "xorriso"}

_CORE: Final = "boot/grub.img"
_KERNEL: Final = "boot/kernel"
_INITRAMFS: Final = "boot/initramfs"

# GRUB puts a backslash before each of these on the command line that it passes on
# (grub-core/lib/cmdline.c).
_CHANGED_BY_GRUB: Final = frozenset("\"'\\")

# COMMAND_LINE_SIZE in Linux's arch/x86/include/asm/setup.h, less BOOT_IMAGE=, which GRUB adds.
_LONGEST_COMMAND_LINE: Final = 2047 - len(f"BOOT_IMAGE=/{_KERNEL} ")


def require_tools() -> None:
    """Raise :class:`MissingError` that names the package of a tool that is not installed."""
    search = command.base_environment().get("PATH", os.defpath)
    for tool, package in _TOOLS.items():
        if shutil.which(tool, path=search) is None:
            raise MissingError(f"{tool}: not found", hint=f"install {package}")
    if not (_MODULES / "moddep.lst").is_file():
        raise MissingError(f"{_MODULES}: no modules of GRUB there", hint="install grub-pc-bin")


def write_iso(boot: Boot, destination: Path, scratch: Path, *, date: int) -> None:
    """Write a disc that starts ``boot`` on a PC's BIOS, from CD or from a USB stick.

    ``date``, in seconds since 1970, is that of the volume and of all files; ``scratch`` is an
    empty directory. The file is there whole or not at all, and the same for the same input.

    Raises :class:`MissingError` for tools, :class:`InputError` for a kernel that GRUB does not
    start, or a command line that does not get through it.
    """
    require_tools()
    check_command_line(boot.command_line)
    _check_kernel(boot.kernel)
    root = scratch / "root"
    (root / "boot").mkdir(parents=True)
    shutil.copyfile(boot.kernel, root / _KERNEL)
    if boot.initramfs:
        shutil.copyfile(boot.initramfs, root / _INITRAMFS)
    mark = f"boot/{_mark(boot)}"
    (root / mark).touch()
    script = scratch / "grub.cfg"
    script.write_text(grub_script(boot, mark), encoding="ascii")
    command.run(core_command(script, root / _CORE), hint="see its message above")
    for path in [*root.rglob("*"), root]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (date, date))
    environment = command.base_environment() | {"SOURCE_DATE_EPOCH": str(date)}
    with atomic_path(destination.absolute()) as partial:
        command.run(disc_command(root, partial), env=environment, hint="is the disk full?")


def check_command_line(line: str) -> None:
    """See that GRUB passes ``line`` on to the kernel as it is; :class:`InputError`."""
    found = sorted(set(line) & _CHANGED_BY_GRUB)
    if found:
        raise InputError(
            f"the kernel command line has {' '.join(found)}, before which GRUB puts a backslash",
            hint="bake the image without that option",
        )
    if len(line) > _LONGEST_COMMAND_LINE:
        raise InputError(
            f"{len(line)} characters of kernel command line",
            hint=f"{_LONGEST_COMMAND_LINE} fit: bake the image with fewer options",
        )


def _check_kernel(kernel: Path) -> None:
    if not is_bzimage(kernel):
        raise InputError(
            f"{kernel}: no bzImage, which GRUB starts",
            hint="bake the image for board linux, with a vmlinuz",
        )


def _mark(boot: Boot) -> str:
    """The name of a file by which GRUB tells this disc from others in the machine."""
    parts = [sha256_of(boot.kernel), sha256_of(boot.initramfs) if boot.initramfs else ""]
    return "-".join(part[:16] for part in parts if part)


def grub_script(boot: Boot, mark: str) -> str:
    """The commands that GRUB's core runs; ``mark`` is a file that only this disc has."""
    # In single quotes nothing else is special, and check_command_line() allows none.
    words = " ".join(f"'{word}'" for word in boot.command_line.split())
    lines = [f"search.file /{mark} root", f"linux /{_KERNEL} {words}"]
    if boot.initramfs:
        lines.append(f"initrd /{_INITRAMFS}")
    return "\n".join([*lines, "boot", ""])


def core_command(script: Path, core: Path) -> list[str]:
    """The command that makes GRUB's core with ``script`` in it, as El Torito starts it."""
    return [
        _MKIMAGE,
        *("--format", "i386-pc-eltorito"),
        *("--directory", str(_MODULES)),
        *("--prefix", "/boot/grub"),
        *("--config", str(script)),
        *("--output", str(core)),
        *_BUILT_IN,
    ]


def disc_command(root: Path, destination: Path) -> Sequence[str]:
    """The command that writes ``root`` as a disc; it takes its date from ``SOURCE_DATE_EPOCH``."""
    return [
        _XORRISO,
        *("-as", "mkisofs"),
        "-quiet",
        *("-volid", VOLUME),
        "-rational-rock",
        *("-iso-level", "3"),
        *("-eltorito-boot", _CORE),
        "-no-emul-boot",
        *("-boot-load-size", "4"),
        "-boot-info-table",
        "--grub2-boot-info",
        *("--grub2-mbr", str(_MODULES / "boot_hybrid.img")),
        *("-output", str(destination)),
        str(root),
    ]
