# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board's files and directories, on the host: beside the kernel's, and damaged."""

from __future__ import annotations

import os
import stat
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards.host_build import BASE, OWN, build
from rumprun import command
from rumprun.bake.root import Directory, Entry, Link, Root
from rumprun.bake.root_archive import write_root

PAGE = 4096

TREE = ["path.c", "node.c", "mount.c", "tmpfs.c", "tmpfs_data.c", "tmpfs_entries.c", "file.c",
        "descriptor.c", "sys_path.c", "sys_rename.c", "sys_facts.c", "sys_change.c",
        "sys_open.c"]  # fmt: skip

# From a path to a file's content, a link's goal, or None for a directory; and the mode.
Entries = dict[str, tuple[bytes | None, int]]


@pytest.fixture(scope="module")
def differ(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See tree_differ.c."""
    sources = [OWN / "tree_differ.c", OWN / "memory_shim.c"]
    base = [BASE / name for name in TREE]
    return build(tmp_path_factory.mktemp("tree"), "differ", *sources, *base)


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See root_fuzz.c."""
    sources = [OWN / "root_fuzz.c", BASE / "root_parse.c"]
    return build(tmp_path_factory.mktemp("fuzz"), "fuzz", *sources)


@pytest.fixture(scope="module")
def lister(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See root_list.c."""
    names = ["root.c", "root_parse.c", "path.c", "node.c", "file.c"]
    sources = [OWN / "root_list.c", OWN / "memory_shim.c", *(BASE / name for name in names)]
    return build(tmp_path_factory.mktemp("list"), "list", *sources)


@pytest.fixture
def empty_tmpfs() -> Iterator[Path]:
    """A directory whose file system counts links and blocks as ours does."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        pytest.skip("there is no /dev/shm")
    with tempfile.TemporaryDirectory(dir=shared) as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.mark.parametrize("seed", range(1, 6))
def test_calls_do_as_the_kernels(differ: Path, empty_tmpfs: Path, seed: int) -> None:
    done = command.run([differ, empty_tmpfs, seed, 10000], timeout=120, check=False)
    if done.returncode == 77:
        pytest.skip("no root directory of one's own here")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("seed", range(1, 4))
def test_nothing_is_lost_where_memory_fails(differ: Path, seed: int) -> None:
    command.run([differ, "", seed, 30000], timeout=120)


def archive(entries: Entries, time: int = 1700000000) -> bytes:
    """As doc/pvh-board.md says."""
    names = b"".join(name.encode() + b"\0" for name in sorted(entries))
    names_at = 64 + 32 * len(entries)
    content = bytearray(names.ljust(-(-len(names) // 16) * 16, b"\0"))
    table, name_at = b"", 0
    for name in sorted(entries, key=str.encode):
        data, mode = entries[name]
        data = data or b""
        whole = stat.S_ISREG(mode) and (len(data) >= PAGE or mode & 0o111)
        unit = PAGE if whole else 16
        content += bytes(-(names_at + len(content)) % unit)
        place = names_at + len(content)
        content += data + bytes(-len(data) % unit)
        table += struct.pack("<IIIIQQ", name_at, len(name.encode()), mode, 0, place, len(data))
        name_at += len(name.encode()) + 1
    size = names_at + len(content)
    head = (
        b"rumprun-root 1".ljust(16, b"\0"),
        size,
        len(entries),
        len(names),
        64,
        names_at,
        time,
        0,
    )
    return struct.pack("<16sQIIQQQQ", *head) + table + bytes(content)


DIRECTORY, FILE, LINK = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777
SAMPLE: Entries = {
    "bin": (None, DIRECTORY),
    "bin/hello": (b"\x7fELF" * 2000, FILE | 0o111),
    "bin/tiny": (b"\x7fELF", FILE | 0o111),
    "bin-old": (b"old", FILE),
    "etc": (None, DIRECTORY),
    "etc/empty": (b"", FILE),
    "etc/inner": (None, DIRECTORY),
    "etc/inner/page": (bytes(range(256)) * 16, FILE),
    "etc/link": (b"../bin/hello", LINK),
    "etc/text": (b"text\n", FILE | 0o200),
    "etc0": (None, DIRECTORY),
}
MODULE: Entries = {
    "etc": (None, DIRECTORY),
    "etc/inner": (b"no longer a directory", FILE),
    "etc/more": (b"more", FILE),
    "etc/text": (b"another text\n", FILE),
}


def checksum(data: bytes) -> int:
    total = 0
    for byte in data:
        total = (total * 31 + byte) % (1 << 32)
    return total


def shown(entries: Entries) -> set[str]:
    lines = {f"/ {DIRECTORY:o} 0"}
    for name, (data, mode) in entries.items():
        line = f"/{name} {mode:o} {len(data or b'')}"
        if stat.S_ISLNK(mode) and data:
            line += f" -> {data.decode()}"
        elif data is not None:
            line += f" {checksum(data)} {checksum(data)}"
        lines.add(line)
    return lines


def listed(lister: Path, directory: Path, *archives: bytes, paths: str = "") -> list[str]:
    files = []
    for number, content in enumerate(archives):
        files.append(directory / f"archive{number}")
        files[-1].write_bytes(content)
    return command.run([lister, *files], timeout=60, stdin=paths).stdout.splitlines()


def test_an_archive_is_the_root(lister: Path, tmp_path: Path) -> None:
    lines = listed(lister, tmp_path, archive(SAMPLE))
    assert len(lines) == len(set(lines))
    assert set(lines) == shown(SAMPLE)


def test_what_is_baked_is_the_root(lister: Path, tmp_path: Path) -> None:
    files: Root = {
        "bin/hello": Entry(content=b"\x7fELF" * 2000, executable=True),
        "bin/link": Link(goal="../bin/hello"),
        "empty": Directory(),
        "etc/large": Entry(content=b"large" * 1000),
        "etc/small": Entry(content=b"small"),
    }
    expected: Entries = {
        "bin": (None, DIRECTORY),
        "bin/hello": (b"\x7fELF" * 2000, FILE | 0o111),
        "bin/link": (b"../bin/hello", LINK),
        "empty": (None, DIRECTORY),
        "etc": (None, DIRECTORY),
        "etc/large": (b"large" * 1000, FILE),
        "etc/small": (b"small", FILE),
    }
    assert set(listed(lister, tmp_path, write_root(files, date=0))) == shown(expected)


def test_what_a_module_has_comes_first(lister: Path, tmp_path: Path) -> None:
    lines = listed(lister, tmp_path, archive(MODULE), archive(SAMPLE))
    both = {name: entry for name, entry in SAMPLE.items() if name != "etc/inner/page"} | MODULE
    assert sorted(lines) == sorted(shown(both))


def test_paths_lead_where_they_should(lister: Path, tmp_path: Path) -> None:
    answers = {"/etc/link": 0, "etc/../bin/hello": 0, "/etc/link/": -20, "/bin/hello/x": -20,
               "/nope": -2, "/etc/inner/": 0, "/etc/text/": -20, "/../..": 0,
               "/" + "x" * 256: -36}  # fmt: skip
    lines = listed(lister, tmp_path, archive(SAMPLE), paths="\n".join(answers) + "\n")
    assert lines[-len(answers) :] == [f"{path}: {answer}" for path, answer in answers.items()]


def verdict(fuzz: Path, directory: Path, content: bytes, damaged: int = 0) -> str:
    file = directory / "archive"
    file.write_bytes(content)
    return command.run([fuzz, file, 1, damaged], timeout=120).stdout.strip()


def changed(content: bytes, at: int, form: str, value: int) -> bytes:
    made = bytearray(content)
    struct.pack_into(form, made, at, value)
    return bytes(made)


GOOD = archive(SAMPLE)
# Where the entry of bin/hello is.
HELLO = 64 + 32 * 2


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD[:63], id="no head"),
        pytest.param(b"rumprun-root 2" + GOOD[14:], id="another form"),
        pytest.param(GOOD[:-1], id="cut off"),
        pytest.param(changed(GOOD, 16, "<Q", 63), id="smaller than its head"),
        pytest.param(changed(GOOD, 24, "<I", 1 << 31), id="too many entries"),
        pytest.param(changed(GOOD, 32, "<Q", 8), id="entries are not aligned"),
        pytest.param(changed(GOOD, 32, "<Q", (1 << 64) - 16), id="entries wrap around"),
        pytest.param(changed(GOOD, 40, "<Q", 1 << 40), id="names are outside"),
        pytest.param(changed(GOOD, 28, "<I", 20), id="names end early"),
        pytest.param(changed(GOOD, 56, "<Q", 1), id="something where zeros are"),
        pytest.param(changed(GOOD, HELLO + 4, "<I", 3), id="a name that goes on"),
        pytest.param(changed(GOOD, HELLO + 8, "<I", stat.S_IFCHR | 0o644), id="a device"),
        pytest.param(changed(GOOD, HELLO + 16, "<Q", 1 << 40), id="content outside"),
        pytest.param(changed(GOOD, HELLO + 16, "<Q", 16), id="content on no page"),
        pytest.param(changed(GOOD, HELLO + 24, "<Q", 1 << 63), id="content without end"),
        pytest.param(archive({"a/b": (b"", FILE)}), id="in no directory"),
        pytest.param(archive({"a": (b"", FILE), "a/b": (b"", FILE)}), id="in a file"),
        pytest.param(archive({"..": (None, DIRECTORY)}), id="dots"),
        pytest.param(archive({"/a": (b"", FILE)}), id="begins with a slash"),
        pytest.param(archive({"a": (None, DIRECTORY), "a//b": (b"", FILE)}), id="two slashes"),
        pytest.param(archive({"a": (b"", LINK)}), id="a link to nothing"),
        pytest.param(archive({"x" * 256: (b"", FILE)}), id="a long name"),
    ],
)
def test_an_archive_is_refused(fuzz: Path, tmp_path: Path, content: bytes) -> None:
    assert verdict(fuzz, tmp_path, content) != "taken"


def test_damage_does_no_harm(fuzz: Path, tmp_path: Path) -> None:
    assert verdict(fuzz, tmp_path, GOOD, 20000) == "taken"
