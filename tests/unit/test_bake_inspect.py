# SPDX-License-Identifier: BSD-2-Clause
"""What ``rumpdeb inspect`` says of an image."""

from __future__ import annotations

import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake import abi, table
from rumprun.bake.component import Component
from rumprun.bake.image import Image, describe_file, image_document, image_text, parse_image
from rumprun.bake.inspect import as_json, as_lines, as_page, inspect
from rumprun.bake.sbom import SBOM_NAME, sbom_document
from rumprun.bake.sizes import Size, sizes_by_source
from rumprun.cli.main import main
from rumprun.contributions import Contributions, LinkedFile, Source
from rumprun.errors import InputError, MissingError
from unit.image_samples import COMPONENTS, IMAGE, SHA1

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An image with a bill of materials, without its other files, which nobody reads here."""
    path = tmp_path / "demo.image"
    path.mkdir()
    document = sbom_document(IMAGE, SHA1, date=0)
    (path / SBOM_NAME).write_text(json.dumps(document), encoding="ascii")
    return path


@pytest.fixture
def image(directory: Path) -> Image:
    files = (*IMAGE.files, describe_file(directory / SBOM_NAME))
    found = dataclasses.replace(IMAGE, sbom=SBOM_NAME, files=files)
    (directory / "image.json").write_text(image_text(found), encoding="ascii")
    return found


def test_versions_are_those_of_the_code_in_the_machine() -> None:
    header = (ROOT / "boards/common/config.h").read_text(encoding="utf-8")
    assert f"#define CONFIG_VERSION {abi.CONFIG_VERSION}\n" in header
    reader = (ROOT / "boards/common/table.c").read_text(encoding="utf-8")
    assert f'#define MAGIC "rumprun-table {abi.TABLE_VERSION}"\n' in reader
    assert table.encode_table(IMAGE.programs).startswith(
        f"rumprun-table {abi.TABLE_VERSION}\0".encode()
    )
    schema = json.loads((ROOT / "share/runtime-config.schema.json").read_text(encoding="utf-8"))
    assert schema["properties"]["version"]["maximum"] == abi.CONFIG_VERSION


def test_notes_read_back(image: Image) -> None:
    found = parse_image(image_text(image))
    assert found == image
    assert image_document(found)["abi"] == {"table": 2, "config": 1}


@pytest.mark.parametrize("name", ["table", "config"])
def test_a_newer_abi_is_refused(name: str) -> None:
    document = image_document(IMAGE)
    document["abi"][name] = 99
    document["surprise"] = "of that time"
    with pytest.raises(InputError, match=rf"abi/{name} 99.*reads up to"):
        parse_image(json.dumps(document))


def size(origin: str, name: str) -> int:
    found = sizes_by_source(COMPONENTS)
    (one,) = [each for each in found if (each.origin, each.name) == (origin, name)]
    return one.bytes


def test_sizes_are_summed_by_source() -> None:
    assert size("source", "musl") == 220
    assert size("source", "zlib") == 250
    assert size("source", "dh-rumprun") == 130
    assert size("source", "hello") == 200
    assert size("unknown", "libstrange.a") == 10
    assert size("whole", "/bin/dark") == 700
    assert size("whole", "hello") == 70
    assert size("rest", "tables and symbols") == 50 + 400
    assert size("files", "files") == 20
    assert size("kernel", "linux-image-6.1.0-1-amd64") == 5000


counts = st.integers(0, 1 << 40)


@given(
    st.lists(
        st.tuples(counts, counts, st.lists(st.tuples(st.sampled_from("abc"), counts), max_size=4)),
        max_size=5,
    )
)
def test_sizes_add_up_to_all(found: list[tuple[int, int, list[tuple[str, int]]]]) -> None:
    components = [
        Component(
            kind="program",
            name=f"/bin/{number}",
            size=whole,
            sha256="0" * 64,
            contributions=Contributions(
                own=own,
                linked=tuple(
                    LinkedFile(
                        file="x",
                        bytes=count,
                        source=Source(name=name, version="1") if name != "c" else None,
                    )
                    for name, count in linked
                ),
            ),
        )
        for number, (whole, own, linked) in enumerate(found)
    ]
    sizes: tuple[Size, ...] = sizes_by_source(components)
    assert sum(each.bytes for each in sizes) == sum(component.size for component in components)
    assert all(each.bytes > 0 for each in sizes)
    assert list(sizes) == sorted(sizes, key=lambda each: -each.bytes)


def test_lines(image: Image, directory: Path) -> None:
    text = "\n".join(as_lines(inspect(image, directory)))
    for pattern in (
        r"^ABI +config 1, table 2$",
        r"^kernel +linux-image-6\.1\.0-1-amd64 6\.1~rc1\+b1$",
        r"^memory +64 MiB$",
        r"^config +net$",
        r"^SBOM +sbom\.spdx\.json, SPDX-2\.3: 7 packages, 3 parts of unknown origin$",
        r"^  hello +1000 B +hello 'a b' +PATH=/bin$",
        r"^  zlib +1:1\.2\.13\.dfsg-1 +250 B +3\.5 % +source package$",
        r"^  all +6\.9 KiB +100\.0 %",
    ):
        assert re.search(pattern, text, re.MULTILINE), pattern


def test_json_has_everything(image: Image, directory: Path) -> None:
    found = json.loads(as_json(inspect(image, directory)))
    assert found["image"] == image_document(image)
    assert found["sbom"]["SPDXID"] == "SPDXRef-DOCUMENT"
    assert {"origin": "source", "name": "zlib", "version": "1:1.2.13.dfsg-1", "bytes": 250} in (
        found["sizes"]
    )


def pictures(page: str) -> list[ET.Element]:
    return [ET.fromstring(text) for text in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]  # noqa: S314


def test_the_page_has_the_sizes_as_areas(image: Image, directory: Path) -> None:
    page = as_page(inspect(image, directory), "demo")
    whole, without_kernel = pictures(page)
    for picture, sizes in (
        (whole, [*sizes_by_source(COMPONENTS)]),
        (without_kernel, [*sizes_by_source(COMPONENTS[1:])]),
    ):
        areas = [
            float(tile.attrib["width"]) * float(tile.attrib["height"])
            for tile in picture.iter("rect")
        ]
        total = sum(each.bytes for each in sizes)
        assert len(areas) == len(sizes)
        for area, each in zip(areas, sizes, strict=True):
            assert area == pytest.approx(960 * 480 * each.bytes / total, abs=10)
    titles = [title.text or "" for title in whole.iter("title")]
    assert "zlib 1:1.2.13.dfsg-1: 250 B, 3.5 %; source package" in titles
    # The page needs nothing else, and runs nothing.
    assert not re.search(r"<script|(src|href)=|url\(|https?:", page)


def test_what_is_hostile_is_escaped(image: Image, directory: Path) -> None:
    evil = dataclasses.replace(
        image,
        programs=(dataclasses.replace(image.programs[0], argv=("x", "<script>alert(1)</script>")),),
        components=(
            Component(
                kind="program",
                name="/bin/hello",
                size=9,
                sha256="0" * 64,
                contributions=Contributions(
                    own=0, linked=(LinkedFile(file="<script>'\"&.a", bytes=9),)
                ),
            ),
        ),
    )
    found = inspect(evil, directory)
    assert "<script" not in as_page(found, "a\x1b[31m<script>")
    screen = dataclasses.replace(evil.programs[0], argv=("\x1b[2Jx", "\u202e", "a\nb"))
    lines = as_lines(
        dataclasses.replace(found, image=dataclasses.replace(evil, programs=(screen,)))
    )
    assert all(line.isprintable() for line in lines)


def test_the_page_is_written_only_where_wanted(
    image: Image, directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "out" / "page.html"
    assert main(["inspect", "--json", str(directory)]) == 0
    assert json.loads(capsys.readouterr().out)["image"]["board"] == image.board
    assert not page.parent.exists()
    assert main(["inspect", "--html", str(page), str(directory)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]


def test_another_bill_of_materials_is_refused(image: Image, directory: Path) -> None:
    (directory / SBOM_NAME).write_text("{}", encoding="ascii")
    with pytest.raises(InputError, match="not the file that the image was baked with"):
        inspect(image, directory)
    known = describe_file(directory / SBOM_NAME)
    with pytest.raises(InputError, match="no SPDX document"):
        inspect(dataclasses.replace(image, files=(known,)), directory)
    (directory / SBOM_NAME).unlink()
    with pytest.raises(MissingError, match="not there"):
        inspect(image, directory)
    found = inspect(dataclasses.replace(image, sbom=None), directory)
    assert "SBOM       none" in list(as_lines(found))
