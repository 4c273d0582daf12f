# SPDX-License-Identifier: BSD-2-Clause
"""Baking into a directory that appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

from rumprun.bake.board import BakeRequest, Board
from rumprun.bake.check import check_request
from rumprun.bake.image import IMAGE_JSON, Image, image_text, read_image
from rumprun.bake.notes import add_notes
from rumprun.errors import InputError, RumprunError, UsageError
from rumprun.workdir import temporary_tree


def bake_image(board: Board, request: BakeRequest, destination: Path) -> Image:
    """Bake ``request`` for ``board`` into the directory ``destination``.

    An image that is there already is replaced once the new one is complete; any other directory
    with something in it is refused, with :class:`UsageError`.

    Raises :class:`InputError` or :class:`MissingError` for a program or kernel that will not do.
    """
    if board.name not in request.target.boards:
        raise InputError(
            f"target {request.target.name} has no board {board.name}",
            hint=f"it has {', '.join(request.target.boards)}",
        )
    # What is cheap to refuse comes first, before anything is downloaded.
    check_request(request)
    _check_replaceable(destination)
    destination = destination.absolute()
    destination.parent.mkdir(parents=True, exist_ok=True)
    # Beside the destination, because a rename does not cross file systems.
    with temporary_tree(parent=destination.parent) as scratch:
        fresh = scratch / "new"
        fresh.mkdir()
        image = add_notes(board.bake(request, fresh), board, request, fresh)
        (fresh / IMAGE_JSON).write_text(image_text(image), encoding="ascii")
        _publish(fresh, destination, scratch / "old")
    return image


def _check_replaceable(destination: Path) -> None:
    if not destination.exists() and not destination.is_symlink():
        return
    remedy = "choose another name for -o, or remove it"
    if not destination.is_dir() or destination.is_symlink():
        raise UsageError(f"{destination} is there and no directory", hint=remedy)
    names = {path.name for path in destination.iterdir()}
    if not names:
        return
    try:
        image = read_image(destination)
    except RumprunError as error:
        raise UsageError(f"{destination} is there and no image", hint=remedy) from error
    strangers = names - {IMAGE_JSON} - {file.name for file in image.files}
    if strangers:
        raise UsageError(
            f"{destination} holds an image and also {', '.join(sorted(strangers))}", hint=remedy
        )


def _publish(fresh: Path, destination: Path, aside: Path) -> None:
    if destination.exists():
        destination.rename(aside)
    try:
        fresh.rename(destination)
    except OSError:
        if aside.exists():
            aside.rename(destination)
        raise
