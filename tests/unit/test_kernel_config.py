# SPDX-License-Identifier: BSD-2-Clause
"""Fragments of the kernel's configuration: read, joined, and looked for in what came out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rumprun.bake.kernel_config import (
    Setting,
    check_config,
    fragment_files,
    joined,
    read_fragments,
)
from rumprun.errors import InputError, MissingError


def fragment(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_settings_of_both_forms_are_read_in_order(tmp_path: Path) -> None:
    first = fragment(tmp_path, "10-a.config", '# why\nCONFIG_B=y\n\nCONFIG_A="x y"\n')
    second = fragment(
        tmp_path, "20-b.config", "# CONFIG_C is not set\nCONFIG_D=-1\nCONFIG_E=0x1f\n"
    )
    settings = read_fragments([first, second])
    assert [(each.symbol, each.value, each.where) for each in settings] == [
        ("B", "y", "10-a.config:2"),
        ("A", '"x y"', "10-a.config:4"),
        ("C", "n", "20-b.config:1"),
        ("D", "-1", "20-b.config:2"),
        ("E", "0x1f", "20-b.config:3"),
    ]
    assert joined(settings) == (
        'CONFIG_B=y\nCONFIG_A="x y"\n# CONFIG_C is not set\nCONFIG_D=-1\nCONFIG_E=0x1f\n'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CONFIG_A=y\nCONFIG_B = y\n", "10-a.config:2: 'CONFIG_B = y' is no setting"),
        ("CONFIG_A=yes\n", "10-a.config:1: 'CONFIG_A=yes' is no setting"),
        ("CONFIG_A=y # why\n", "is no setting"),
        (" CONFIG_A=y\n", "is no setting"),
        ("CONFIG_A=n\n", "is not set'"),
        ("CONFIG_A=m\n", "10-a.config:1: CONFIG_A=m: a module"),
        ("CONFIG_A=y\n# CONFIG_A is not set\n", "10-a.config:2: CONFIG_A is set at 10-a.config:1"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read_fragments([fragment(tmp_path, "10-a.config", text)])


def test_a_symbol_belongs_to_one_fragment(tmp_path: Path) -> None:
    files = [fragment(tmp_path, name, "CONFIG_A=y\n") for name in ("10-a.config", "20-b.config")]
    with pytest.raises(InputError, match=r"20-b.config:1: CONFIG_A is set at 10-a.config:1"):
        read_fragments(files)


def setting(symbol: str, value: str, line: int = 1) -> Setting:
    return Setting(symbol=symbol, value=value, fragment="10-a.config", line=line)


def test_what_kconfig_kept_passes() -> None:
    check_config(
        [setting("A", "y"), setting("B", "n"), setting("C", "n"), setting("D", "8")],
        "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_D=8\nCONFIG_MORE=y\n",
    )


@pytest.mark.parametrize(
    ("symbol", "value", "made"),
    [
        ("GONE", "y", "n"),
        ("UNSET", "y", "n"),
        ("MODULE", "y", "m"),
        ("NUMBER", "8", "64"),
        ("ON", "n", "y"),
    ],
)
def test_what_kconfig_dropped_is_named(symbol: str, value: str, made: str) -> None:
    config = (
        "CONFIG_A=y\n# CONFIG_UNSET is not set\nCONFIG_MODULE=m\nCONFIG_NUMBER=64\nCONFIG_ON=y\n"
    )
    expected = f"10-a.config:7: CONFIG_{symbol}={value} (Kconfig made it {made})"
    with pytest.raises(InputError, match=re.escape(expected)) as caught:
        check_config([setting("A", "y"), setting(symbol, value, line=7)], config)
    assert "CONFIG_A=" not in caught.value.message


def test_all_that_was_dropped_is_named_up_to_a_limit() -> None:
    with pytest.raises(InputError) as caught:
        check_config([setting(f"S{number}", "y") for number in range(25)], "")
    assert "CONFIG_S0=y" in caught.value.message
    assert caught.value.message.endswith("and 5 more")


def test_no_fragments(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no fragments"):
        fragment_files(tmp_path)


def test_our_fragments_are_numbered_and_readable() -> None:
    files = fragment_files()
    numbers = [int(path.name[:2]) for path in files]
    assert numbers == sorted(set(numbers))
    symbols = {each.symbol: each.value for each in read_fragments(files)}
    assert "MODULES" not in symbols
    for wanted in ("XEN_PV", "XEN_PVH", "XEN_NETDEV_FRONTEND", "VIRTIO_BLK", "9P_FS", "COREDUMP"):
        assert symbols[wanted] == "y"


@pytest.mark.parametrize("path", fragment_files(), ids=lambda path: path.name)
def test_every_fragment_says_what_it_is_for(path: Path) -> None:
    licence, purpose = path.read_text().splitlines()[:2]
    assert licence == "# SPDX-License-Identifier: BSD-2-Clause"
    assert re.fullmatch(r"# [A-Z].{20,}", purpose)
