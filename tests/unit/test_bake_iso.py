# SPDX-License-Identifier: BSD-2-Clause
"""Discs: what GRUB is given, and what is refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun.bake import iso
from rumprun.bake.board import Boot
from rumprun.bake.image import image_text
from rumprun.cli.main import main
from rumprun.errors import InputError, MissingError, RumprunError
from unit.test_bake_image import IMAGE

BOOT = Boot(
    kernel=Path("/i/kernel"),
    initramfs=Path("/i/initramfs"),
    command_line="console=ttyS0 a=$b;{c} -- x",
)


def test_the_script_quotes_each_word() -> None:
    assert iso.grub_script(BOOT, "boot/mark") == (
        "search.file /boot/mark root\n"
        "linux /boot/kernel 'console=ttyS0' 'a=$b;{c}' '--' 'x'\n"
        "initrd /boot/initramfs\n"
        "boot\n"
    )
    bare = Boot(kernel=Path("/k"), initramfs=None, command_line="")
    assert "initrd" not in iso.grub_script(bare, "m")


def test_the_commands() -> None:
    core = iso.core_command(Path("/s/grub.cfg"), Path("/s/core"))
    assert core[0] == "grub-mkimage"
    assert {"iso9660", "linux", "boot", "search_fs_file"} <= set(core)
    disc = iso.disc_command(Path("/s/root"), Path("/o.iso"))
    assert disc[:3] == ["xorriso", "-as", "mkisofs"]
    assert disc[-2:] == ["/o.iso", "/s/root"]


@pytest.mark.parametrize("line", ["a'b", 'a="b c"', "a\\b", "x" * 2048])
def test_command_lines_that_grub_would_change(line: str) -> None:
    with pytest.raises(InputError, match="kernel command line"):
        iso.check_command_line(line)


def test_other_command_lines() -> None:
    iso.check_command_line(BOOT.command_line)
    iso.check_command_line("x" * 2000)


@pytest.mark.parametrize(
    ("tool", "package"), [("grub-mkimage", "grub-common"), ("xorriso", "xorriso")]
)
def test_a_missing_tool_is_named_with_its_package(
    tool: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "shutil.which", lambda name, **_rest: None if name == tool else f"/bin/{name}"
    )
    with pytest.raises(MissingError, match=f"{tool}: not found; install {package}"):
        iso.require_tools()


def test_missing_modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name, **_rest: f"/bin/{name}")
    monkeypatch.setattr(iso, "_MODULES", tmp_path)
    with pytest.raises(MissingError, match="install grub-pc-bin"):
        iso.require_tools()


@pytest.mark.parametrize("content", [b"", b"\x7fELF" + bytes(600)])
def test_a_kernel_that_grub_does_not_start(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iso, "require_tools", lambda: None)
    kernel = tmp_path / "kernel"
    kernel.write_bytes(content)
    boot = Boot(kernel=kernel, initramfs=None, command_line="quiet")
    with pytest.raises(InputError, match="no bzImage"):
        iso.write_iso(boot, tmp_path / "o.iso", tmp_path, date=0)
    assert [path.name for path in tmp_path.iterdir()] == ["kernel"]


def test_the_command_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise RumprunError("not now")

    directory = tmp_path / "image"
    assert main(["iso", str(directory), "-o", str(tmp_path / "a.iso")]) == 4
    directory.mkdir()
    (directory / "image.json").write_text(image_text(IMAGE))
    # Its files are not there.
    assert main(["iso", str(directory), "-o", str(tmp_path / "a.iso")]) == 4
    monkeypatch.setattr("rumprun.cli.iso.check_files", lambda _image, _directory: None)
    assert main(["iso", str(directory), "-o", str(tmp_path)]) == 2
    monkeypatch.setattr("rumprun.cli.iso.write_iso", refuse)
    assert main(["iso", str(directory), "-o", str(tmp_path / "a.iso")]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["image"]
    capsys.readouterr()
    for console in ("", "tty 0", "ttyS0,"):
        with pytest.raises(SystemExit):
            main(["iso", str(directory), "-o", "a.iso", "--console", console])
