# SPDX-License-Identifier: BSD-2-Clause
"""image.json: what is written reads back, and nothing else is believed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake.image import (
    IMAGE_JSON,
    Image,
    ImageFile,
    KernelOrigin,
    Program,
    check_files,
    describe_file,
    image_document,
    image_text,
    parse_image,
    read_image,
)
from rumprun.errors import InputError, MissingError

IMAGE = Image(
    board="linux",
    target="musl",
    programs=(
        Program(
            name="hello",
            path="/bin/hello",
            argv=("hello", "a b", "", "\N{SNOWMAN}", os.fsdecode(b"\xff")),
            env=(("PATH", "/bin"),),
            size=3,
            sha256="a" * 64,
        ),
    ),
    config={"version": 1, "rc": [{"bin": "hello"}]},
    memory=64,
    options=("nosmp", "a=b"),
    kernel=KernelOrigin(package="linux-image-6.1.0-1-amd64", version="1:6.1~rc1+b1"),
    files=(ImageFile(name="kernel", size=5, sha256="b" * 64),),
)


def test_reads_back() -> None:
    assert parse_image(image_text(IMAGE)) == IMAGE


words = st.binary(max_size=20).filter(lambda word: b"\0" not in word).map(os.fsdecode)


@given(st.lists(words, min_size=1))
def test_every_argument_reads_back(argv: list[str]) -> None:
    document = image_document(IMAGE)
    document["programs"][0]["argv"] = argv
    assert parse_image(json.dumps(document)).programs[0].argv == tuple(argv)


def put(document: dict[str, Any], place: str, value: object) -> dict[str, Any]:
    node: Any = document
    *parents, last = [int(key) if key.isdigit() else key for key in place.split("|")]
    for key in parents:
        node = node[key]
    node[last] = value
    return document


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("format", 3),
        ("format", 1),
        ("surprise", 1),
        ("board", "../linux"),
        ("board", "linux\n"),
        ("programs", []),
        ("programs|0|path", "/bin/../init"),
        ("programs|0|path", "bin/hello"),
        ("programs|0|argv", []),
        ("programs|0|argv", ["a\0b"]),
        ("programs|0|env", {"A=B": "c"}),
        ("programs|0|env", {"": "c"}),
        ("programs|0|size", -1),
        ("programs|0|sha256", "A" * 64),
        ("programs|0|surprise", 1),
        ("kernel|surprise", 1),
        ("kernel|version", None),
        ("files", {}),
        ("files|../kernel", {"size": 1, "sha256": "b" * 64}),
        ("files|kernel\n", {"size": 1, "sha256": "b" * 64}),
        ("files|kernel", {"size": 1}),
    ],
)
def test_refused(place: str, value: object) -> None:
    with pytest.raises(InputError, match="bake the image again"):
        parse_image(json.dumps(put(image_document(IMAGE), place, value)))


keys = st.text(max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | keys,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
places = st.sampled_from(["format", "board", "programs", "programs|0|argv", "kernel", "files"])


@given(places, json_values)
def test_strange_values_are_refused_in_one_way(place: str, value: object) -> None:
    text = json.dumps(put(image_document(IMAGE), place, value))
    try:
        parse_image(text)
    except InputError:
        return
    assert json.loads(image_text(parse_image(text))) == json.loads(text)


@given(st.text())
def test_strange_texts_are_refused_in_one_way(text: str) -> None:
    with pytest.raises(InputError):
        parse_image(text)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(InputError):
        parse_image("[" * 100_000)


def test_no_image(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no image there"):
        read_image(tmp_path)
    (tmp_path / IMAGE_JSON).write_bytes(b"\xff")
    with pytest.raises(InputError, match="no UTF-8"):
        read_image(tmp_path)
    with pytest.raises(MissingError):
        read_image(tmp_path / IMAGE_JSON)


def test_files_are_checked(tmp_path: Path) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"12345")
    image = Image(
        board="linux",
        target="musl",
        programs=IMAGE.programs,
        kernel=None,
        files=(describe_file(kernel),),
    )
    check_files(image, tmp_path)
    kernel.write_bytes(b"12346")
    with pytest.raises(InputError, match="not the file"):
        check_files(image, tmp_path)
    kernel.unlink()
    with pytest.raises(MissingError, match="not there"):
        check_files(image, tmp_path)
