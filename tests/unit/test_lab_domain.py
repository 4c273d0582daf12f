# SPDX-License-Identifier: BSD-2-Clause
"""The file for xl, as a small parser of xl.cfg(5) reads it, and ``rumpdeb xl`` as a whole."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake.board import Boot
from rumprun.bake.image import Image, ImageFile, describe_file, image_text, read_image
from rumprun.cli.main import main
from rumprun.config.check import parse_document
from rumprun.config.map import Device
from rumprun.errors import InputError, UsageError
from rumprun.lab.devices import Block
from rumprun.lab.domain import (
    COMMAND_LINE_LIMITS,
    Domain,
    command_line_config,
    domain_text,
    make_domain,
    quote,
)
from unit.test_bake_image import IMAGE

BOOT = Boot(kernel=Path("/i/kernel"), initramfs=Path("/i/initramfs"), command_line="quiet a=b")

# The grammar of tools/libs/util/libxlu_cfg_l.l, as far as it concerns us.
_TOKEN = re.compile(
    r"""[ \t]+ | (?P<comment>\#.*) | (?P<word>[a-z][._0-9a-z]*) | (?P<number>[0-9]+)
    | "(?P<string>(?:[^"\\\n]|\\.)*)" | (?P<sign>[\[\]=,])""",
    re.VERBOSE,
)


def read_line(line: str) -> list[tuple[str, str]]:
    tokens, place = [], 0
    while place < len(line):
        match = _TOKEN.match(line, place)
        assert match, line[place:]
        place = match.end()
        if match.lastgroup not in {None, "comment"}:
            tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
    return tokens


def read_file(text: str) -> dict[str, Any]:
    """The settings of a file for xl; comments are no settings."""
    assert text.endswith("\n")
    found: dict[str, Any] = {}
    for line in text.split("\n"):
        tokens = read_line(line)
        if not tokens:
            continue
        (kind, name), equals, *rest = tokens
        assert kind == "word"
        assert equals == ("sign", "=")
        values = [
            re.sub(r"\\(.)", r"\1", value) if kind == "string" else int(value)
            for kind, value in rest
            if kind != "sign"
        ]
        assert name not in found
        found[name] = values if rest[0] == ("sign", "[") else values[0]
    return found


def domain(**changes: Any) -> Domain:
    plain: dict[str, Any] = {"name": "web", "kind": "pvh", "memory": 64}
    return make_domain(BOOT, **(plain | changes))


def test_a_plain_domain() -> None:
    assert read_file(domain_text(domain())) == {
        "name": "web",
        "type": "pvh",
        "kernel": "/i/kernel",
        "ramdisk": "/i/initramfs",
        "extra": "quiet a=b",
        "memory": 64,
        "vcpus": 1,
        "on_poweroff": "destroy",
        "on_reboot": "destroy",
        "on_crash": "destroy",
    }
    bare = domain_text(make_domain(dataclasses.replace(BOOT, initramfs=None), name="web",
                                   kind="pv", memory=64))  # fmt: skip
    assert "ramdisk" not in read_file(bare)


def test_interfaces_and_disks() -> None:
    found = read_file(
        domain_text(
            domain(
                vifs=["bridge=xenbr0,mac=00:16:3e:00:00:01", "bridge=xenbr1"],
                blocks=[
                    Block(file=Path("/d/a b,c.img")),
                    Block(file=Path('/d/"\\.qcow2'), format="qcow2", readonly=True),
                ],
            )
        )
    )
    assert found["vif"] == ["bridge=xenbr0,mac=00:16:3e:00:00:01", "bridge=xenbr1"]
    assert found["disk"] == [
        "format=raw, vdev=xvda, access=rw, target=/d/a b,c.img",
        'format=qcow2, vdev=xvdb, access=ro, target=/d/"\\.qcow2',
    ]


@given(st.text(st.characters(min_codepoint=0x20, blacklist_categories=["Cs"])))
def test_every_string_can_be_read_back(text: str) -> None:
    (token,) = read_line(quote(text))
    assert re.sub(r"\\(.)", r"\1", token[1]) == text


@pytest.mark.parametrize("text", ["a\nb", "a\0", "\udcff"])
def test_strings_that_xl_cannot_have(text: str) -> None:
    with pytest.raises(InputError, match="control characters"):
        quote(text)


@pytest.mark.parametrize("name", ["", "7", "a/b", "a b", "ä", "x" * 65])
def test_no_name_for_a_domain(name: str) -> None:
    with pytest.raises(UsageError, match="no name for a domain"):
        domain(name=name)


@pytest.mark.parametrize("vif", ["xenbr0", "bridge=", 'bridge="x"', "bridge=a b", "bridge=a,"])
def test_no_interface(vif: str) -> None:
    with pytest.raises(UsageError, match="no KEY=VALUE"):
        domain(vifs=[vif])


@pytest.mark.parametrize("kind", list(COMMAND_LINE_LIMITS))
def test_the_command_line_has_an_end(kind: str) -> None:
    fits = dataclasses.replace(BOOT, command_line="x" * COMMAND_LINE_LIMITS[kind])
    assert make_domain(fits, name="web", kind=kind, memory=64).command_line == fits.command_line
    longer = dataclasses.replace(BOOT, command_line=fits.command_line + "x")
    with pytest.raises(InputError, match=r"--ramdisk FILE"):
        make_domain(longer, name="web", kind=kind, memory=64)


def test_a_document_on_the_command_line_is_one_word() -> None:
    text = json.dumps({"env": {"A": 'it\'s  "b" \\ c\u00fc'}, "hostname": "h"})
    words = command_line_config(parse_document(text.encode(), where="c"))
    assert words.startswith(" -- {")
    assert words.count(" ") == 2
    assert json.loads(words.removeprefix(" -- ")) == json.loads(text)
    assert read_line(quote(words)) == [("string", quote(words)[1:-1])]


def test_what_is_wanted_is_a_comment() -> None:
    text = domain_text(
        domain(
            wanted=[
                Device(kind="net", name="eth0"),
                Device(kind="blk", name="a", path="/dev/xvda"),
                Device(kind="blk", name="b", path="/dev/vda"),
                Device(kind="9p", name='h\nkernel = "/evil"', path="/s"),
            ]
        )
    )
    comments = [line for line in text.splitlines() if line.startswith("# The configuration")]
    assert comments == [
        '# The configuration needs the network interface eth0: vif = [ "bridge=xenbr0" ]',
        (
            "# The configuration needs the block device /dev/xvda: "
            'disk = [ "format=raw, vdev=xvda, access=rw, target=FILE" ]'
        ),
        (
            "# The configuration needs the block device /dev/vda, but a domain's disks are "
            "/dev/xvda and so on: change the configuration, and write "
            'disk = [ "format=raw, vdev=xvda, access=rw, target=FILE" ]'
        ),
        (
            '# The configuration needs the share h?kernel = "/evil": '
            'p9 = [ "tag=h?kernel = "/evil",security_model=none,path=DIR" ]'
        ),
    ]
    assert read_file(text)["kernel"] == "/i/kernel"
    given = domain_text(
        domain(
            vifs=["bridge=b"],
            blocks=[Block(file=Path("/d"))],
            wanted=[
                Device(kind="net", name="eth0"),
                Device(kind="blk", name="a", path="/dev/xvda"),
            ],
        )
    )
    assert "# The configuration" not in given


@pytest.fixture(name="baked")
def make_baked(tmp_path: Path) -> Path:
    """A directory that looks like a baked image; nothing of it boots."""
    directory = tmp_path / "my web.image"
    directory.mkdir()
    (directory / "kernel").write_bytes(b"kernel")
    (directory / "initramfs").write_bytes(gzip.compress(b"", mtime=0))
    files: tuple[ImageFile, ...] = tuple(
        describe_file(directory / name) for name in ("kernel", "initramfs")
    )
    image: Image = dataclasses.replace(IMAGE, files=files, config=None, options=("nosmp",))
    (directory / "image.json").write_text(image_text(image))
    return directory


def test_the_command_prints(baked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["xl", str(baked), "--memory", "99", "--type", "pv"]) == 0
    found = read_file(capsys.readouterr().out)
    assert found["name"] == "my-web"
    assert found["kernel"] == str(baked / "kernel")
    assert found["ramdisk"] == str(baked / "initramfs")
    assert (found["memory"], found["type"]) == (99, "pv")
    words = found["extra"].split()
    assert "console=hvc0" in words
    assert "nosmp" in words
    assert not any("ttyS" in word or "rumprun.control" in word for word in words)


def test_the_command_writes_a_configuration(
    baked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "c.json"
    document.write_text('{"hostname": "h", "net": {"interfaces": {"eth0": {}}}}')
    output = tmp_path / "out" / "web.cfg"
    words = ["xl", str(baked), "--config", str(document), "-o", str(output)]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "needs the network interface eth0" in said.err
    line, _mark, text = read_file(output.read_text())["extra"].partition(" -- ")
    assert "console=hvc0" in line
    assert json.loads(text) == json.loads(document.read_text())

    ramdisk = tmp_path / "out" / "ramdisk"
    assert main([*words, "--ramdisk", str(ramdisk), "--", "an argument"]) == 0
    found = read_file(output.read_text())
    assert (found["ramdisk"], " -- " in found["extra"]) == (str(ramdisk), False)
    content = ramdisk.read_bytes()
    assert content.startswith((baked / "initramfs").read_bytes())
    assert b'{"hostname":"h","net":{"interfaces":{"eth0":{}}}}' in content
    assert b"an argument\0" in content


def test_one_document_fits_on_the_command_line(
    baked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = read_image(baked)
    options = ("--", '{"hostname":"h"}')
    (baked / "image.json").write_text(image_text(dataclasses.replace(old, options=options)))
    document = tmp_path / "c.json"
    document.write_text("{}")
    assert main(["xl", str(baked)]) == 0
    assert read_file(capsys.readouterr().out)["extra"].endswith(" -- " + options[1])
    assert main(["xl", str(baked), "--config", str(document)]) == 2
    assert "end with one after --" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--", "x"], 2, "--ramdisk FILE"),
        (["--name", "12"], 2, "no name for a domain"),
        (["--block", "/no"], 4, "/no: no such file"),
        (["--config", "/no"], 4, "/no: no such file"),
    ],
)
def test_the_command_refuses(
    words: list[str], status: int, said: str, baked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["xl", str(baked), "-o", str(baked / "cfg"), *words]) == status
    assert said in capsys.readouterr().err
    assert not (baked / "cfg").exists()
