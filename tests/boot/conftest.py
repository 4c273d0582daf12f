# SPDX-License-Identifier: BSD-2-Clause
"""What the boot tests share: the entrypoint as it is now, a program, and its image."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from boot.boot_samples import HERE, ROOT, compile_program, make_request
from rumprun import command
from rumprun.bake.board import find_board
from rumprun.bake.output import bake_image
from rumprun.errors import MissingError
from rumprun.target.descriptor import load_target


@pytest.fixture(scope="session")
def board_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What boards bring, built by their own makefiles, and used by everything in this session."""
    try:
        load_target().tool("gcc")
    except MissingError as error:
        pytest.skip(str(error))
    root = tmp_path_factory.mktemp("boards")
    for part in ("common", "linux", "pvh"):
        command.run(["make", "-C", ROOT / "boards" / part, "install", f"DESTDIR={root}"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUMPRUN_BOARD_ROOT", str(root))
        yield root


@pytest.fixture(scope="session")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests' program, see subject.c."""
    return compile_program(HERE / "subject.c", tmp_path_factory.mktemp("program") / "subject")


@pytest.fixture(scope="session")
def image(board_root: Path, subject: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of the subject, with arguments that a careless layer would break."""
    assert board_root.is_dir()
    directory = tmp_path_factory.mktemp("image") / "image"
    request = make_request(subject, "3", "a b", "", "it's", 'q"x', "--", "\u00fc\n$(x)")
    bake_image(find_board("linux"), request, directory)
    return directory


@pytest.fixture(scope="session")
def pvh_image(board_root: Path, subject: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for board pvh."""
    assert board_root.is_dir()
    directory = tmp_path_factory.mktemp("pvh") / "image"
    request = make_request(subject, "3", "a b", "", "it's", 'q"x', "--", "\u00fc\n$(x)")
    bake_image(find_board("pvh"), request, directory)
    return directory


@pytest.fixture
def copied_image(image: Path, tmp_path: Path) -> Path:
    """A copy of the image that a test may spoil."""
    return Path(shutil.copytree(image, tmp_path / "image"))
