# SPDX-License-Identifier: BSD-2-Clause
"""What the initramfs is made of, and in which order; the bytes are tested where cpio runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake.initramfs import cpio_command, member_names, source_date
from rumprun.bake.root import Entry
from rumprun.errors import UsageError


def test_command_is_reproducible() -> None:
    words = cpio_command(Path("/tmp/a"))
    assert {"--reproducible", "--format=newc", "--owner=0:0", "--null"} <= set(words)
    assert words[words.index("--file") + 1] == "/tmp/a"


parts = st.text(st.sampled_from("ab.-0"), min_size=1, max_size=3).filter(
    lambda part: part not in (".", "..")
)
# A file cannot also be a directory: the last part has a letter that no directory has.
files = st.lists(st.lists(parts, max_size=3).map(lambda path: "/".join([*path, "z"])))


@given(files)
def test_directories_come_first_and_order_does_not_matter(names: list[str]) -> None:
    entries = {name: Entry(content=b"") for name in names}
    members = member_names(entries)
    assert len(members) == len(set(members))
    assert set(names) <= set(members)
    for place, name in enumerate(members):
        parent = str(Path(name).parent)
        assert parent == "." or members.index(parent) < place
    assert members == member_names(dict(reversed(entries.items())))


@pytest.mark.parametrize(("value", "date"), [("0", 0), ("1700000000", 1700000000)])
def test_source_date(value: str, date: int) -> None:
    assert source_date({"SOURCE_DATE_EPOCH": value}) == date
    assert source_date({}) == 0


@pytest.mark.parametrize("value", ["", "-1", "now", "4294967296", "1.5", "9" * 5000, "\u0663"])
def test_source_date_refused(value: str) -> None:
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        source_date({"SOURCE_DATE_EPOCH": value})
