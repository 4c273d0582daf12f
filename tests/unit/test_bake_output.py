# SPDX-License-Identifier: BSD-2-Clause
"""An image directory appears whole or not at all, and replaces nothing but an image."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from rumprun import origin
from rumprun.bake.board import BakeRequest, Board, Boot, BootRequest, ProgramRequest
from rumprun.bake.image import Image, Program, check_files, describe_file, read_image
from rumprun.bake.output import bake_image
from rumprun.bake.root import Entry, Link
from rumprun.contributions import Contributions, LinkedFile
from rumprun.errors import InputError, SystemFault, UsageError
from rumprun.target.descriptor import load_target
from unit.contribution_samples import program_of
from unit.test_bake_program import elf


class PlainBoard:
    """Writes one file; fails after that where told to."""

    name = "linux"
    description = "for tests"
    machines = ("pc",)
    domains = ("pvh",)

    def __init__(self, content: bytes = b"one", failure: Exception | None = None) -> None:
        self.content = content
        self.failure = failure

    def entrypoint(self, request: BakeRequest) -> None:
        pass

    def base(self, directory: Path) -> None:
        pass

    def bake(self, request: BakeRequest, directory: Path) -> Image:
        (directory / "blob").write_bytes(self.content)
        if self.failure:
            raise self.failure
        program = Program(name="p", path="/bin/p", argv=("p",), env=(), size=1, sha256="0" * 64)
        return Image(
            board=self.name,
            target=request.target.name,
            programs=(program,),
            kernel=None,
            files=(describe_file(directory / "blob"),),
        )

    def boot(self, image: Image, directory: Path, request: BootRequest, scratch: Path) -> Boot:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def nobody_owns_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """What dpkg would be asked for."""
    monkeypatch.setattr(origin, "owners_of", lambda _files: {})


@pytest.fixture
def request_(tmp_path: Path) -> BakeRequest:
    program = tmp_path / "in" / "p"
    program.parent.mkdir()
    program.write_bytes(elf())
    return BakeRequest(
        programs=(ProgramRequest(file=program, name="p", argv=("p",)),),
        target=load_target(),
        kernel_package="linux-image-amd64",
        offline=True,
    )


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_new_directory_and_replacement(tmp_path: Path, request_: BakeRequest) -> None:
    place = tmp_path / "deep" / "er" / "image"
    board: Board = PlainBoard()
    assert bake_image(board, request_, place) == read_image(place)
    bake_image(PlainBoard(b"two"), request_, place)
    assert (place / "blob").read_bytes() == b"two"
    assert names(place) == {"blob", "image.json", "sbom.spdx.json"}
    assert names(place.parent) == {"image"}


def test_empty_directory_is_taken(tmp_path: Path, request_: BakeRequest) -> None:
    place = tmp_path / "image"
    place.mkdir()
    bake_image(PlainBoard(), request_, place)
    assert names(place) == {"blob", "image.json", "sbom.spdx.json"}


@pytest.mark.parametrize("failure", [SystemFault("disk full"), KeyboardInterrupt()])
def test_failure_leaves_the_old_one(
    tmp_path: Path, request_: BakeRequest, failure: Exception
) -> None:
    place = tmp_path / "out" / "image"
    with pytest.raises(type(failure)):
        bake_image(PlainBoard(failure=failure), request_, place)
    assert names(place.parent) == set()
    bake_image(PlainBoard(), request_, place)
    with pytest.raises(type(failure)):
        bake_image(PlainBoard(b"two", failure), request_, place)
    assert (place / "blob").read_bytes() == b"one"
    assert names(place.parent) == {"image"}


def test_strangers_are_refused(tmp_path: Path, request_: BakeRequest) -> None:
    place = tmp_path / "out"
    place.mkdir()
    (place / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="no image"):
        bake_image(PlainBoard(), request_, place)
    assert names(place) == {"thesis.tex"}
    with pytest.raises(UsageError, match="no directory"):
        bake_image(PlainBoard(), request_, place / "thesis.tex")
    link = tmp_path / "link"
    link.symlink_to(place)
    with pytest.raises(UsageError, match="no directory"):
        bake_image(PlainBoard(), request_, link)


def test_image_with_a_stranger_is_refused(tmp_path: Path, request_: BakeRequest) -> None:
    place = tmp_path / "image"
    bake_image(PlainBoard(), request_, place)
    (place / "notes").write_text("mine")
    with pytest.raises(UsageError, match="also notes"):
        bake_image(PlainBoard(b"two"), request_, place)
    assert (place / "blob").read_bytes() == b"one"


def test_board_must_fit_the_target(tmp_path: Path, request_: BakeRequest) -> None:
    other = dataclasses.replace(request_.target, boards=("other",))
    with pytest.raises(InputError, match="has no board linux"):
        bake_image(PlainBoard(), dataclasses.replace(request_, target=other), tmp_path / "i")


def test_what_goes_in_is_noted(tmp_path: Path, request_: BakeRequest) -> None:
    said = Contributions(own=5, linked=(LinkedFile(file="lib/libz.a", bytes=7),))
    helper = tmp_path / "helper"
    helper.write_bytes(program_of(said))
    files = {
        "bin/helper": Entry(content=helper, executable=True),
        "etc/motd": Entry(content=b"hello"),
        "etc/link": Link(goal="motd"),
    }
    place = tmp_path / "image"
    bake_image(PlainBoard(), dataclasses.replace(request_, files=files), place)
    image = read_image(place)
    assert [(each.kind, each.name) for each in image.components] == [
        ("program", "/bin/p"),
        ("program", "/bin/helper"),
        ("file", "/etc/motd"),
    ]
    own, program, motd = image.components
    assert (own.contributions, own.source, own.contains) == (None, None, ())
    assert program.contributions == said
    assert motd.sha256 == hashlib.sha256(b"hello").hexdigest()
    assert image.sbom == "sbom.spdx.json"
    sbom = json.loads((place / "sbom.spdx.json").read_text(encoding="ascii"))
    (described,) = [file for file in sbom["files"] if file["fileName"] == "./etc/motd"]
    sha1 = hashlib.sha1(b"hello", usedforsecurity=False).hexdigest()
    assert {"algorithm": "SHA1", "checksumValue": sha1} in described["checksums"]
    check_files(image, place)
