# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb explain``: what it prints, how it ends, what it cannot read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from rumprun.cli.explain import read_log
from rumprun.cli.main import main
from rumprun.errors import InputError, SystemFault

FAILED = "x.c:1:10: fatal error: zlib.h: No such file or directory\nmake: *** [x.o] Error 1\n"
STRANGE = "x.c:1:1: error: expected ';' before '}' token\nmake: *** [x.o] Error 1\n"
FINE = "   dh_auto_build\ngcc -c x.c\n"


@pytest.fixture(name="place")
def in_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with logs of a known, an unknown and no failure."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("failed", FAILED), ("strange", STRANGE), ("fine", FINE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("place")
def test_a_known_failure_is_a_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "failed"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("failed:1: missing-dependency: ")
    assert lines[1] == "    x.c:1:10: fatal error: zlib.h: No such file or directory"
    assert lines[2].startswith("    remedy: build the variant of the package that has zlib.h")


@pytest.mark.usefixtures("place")
def test_each_log_gets_its_paragraph(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "failed", "strange", "fine"]) == 1
    text = capsys.readouterr().out
    assert text.index("failed:1: ") < text.index("strange:1: unknown: ")
    assert "fine: nothing in it tells of a failure" in text


@pytest.mark.parametrize(("name", "status"), [("failed", 0), ("strange", 1), ("fine", 1)])
@pytest.mark.usefixtures("place")
def test_the_status_says_whether_the_class_is_known(name: str, status: int) -> None:
    assert main(["explain", name]) == status


@pytest.mark.usefixtures("place")
def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--json", "failed", "fine"]) == 1
    failed, fine = json.loads(capsys.readouterr().out)["logs"]
    assert failed["log"] == "failed"
    assert failed["class"] == "missing-dependency"
    assert failed["line_number"] == 1
    assert failed["subject"] == "zlib.h"
    assert failed["context"][0] == failed["line"]
    assert set(failed) == {
        "log", "class", "title", "line_number", "line", "subject", "remedy", "context"
    }  # fmt: skip
    assert fine == {"log": "fine", "class": None}


def test_a_missing_log_is_found_out_before_anything_is_said(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "failed", "absent"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "absent: no such file" in said.err
    assert main(["explain", str(place)]) == 3
    assert "a directory" in capsys.readouterr().err


def test_packed_and_binary_logs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for data in (gzip.compress(FAILED.encode()), b"\xfd7zXZ\0", b"text\0text", b"\x7fELF\2\1\1"):
        path.write_bytes(data)
        with pytest.raises(InputError, match="not a text"):
            read_log(path)


def test_any_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xa9\xff" + FAILED.encode())
    assert read_log(path).endswith(FAILED)
    path.write_bytes(FAILED.encode() * 200 + b"\0")
    assert FAILED in read_log(path)


def test_a_log_of_others_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root reads everything, so the answer of the system is made up here.
    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(SystemFault, match="Permission denied; read it as its owner"):
        read_log(tmp_path / "log")


def test_names_of_logs_are_shown_safely(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "a\x1b[31m").write_text(FAILED, encoding="utf-8")
    assert main(["explain", "a\x1b[31m"]) == 0
    assert "\x1b" not in capsys.readouterr().out
