# SPDX-License-Identifier: BSD-2-Clause
"""Manifests: what is written arrives, and each fault is told with its key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake import manifest as manifest_module
from rumprun.bake.manifest import for_board, read_manifest
from rumprun.bake.root import Directory, Entry, Link
from rumprun.errors import InputError, MissingError, RumprunError
from unit.test_bake_program import elf

PAGE = Path(__file__).resolve().parents[2] / "doc" / "manifest.md"


@pytest.fixture
def write(tmp_path: Path) -> Path:
    """A directory with a program in it, for manifests."""
    (tmp_path / "prog").write_bytes(elf())
    return tmp_path


def manifest(directory: Path, text: str) -> Path:
    path = directory / "x.rumprun-bake"
    path.write_text(text)
    return path


def test_the_example_of_the_page_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "server").write_bytes(elf())
    (tmp_path / "conf" / "empty").mkdir(parents=True)
    (tmp_path / "conf" / "run").write_text("#!")
    (tmp_path / "conf" / "run").chmod(0o755)
    (tmp_path / "conf" / "link").symlink_to("run")
    installed = tmp_path / "sqlite3"
    monkeypatch.setattr(manifest_module, "find_program", lambda *_words: installed)
    found = read_manifest(manifest(tmp_path, text))
    server, database = found.programs
    assert (server.name, server.argv) == ("server", ("server", "--verbose"))
    assert server.env == (("PORT", "80"),)
    assert (database.name, database.argv, database.file) == ("database", ("database",), installed)
    assert found.memory == 64
    assert found.options == ("mitigations=off",)
    assert found.config is not None
    assert found.config.hostname == "shop.example.org"
    assert found.files == {
        "etc/server": Directory(),
        "etc/server/empty": Directory(),
        "etc/server/link": Link(goal="run"),
        "etc/server/run": Entry(content=tmp_path / "conf" / "run", executable=True),
        "etc/motd": Entry(content=b"welcome\n"),
    }


def test_paths_in_debian_start_above_it(write: Path) -> None:
    (write / "debian").mkdir()
    found = read_manifest(manifest(write / "debian", '[[program]]\npath = "prog"\n'))
    assert found.programs[0].file == write / "prog"


def test_the_configuration_may_be_a_file(write: Path) -> None:
    (write / "c.json").write_text('{"rc": [{"bin": "prog"}]}')
    text = 'config-file = "c.json"\n[[program]]\npath = "prog"\n'
    found = read_manifest(manifest(write, text))
    assert found.config is not None
    assert found.config.rc is not None
    (write / "c.json").write_text('{"rc": [{"bin": "porg"}]}')
    with pytest.raises(InputError, match=r"c\.json: rc\[0\]\.bin.*'porg'"):
        read_manifest(manifest(write, text))


PROGRAM = '[[program]]\npath = "prog"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "program: missing"),
        ("program = []", "program: is empty"),
        ("[[program]]\n", r"program\[0\]: has neither path nor package"),
        ("memroy = 1\n" + PROGRAM, "memroy: no such key.*did you mean memory"),
        ('memory = "1"\n' + PROGRAM, "memory: is the string '1', not an integer"),
        ("memory = 0\n" + PROGRAM, "memory: is the number 0.*1 to 1048576"),
        ('[[program]]\npath = "prog"\nargs = []', r"program\[0\]\.args: no such key.*argv"),
        ('[[program]]\npath = "prog"\nargv = []', r"program\[0\]\.argv: is empty"),
        ('[[program]]\npath = "prog"\nname = "a/b"', r"program\[0\]\.name: is 'a/b'"),
        ('[kernel]\nfile = "k"\npackage = "p1"\n' + PROGRAM, r"kernel\.package: there is a file"),
        ('[kernel]\noptions = ["a b"]\n' + PROGRAM, r"kernel\.options\[0\]: is 'a b'"),
        ('config-file = "x"\n' + PROGRAM + "[config]\n", "config-file: there is a table"),
        (PROGRAM + '[[file]]\npath = "etc"', r"file\[0\]\.path: is 'etc'"),
        (PROGRAM + '[[file]]\npath = "/a"\ntext = ""\nlink = "b"', "has text and link"),
        (PROGRAM + '[[file]]\npath = "/rumprun/x"', "/rumprun is not for files of one's own"),
        (PROGRAM + '[[file]]\npath = "/a/../b"', "no path in an image"),
        (PROGRAM + '[config]\nrc = [{bin = "porg"}]', r"config: rc\[0\]\.bin.*did you mean prog"),
        (PROGRAM + "[config]\nhostname = 2026-01-01", "JSON has no form for"),
        ("a = ", "no TOML"),
        ("a = " + "[" * 5000, "no TOML"),
    ],
)
def test_faults(write: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_manifest(manifest(write, text))
    assert re.search(message, f"{caught.value}; {caught.value.hint}", re.DOTALL)


def test_what_is_not_there(write: Path) -> None:
    with pytest.raises(MissingError, match="no such manifest"):
        read_manifest(write / "y.rumprun-bake")
    with pytest.raises(InputError, match="a directory"):
        read_manifest(write)
    text = PROGRAM + '[[file]]\npath = "/a"\nsource = "nowhere"'
    with pytest.raises(MissingError, match="nowhere: no such file"):
        read_manifest(manifest(write, text))
    with pytest.raises(MissingError, match="apt-get install no-such-rumprun"):
        read_manifest(manifest(write, '[[program]]\npackage = "no-such-rumprun"'))


@given(st.binary(max_size=200))
def test_garbage_is_refused_in_words(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage.rumprun-bake"
    path.write_bytes(data)
    with pytest.raises(RumprunError):
        read_manifest(path)


def test_another_board_has_another_kernel(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(elf())
    text = 'memory = 64\n[kernel]\nfile = "slim"\noptions = ["a"]\n[[program]]\npath = "p"\n'
    found = read_manifest(manifest(tmp_path, text))
    assert for_board(found, "linux") == found
    other = for_board(found, "pvh")
    assert (other.board, other.kernel, other.memory, other.options) == ("pvh", None, None, ())
    assert other.programs == found.programs
