# SPDX-License-Identifier: BSD-2-Clause
"""The board ``pvh``: what goes into its image, how it is started, and what it refuses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rumprun import origin
from rumprun.bake.base import root_of
from rumprun.bake.board import SERIAL_CONSOLE, BakeRequest, BootRequest, ProgramRequest, find_board
from rumprun.bake.boards import pvh
from rumprun.bake.calls import Calls
from rumprun.bake.image import Image
from rumprun.bake.inspect import as_lines, inspect
from rumprun.bake.output import bake_image
from rumprun.bake.packed import unpack_image
from rumprun.bake.root import Directory, Entry
from rumprun.bake.root_archive import read_root
from rumprun.bake.slots import SLOT_SIZE, slot_start
from rumprun.bake.table import encode_table
from rumprun.bake.unpack import read_programs
from rumprun.cli.main import main
from rumprun.config.check import parse_document
from rumprun.errors import MissingError, UsageError
from rumprun.lab.debug import place_programs
from rumprun.target.descriptor import load_target
from unit.pvh_samples import install
from unit.test_slots import R, X, with_segments

BOARD = find_board("pvh")
NETWORK_CALLS = "+ 0 read\n+ 49 bind\n- 57 fork\n"


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A base that is installed; nobody owns it, and programs have no code."""
    root = tmp_path / "boards"
    monkeypatch.setenv("RUMPRUN_BOARD_ROOT", str(root))
    monkeypatch.setattr(origin, "owners_of", lambda _files: {})
    monkeypatch.setattr("rumprun.bake.iso.require_tools", lambda: None)
    calling(monkeypatch)
    return install(root)


def calling(monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
    """Have each program make these calls."""
    calls = Calls(numbers=frozenset(numbers), unknown=False)
    monkeypatch.setattr(pvh, "disassemble", lambda _program, _target: "")
    monkeypatch.setattr(pvh, "calls_in", lambda _listing: calls)


@pytest.fixture(name="request_")
def two_programs(tmp_path: Path) -> BakeRequest:
    programs = []
    for name in ("one", "two"):
        path = tmp_path / name
        path.write_bytes(with_segments((R | X, 0x1000, 10)))
        programs.append(ProgramRequest(file=path, name=name, argv=(name, "a b")))
    return BakeRequest(
        programs=tuple(programs),
        target=load_target(),
        files={"etc/motd": Entry(content=b"hello")},
        kernel_package="linux-image-amd64",
        date=77,
    )


def baked(request: BakeRequest, place: Path) -> Image:
    return bake_image(BOARD, request, place)


def test_the_image_is_one_file_with_all_in_it(tmp_path: Path, request_: BakeRequest) -> None:
    text = b'{"env": {"A": "1"}, "mount": {"/srv/data": {"source": "tmpfs"}}}'
    document = parse_document(text, where="x")
    image = baked(dataclasses.replace(request_, config=document), tmp_path / "image")
    assert [file.name for file in image.files] == ["kernel", "sbom.spdx.json"]
    content = (tmp_path / "image/kernel").read_bytes()
    root = read_root(root_of(unpack_image(content, where="x"), where="x"), where="x")
    assert {name for name, entry in root.items() if not isinstance(entry, Directory)} == {
        "bin/one", "bin/two", "etc/motd", "rumprun/config.json", "rumprun/table",
    }  # fmt: skip
    assert {"dev", "proc", "run", "tmp", "srv/data"} <= root.keys()
    assert root["rumprun/table"] == Entry(content=encode_table(image.programs))
    for number, (program, file) in enumerate(read_programs(image, tmp_path / "image").items(), 1):
        assert root[program.path[1:]] == Entry(content=file, executable=True)
        assert slot_start(file) == number * SLOT_SIZE


def test_two_bakes_are_identical(tmp_path: Path, request_: BakeRequest) -> None:
    for name in ("first", "second"):
        baked(request_, tmp_path / name)
    for file in (tmp_path / "first").iterdir():
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes()


def test_the_machine_is_small(tmp_path: Path, request_: BakeRequest) -> None:
    assert baked(request_, tmp_path / "image").memory == 17
    wanted = dataclasses.replace(request_, memory=3)
    assert baked(wanted, tmp_path / "image").memory == 3


def test_the_base_is_a_component(tmp_path: Path, request_: BakeRequest, base: Path) -> None:
    image = baked(request_, tmp_path / "image")
    assert [(each.kind, each.name) for each in image.components] == [
        ("base", "base"), ("program", "/bin/one"), ("program", "/bin/two"), ("file", "/etc/motd"),
    ]  # fmt: skip
    assert image.components[0].size < base.stat().st_size
    assert BOARD.base(tmp_path / "image") == base
    lines = list(as_lines(inspect(image, tmp_path / "image")))
    assert any(line.split()[:1] == ["base"] for line in lines)
    base.write_bytes(b"".join([base.read_bytes()[:4100], b"x", base.read_bytes()[4101:]]))
    assert BOARD.base(tmp_path / "image") is None


def test_it_is_started_as_baked(tmp_path: Path, request_: BakeRequest) -> None:
    wanted = dataclasses.replace(request_, options=("word", "-- {}"))
    image = baked(wanted, tmp_path / "image")
    boot = BOARD.boot(image, tmp_path / "image", BootRequest(control="ttyS1"), tmp_path)
    assert boot.kernel == tmp_path / "image/kernel"
    assert boot.initramfs is None
    assert boot.command_line == f"console={SERIAL_CONSOLE} rumprun.control=ttyS1 word -- {{}}"


def test_what_is_changed_is_in_a_module(tmp_path: Path, request_: BakeRequest) -> None:
    image = baked(request_, tmp_path / "image")
    config = '{"mount": {"/srv": {"source": "tmpfs"}}}'
    request = BootRequest(arguments=("x y", ""), config=config, trace=True)
    boot = BOARD.boot(image, tmp_path / "image", request, tmp_path)
    assert boot.command_line.endswith(" rumprun.trace=1")
    assert boot.initramfs is not None
    first = dataclasses.replace(image.programs[0], argv=("one", "x y", ""))
    assert read_root(boot.initramfs.read_bytes(), where="x") == {
        "rumprun": Directory(),
        "rumprun/boot.json": Entry(content=config.encode()),
        "rumprun/table": Entry(content=encode_table([first, image.programs[1]])),
        "srv": Directory(),
    }


def test_linux_has_no_trace(tmp_path: Path, request_: BakeRequest) -> None:
    image = baked(request_, tmp_path / "image")
    with pytest.raises(UsageError, match="no trace"):
        find_board("linux").boot(image, tmp_path, BootRequest(trace=True), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel": Path("vmlinuz")}, "a kernel for board pvh"),
        ({"kernel_package": "linux-source"}, "a kernel for board pvh"),
        ({"entrypoint": Path("init")}, "an entrypoint for board pvh"),
    ],
)
def test_what_the_board_has_no_use_for_is_refused(
    tmp_path: Path, request_: BakeRequest, changes: dict[str, object], message: str
) -> None:
    wanted = dataclasses.replace(request_, **changes)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=message):
        BOARD.bake(wanted, tmp_path)


def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr("rumprun.ui.warn", said.append)
    return said


def test_absent_calls_are_warned_of(
    tmp_path: Path, request_: BakeRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = warnings(monkeypatch)
    calling(monkeypatch, 0, 231)
    baked(request_, tmp_path / "image")
    assert said == []
    calling(monkeypatch, 0, 59, 57)
    baked(request_, tmp_path / "image")
    first, second = said
    assert "one has code that calls fork, execve, which board pvh does not have" in first
    assert second.startswith("two ")


@pytest.mark.parametrize("by_configuration", [True, False])
def test_the_network_is_linked_in_where_it_is_wanted(
    tmp_path: Path, request_: BakeRequest, monkeypatch: pytest.MonkeyPatch, base: Path,
    by_configuration: bool,
) -> None:  # fmt: skip
    install(tmp_path / "boards", calls="+ 0 read\n- 49 bind\n")
    wanted = request_
    if by_configuration:
        document = parse_document(b'{"net": {"interfaces": {}}}', where="x")
        wanted = dataclasses.replace(request_, config=document)
    else:
        calling(monkeypatch, 0, 49)
    said = warnings(monkeypatch)
    if by_configuration:
        with pytest.raises(MissingError, match="base-net"):
            BOARD.bake(wanted, tmp_path)
    else:
        baked(wanted, tmp_path / "image")
        assert [line for line in said if "calls bind" in line]
    said.clear()
    net = install(tmp_path / "boards", name="base-net", calls=NETWORK_CALLS)
    content = net.read_bytes().replace(b"data", b"DATA")
    net.write_bytes(content)
    baked(wanted, tmp_path / "image")
    assert BOARD.base(tmp_path / "image") == net
    assert said == []
    assert base != net


def test_without_the_board_there_is_no_image(request_: BakeRequest, tmp_path: Path,
                                             base: Path) -> None:  # fmt: skip
    base.unlink()
    with pytest.raises(MissingError, match=r"base.*not there"):
        BOARD.bake(request_, tmp_path)


def test_other_commands_know_the_image(
    tmp_path: Path, request_: BakeRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "small.image"
    baked(request_, place)
    assert main(["xl", str(place)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {'name = "small"', 'type = "pvh"', f'kernel = "{place}/kernel"'} <= set(lines)
    assert 'extra = "console=hvc0"' in lines
    assert not any(line.startswith("ramdisk") for line in lines)
    module = tmp_path / "module"
    assert main(["xl", str(place), "--ramdisk", str(module), "--", "x"]) == 0
    assert f'ramdisk = "{module}"' in capsys.readouterr().out.splitlines()
    assert "rumprun/table" in read_root(module.read_bytes(), where="x")
    assert main(["xl", str(place), "--ramdisk", str(module)]) == UsageError.exit_code
    assert "nothing to put there" in capsys.readouterr().err
    assert main(["xl", str(place), "--type", "pv"]) == UsageError.exit_code
    assert "board pvh does not run in a domain of type pv" in capsys.readouterr().err
    assert main(["iso", "-o", str(tmp_path / "i.iso"), str(place)]) != 0
    assert "bake the image for board linux" in capsys.readouterr().err


def test_gdb_finds_programs_where_they_are(tmp_path: Path, request_: BakeRequest) -> None:
    image = baked(request_, tmp_path / "image")
    placed = place_programs(read_programs(image, tmp_path / "image"), (), tmp_path)
    assert [(each.base, each.offset, each.content) for each in placed] == [
        (SLOT_SIZE, SLOT_SIZE, None),
        (2 * SLOT_SIZE, 2 * SLOT_SIZE, None),
    ]
