# SPDX-License-Identifier: BSD-2-Clause
"""Temporary trees and whole files, and the machine's failures explained."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rumprun.command import run
from rumprun.errors import SystemFault
from rumprun.workdir import (
    atomic_path,
    faults_explained,
    publish,
    remove_tree,
    temporary_tree,
)

_NOBODY = 65534


@pytest.fixture
def plain_directory() -> Iterator[Path]:
    """A directory of a user for whom modes count: for root they do not."""
    directory = Path(tempfile.mkdtemp())
    if os.geteuid() != 0:
        yield directory
    else:
        os.chown(directory, _NOBODY, _NOBODY)
        os.seteuid(_NOBODY)
        try:
            yield directory
        finally:
            os.seteuid(0)
    shutil.rmtree(directory)


def lock(path: Path) -> None:
    """Take all rights to nested directories away, from the inside out."""
    inner = path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    (inner / "link").symlink_to("/nowhere")
    (path / "pkg").mkdir()
    (path / "pkg" / "go.mod").touch()
    for directory, mode in ((inner, 0o000), (inner.parent, 0o000), (path / "pkg", 0o555)):
        directory.chmod(mode)


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_a_locked_tree_is_removed(plain_directory: Path, error: type[BaseException] | None) -> None:
    try:
        with temporary_tree(parent=plain_directory) as path:
            assert stat.S_IMODE(path.stat().st_mode) == 0o755
            lock(path)
            if error:
                raise error
    except (ValueError, KeyboardInterrupt):
        assert error
    assert list(plain_directory.iterdir()) == []


def test_removal_does_not_touch_modes_outside(plain_directory: Path) -> None:
    tree = plain_directory / "parent" / "tree"
    tree.mkdir(parents=True)
    tree.parent.chmod(0o555)
    with pytest.raises(PermissionError):
        remove_tree(tree)
    assert stat.S_IMODE(tree.parent.stat().st_mode) == 0o555
    tree.parent.chmod(0o755)
    outside = plain_directory / "outside"
    outside.mkdir(mode=0o500)
    (tree / "link").symlink_to(outside)
    remove_tree(tree)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o500


def test_nothing_to_remove_is_no_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "absent")


def test_keep_leaves_the_tree_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with temporary_tree(keep=True, parent=tmp_path) as path:
        pass
    assert path.is_dir()
    assert capsys.readouterr().err == f"kept: {path}\n"


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_a_file_appears_whole_or_not_at_all(
    tmp_path: Path, error: type[BaseException] | None
) -> None:
    destination = tmp_path / "new" / "file"
    destination.parent.mkdir()
    destination.write_text("old", encoding="utf-8")
    try:
        with atomic_path(destination) as partial:
            partial.write_text("new", encoding="utf-8")
            assert destination.read_text(encoding="utf-8") == "old"
            if error:
                raise error
    except (ValueError, KeyboardInterrupt):
        assert error
    assert [path.name for path in destination.parent.iterdir()] == ["file"]
    assert destination.read_text(encoding="utf-8") == ("old" if error else "new")


def test_files_are_published_together_or_not_at_all(tmp_path: Path) -> None:
    names = ["b.deb", "a.deb"]
    for name in names:
        (tmp_path / name).write_text("new", encoding="utf-8")
    output = tmp_path / "made" / "output"
    with pytest.raises(FileNotFoundError):
        publish([tmp_path / "b.deb", tmp_path / "absent.deb"], output)
    assert list(output.iterdir()) == []
    (output / "a.deb").write_text("old", encoding="utf-8")
    done = publish([tmp_path / name for name in names], output)
    assert done == (output / "b.deb", output / "a.deb")
    assert {path.name: path.read_text(encoding="utf-8") for path in output.iterdir()} == {
        "a.deb": "new",
        "b.deb": "new",
    }


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left"),
        (errno.EACCES, "Permission denied"),
        (errno.EROFS, "Read-only"),
    ],
)
def test_faults_of_the_machine_are_explained(number: int, words: str) -> None:
    with pytest.raises(SystemFault, match=words) as caught, faults_explained():
        raise OSError(number, os.strerror(number), "/the/file")
    assert "/the/file" in str(caught.value)
    assert caught.value.hint


def test_other_failures_pass() -> None:
    with pytest.raises(FileNotFoundError), faults_explained():
        raise FileNotFoundError(errno.ENOENT, "x", "y")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    done = run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", mount], check=False)
    if done.returncode != 0:
        pytest.skip(f"no mounting here: {done.stderr.strip()}")
    try:
        with (
            pytest.raises(SystemFault, match="no space left on the disk"),
            faults_explained(),
            atomic_path(mount / "file") as partial,
        ):
            partial.write_bytes(bytes(1 << 20))
        assert list(mount.iterdir()) == []
    finally:
        run(["umount", mount])
