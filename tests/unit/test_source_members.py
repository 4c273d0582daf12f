# SPDX-License-Identifier: BSD-2-Clause
"""Tarballs that would write where they should not."""

from __future__ import annotations

import contextlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.errors import InputError
from rumprun.source.members import check_members

Member = tuple[str, bytes, str]
FILE, DIRECTORY, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def pack(path: Path, *members: Member, mode: str = "w:xz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member, io.BytesIO(b""))
    return path


@pytest.mark.parametrize(
    "members",
    [
        [("foo-1", DIRECTORY, ""), ("foo-1/a", FILE, ""), ("foo-1/b", HARD, "foo-1/a")],
        [("./foo-1/a", FILE, ""), ("foo-1/..a", FILE, ""), ("foo-1/b", LINK, "../foo-1/a")],
        # Data of a test, which nothing is unpacked through.
        [("foo-1/passwd", LINK, "/etc/passwd"), ("foo-1/up", LINK, "../../x")],
        [("foo-1/x", LINK, "/etc"), ("foo-1/x", FILE, ""), ("foo-1/xy/z", FILE, "")],
    ],
)
def test_what_stays_inside_is_fine(tmp_path: Path, members: list[Member]) -> None:
    check_members(pack(tmp_path / "foo_1.orig.tar.xz", *members))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("../evil", FILE, "")], "'../evil' leads out"),
        ([("foo-1/../../evil", FILE, "")], "leads out"),
        ([("/etc/evil", FILE, "")], "leads out"),
        ([("foo-1/x", LINK, "/etc"), ("foo-1/x/evil", FILE, "")], "'foo-1/x/evil' lies below"),
        ([("foo-1/x", LINK, "../.."), ("./foo-1//x/y/evil", FILE, "")], "lies below a link"),
        ([("foo-1/x", LINK, "y"), ("foo-1/y", LINK, "/etc"), ("foo-1/x/evil", FILE, "")], "lies"),
        ([("foo-1/x", LINK, "/etc"), ("foo-1/x", DIRECTORY, "")], "a link and a directory"),
        ([("foo-1/x", HARD, "/etc/shadow")], "hard link out"),
        ([("foo-1/x", HARD, "../../x")], "hard link out"),
        ([("foo-1/null", tarfile.CHRTYPE, "")], "is a device"),
    ],
)
@pytest.mark.parametrize("mode", ["w:xz", "w:gz", "w:bz2"])
def test_what_leads_out_is_named(
    tmp_path: Path, members: list[Member], message: str, mode: str
) -> None:
    tarball = pack(tmp_path / "foo_1.orig.tar.x", ("foo-1/a", FILE, ""), *members, mode=mode)
    with pytest.raises(InputError, match=message) as caught:
        check_members(tarball)
    assert "foo_1.orig.tar.x" in caught.value.message


@given(st.binary(max_size=2000), st.integers(0, 200))
def test_damaged_tarballs_are_no_surprise(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, cut: int
) -> None:
    directory = tmp_path_factory.mktemp("tar")
    whole = pack(directory / "whole", ("foo-1/a", FILE, "")).read_bytes()
    for content in (noise, whole[:cut], whole[:cut] + noise + whole[cut + 1 :]):
        path = directory / "damaged"
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            check_members(path)
