# SPDX-License-Identifier: BSD-2-Clause
"""What is refused before anything is written."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from rumprun.bake.board import BakeRequest, ProgramRequest
from rumprun.bake.check import check_request
from rumprun.bake.root import Entry
from rumprun.config.check import parse_document
from rumprun.errors import InputError, MissingError
from rumprun.target.descriptor import load_target
from unit.test_bake_program import elf


@pytest.fixture
def good(tmp_path: Path) -> BakeRequest:
    """A request of two programs that nothing is wrong with."""
    program = tmp_path / "p"
    program.write_bytes(elf())
    return BakeRequest(
        programs=tuple(ProgramRequest(file=program, name=name, argv=(name,)) for name in "ab"),
        target=load_target(),
        kernel_package="linux-image-amd64",
    )


def test_two_copies_of_one_program_are_fine(good: BakeRequest) -> None:
    check_request(good)


def test_two_programs_of_one_name(good: BakeRequest) -> None:
    programs = (*good.programs, good.programs[0])
    with pytest.raises(InputError, match="two programs are called a"):
        check_request(dataclasses.replace(good, programs=programs))


def test_a_file_in_the_place_of_a_program(good: BakeRequest) -> None:
    files = {"bin/b": Entry(content=b"")}
    with pytest.raises(InputError, match="/bin/b is a file of the image, and the program b"):
        check_request(dataclasses.replace(good, files=files))


def test_what_does_not_fit_the_memory(good: BakeRequest) -> None:
    files = {"data": Entry(content=bytes(3 << 20))}
    check_request(dataclasses.replace(good, files=files, memory=4))
    with pytest.raises(InputError, match=r"3 MiB of memory, .* alone take 3\.\d MiB"):
        check_request(dataclasses.replace(good, files=files, memory=3))


def test_options_that_do_not_fit_the_command_line(good: BakeRequest) -> None:
    with pytest.raises(InputError, match="1025 characters of kernel options"):
        check_request(dataclasses.replace(good, options=("x" * 1025,)))


def test_a_function_wants_an_entrypoint_that_has_it(good: BakeRequest) -> None:
    text = json.dumps({"delegate": {"net": {"symbol": "my_net"}}})
    request = dataclasses.replace(good, config=parse_document(text.encode(), where="config"))
    with pytest.raises(InputError, match=r"delegate\.net: .* no function my_net"):
        check_request(request)
    check_request(dataclasses.replace(request, entrypoint=good.programs[0].file))


def test_an_entrypoint_is_a_program_like_others(good: BakeRequest, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    with pytest.raises(InputError, match="a script for /bin/sh"):
        check_request(dataclasses.replace(good, entrypoint=script))
    with pytest.raises(MissingError, match="no such program"):
        check_request(dataclasses.replace(good, entrypoint=tmp_path / "absent"))
