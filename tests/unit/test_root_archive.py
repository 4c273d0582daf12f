# SPDX-License-Identifier: BSD-2-Clause
"""Root archives: what was written is read, in the documented form, and damage is refused."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake.root import Directory, Entry, Link
from rumprun.bake.root_archive import PAGE, read_root, write_root
from rumprun.errors import InputError

FILES = {
    "etc/motd": Entry(content=b"hello\n"),
    "bin/tool": Entry(content=b"\x7fELF and more", executable=True),
    "share/large": Entry(content=bytes(range(256)) * 20),
    "share/page": Entry(content=b"x" * PAGE),
    "empty": Entry(content=b""),
    "var/log": Directory(),
    "etc/link": Link(goal="motd"),
    "etc-other": Entry(content=b"sorts between etc and etc/motd"),
}
ARCHIVE = write_root(FILES, date=1234567890)


def entries() -> dict[bytes, tuple[int, int, int]]:
    """Names to mode, offset and size, read as the documentation says."""
    count, _strings_size, entries_at, strings_at = struct.unpack_from("<IIQQ", ARCHIVE, 24)
    found = {}
    for place in range(entries_at, entries_at + 32 * count, 32):
        name_at, length, mode, zero, at, size = struct.unpack_from("<IIIIQQ", ARCHIVE, place)
        assert zero == 0
        name = ARCHIVE[strings_at + name_at :][: length + 1]
        assert name.endswith(b"\0")
        found[name[:-1]] = (mode, at, size)
    return found


def test_the_form_is_the_documented_one() -> None:
    assert ARCHIVE[:16] == b"rumprun-root 1\0\0"
    assert struct.unpack_from("<Q", ARCHIVE, 16) == (len(ARCHIVE),)
    assert struct.unpack_from("<QQ", ARCHIVE, 48) == (1234567890, 0)
    found = entries()
    assert list(found) == sorted(found)
    assert found[b"etc"] == found[b"var/log"] == (0o040755, 0, 0)
    assert found[b"bin/tool"][0] == 0o100755
    assert found[b"etc/motd"][0] == 0o100644
    mode, at, size = found[b"etc/link"]
    assert (mode, ARCHIVE[at : at + size]) == (0o120777, b"motd")
    assert all(at % 16 == 0 for _mode, at, _size in found.values())


def test_what_is_mapped_has_pages_of_its_own() -> None:
    found = entries()
    for name in (b"bin/tool", b"share/large", b"share/page"):
        _mode, at, size = found[name]
        assert at % PAGE == 0
        assert not any(ARCHIVE[at + size : -(-(at + size) // PAGE) * PAGE])
        assert len(ARCHIVE) >= -(-(at + size) // PAGE) * PAGE
    assert found[b"etc/motd"][1] % PAGE
    assert found[b"empty"] == (0o100644, 0, 0)


def test_what_is_written_is_read() -> None:
    found = read_root(ARCHIVE + b"behind it", where="x")
    directories = {name: Directory() for name in ("bin", "etc", "share", "var")}
    assert found == FILES | directories
    assert write_root(found, date=1234567890) == ARCHIVE


NAMES = st.lists(
    st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1,
            max_size=8).filter(lambda part: part not in (".", "..")),
    min_size=1,
    max_size=3,
).map("/".join)  # fmt: skip


@given(st.dictionaries(NAMES, st.tuples(st.binary(max_size=9000), st.booleans()), max_size=6))
def test_any_files_come_back(contents: dict[str, tuple[bytes, bool]]) -> None:
    files = {
        name: Entry(content=content, executable=executable)
        for name, (content, executable) in contents.items()
        # What is a directory of another is no file.
        if not any(other.startswith(f"{name}/") for other in contents)
    }
    found = read_root(write_root(files, date=0), where="x")
    assert {name: found[name] for name in files} == files
    assert all(isinstance(found[name], Directory) for name in found.keys() - files.keys())


def changed(place: int, value: bytes) -> bytes:
    return ARCHIVE[:place] + value + ARCHIVE[place + len(value) :]


def place_of(name: bytes, offset: int) -> int:
    """Where a field of that entry is."""
    return 64 + 32 * list(entries()).index(name) + offset


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


TOOL_AT = entries()[b"bin/tool"][1]


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (b"", "ends early"),
        (ARCHIVE[:63], "ends early"),
        (ARCHIVE[:-1], f"{len(ARCHIVE)} bytes, and {len(ARCHIVE) - 1} are there"),
        (changed(13, b"2"), "another form"),
        (changed(56, b"1"), "another form"),
        (changed(16, u64(1 << 63)), "bytes, and"),
        (changed(24, u32(1 << 31)), "entries beyond its end"),
        (changed(28, u32(1 << 31)), "names beyond its end"),
        (changed(40, u64(1 << 63)), "names beyond its end"),
        (changed(place_of(b"bin", 0), u32(1 << 31)), "a name that is none"),
        (changed(place_of(b"bin", 4), u32(0)), "a name that is none"),
        (changed(place_of(b"bin", 4), u32(2)), "a name that is none"),
        (changed(place_of(b"bin", 8), u32(0o040777)), "'bin' has mode 40777"),
        (changed(place_of(b"bin", 12), u32(1)), "mode"),
        (changed(place_of(b"bin", 24), u64(1)), "directory with content"),
        (changed(place_of(b"etc/link", 24), u64(0)), "'etc/link' is a link to nothing"),
        (changed(place_of(b"etc/motd", 16), u64(1 << 62)), "content of 'etc/motd' beyond"),
        (changed(place_of(b"etc/motd", 24), u64(1 << 62)), "content of 'etc/motd' beyond"),
        (changed(place_of(b"etc/motd", 16), u64(0)), "content of 'etc/motd' beyond"),
        (changed(place_of(b"etc/motd", 16), u64(1001)), "content of 'etc/motd' at 0x3e9"),
        (changed(place_of(b"bin/tool", 16), u64(1024)), "content of 'bin/tool' at 0x400"),
        (changed(TOOL_AT + 100, b"x"), "something behind the content of 'bin/tool'"),
        (ARCHIVE.replace(b"bin\0bin/tool\0", b"bin\0bin//ool\0"), "is no path"),
        (ARCHIVE.replace(b"\0empty\0", b"\0a/../\0"), "is no path"),
        (ARCHIVE.replace(b"bin\0bin/tool\0", b"bim\0bin/tool\0"), "no directory for 'bin/tool'"),
        (ARCHIVE.replace(b"\0empty\0", b"\0ampty\0"), "out of order"),
        (ARCHIVE.replace(b"var\0var/log\0", b"var\0uar/log\0"), "out of order"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_damage_is_told(archive: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"x: root archive: .*({message})"):
        read_root(archive, where="x")


@given(st.data())
def test_any_damage_is_an_error_of_ours(data: st.DataObject) -> None:
    archive = bytearray(ARCHIVE)
    # Header, entries and names: elsewhere is content, which can be anything.
    for _ in range(data.draw(st.integers(1, 4))):
        archive[data.draw(st.integers(0, 560))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        read_root(bytes(archive), where="x")


def test_too_long_a_name_is_refused() -> None:
    for name in ("x" * 256, "x/" * 2500 + "x"):
        with pytest.raises(InputError, match="too long"):
            write_root({name: Entry(content=b"")}, date=0)
    with pytest.raises(InputError, match="too long"):
        write_root({"x": Link(goal="y" * 4096)}, date=0)
