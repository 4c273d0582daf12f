# SPDX-License-Identifier: BSD-2-Clause
"""The configuration library in C: it accepts, refuses and understands as Python does."""

from __future__ import annotations

import ipaddress
import json
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rumprun import paths
from rumprun.config.check import find_complaints, parse_document
from rumprun.config.document import Document, Entry, Ready
from rumprun.target.descriptor import load_target

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "tests" / "config"
GOOD = sorted((SHARED / "good").glob("*.json"))
BAD = sorted((SHARED / "bad").glob("*.json"))

# One answer of the tool: its first line, and the lines that belong to it.
Answer = tuple[str, list[str]]
Reader = Callable[[list[Path]], list[Answer]]


def compiled(directory: Path, compiler: str, *flags: str) -> Path:
    """The tool, of the library's sources that read, compiled with ``flags``."""
    sources = [path for path in sorted((ROOT / "boards" / "common").glob("*.c"))
               if not path.name.startswith("apply")]  # fmt: skip
    tool = directory / "config-tool"
    warnings = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
    command: list[str | Path] = [compiler, "-std=c11", *warnings, *flags, "-o", tool,
               "-I", ROOT / "boards" / "common",
               ROOT / "tests" / "integration" / "config_tool.c", *sources]  # fmt: skip
    subprocess.run(command, check=True, timeout=300)
    return tool


@pytest.fixture(scope="module", params=["target", "sanitized"])
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Reads files by the library, compiled for the target, or natively with sanitizers."""
    directory = tmp_path_factory.mktemp("tool")
    if request.param == "target":
        tool = compiled(directory, str(load_target().tool("gcc")), "-Os")
    else:
        sanitizers = "-fsanitize=address,undefined"
        tool = compiled(directory, "gcc", "-g", "-O1", sanitizers, "-fno-sanitize-recover=all")

    def reader(files: list[Path]) -> list[Answer]:
        done = subprocess.run([tool, *files], check=True, capture_output=True, timeout=300)
        answers: list[Answer] = []
        for line in done.stdout.decode().split("\n")[:-1]:
            if line.startswith(" "):
                answers[-1][1].append(line[1:])
            else:
                answers.append((line.partition("\t")[0], []))
        return answers

    return reader


def verdict(data: bytes) -> str:
    """What the tool's first line should be, by Python."""
    _document, found = find_complaints(data)
    return f"bad {found[0].where}" if found else "good"


def test_verdicts_and_paths_are_those_of_python(read: Reader) -> None:
    files = [*GOOD, *BAD]
    answers = dict(zip(files, read(files), strict=True))
    differing = {
        path.stem: (line, verdict(path.read_bytes()))
        for path, (line, _details) in answers.items()
        if line != verdict(path.read_bytes())
    }
    assert differing == {}
    for path in BAD:
        assert answers[path][0] == f"bad {path.with_suffix('.path').read_text().rstrip(chr(10))}"


def test_values_are_those_of_python(read: Reader) -> None:
    for path, (line, details) in zip(GOOD, read(GOOD), strict=True):
        document = parse_document(path.read_bytes(), where=path.name)
        assert line == "good"
        assert details == list(described(document)), path.stem


def test_long_paths_are_cut_where_the_library_has_no_more_room(
    read: Reader, tmp_path: Path
) -> None:
    files = []
    for length in range(230, 270):
        path = tmp_path / f"{length}.json"
        path.write_text(json.dumps({"env": {"é" + "\\" * (length // 3) + "k" * length: 1}}))
        files.append(path)
        path = tmp_path / f"bare-{length}.json"
        path.write_text(json.dumps({"k" * length: 1}))
        files.append(path)
    for path, (line, _details) in zip(files, read(files), strict=True):
        wanted = verdict(path.read_bytes())
        cut = line.removesuffix("...")
        assert wanted.startswith(cut)
        assert line == wanted or len(cut.encode()) - len("bad ") == 252


def test_what_the_fuzzer_found_is_judged_alike(read: Reader) -> None:
    files = sorted((SHARED / "corpus").iterdir())
    assert len(files) > 50
    differing = {
        path.name: line
        for path, (line, _details) in zip(files, read(files), strict=True)
        if line.split()[0] != verdict(path.read_bytes()).split()[0]
    }
    assert differing == {}


def test_damaged_documents_are_judged_alike(read: Reader, tmp_path: Path) -> None:
    files = []
    chance = random.Random(5)  # noqa: S311 (no secret)
    seeds = [path.read_bytes() for path in [*GOOD, *BAD] if path.stat().st_size < 2000]
    for number in range(3000):
        path = tmp_path / f"{number}.json"
        path.write_bytes(damaged(chance, seeds))
        files.append(path)
    differing = {
        path.read_bytes(): line
        for path, (line, _details) in zip(files, read(files), strict=True)
        if line.split()[0] != verdict(path.read_bytes()).split()[0]
    }
    assert differing == {}


def damaged(chance: random.Random, seeds: list[bytes]) -> bytes:
    """One of the ``seeds`` with one to three pieces taken out, doubled, exchanged or changed."""
    data = bytearray(chance.choice(seeds))
    for _time in range(chance.randint(1, 3)):
        start = chance.randrange(len(data) + 1)
        piece = data[start : start + chance.randint(1, 12)]
        other = chance.choice(seeds)
        place = chance.randrange(len(other) + 1)
        new = chance.choice(
            [b"", piece * 2, other[place : place + len(piece)], bytes([chance.randrange(256)])]
        )
        data[start : start + len(piece)] = new
    return bytes(data)


def symbols_of(archive: Path) -> dict[str, list[tuple[str, str]]]:
    """Pairs of name and type, as nm has them, by the archive's member."""
    done = subprocess.run(["nm", "--format=posix", archive], check=True, capture_output=True)
    found: dict[str, list[tuple[str, str]]] = {}
    for line in done.stdout.decode().splitlines():
        words = line.split()
        if len(words) == 1:
            member = line.partition("[")[2].partition("]")[0]
            found[member] = []
        else:
            found[member].append((words[0], words[1]))
    return found


def test_the_archive_has_no_state_and_no_names_of_others() -> None:
    members = symbols_of(paths.board_files("common") / "librumprun-config.a")
    assert {"config.o", "apply_net.o"} <= members.keys()
    symbols = [symbol for member in members.values() for symbol in member]
    assert not [name for name, kind in symbols if kind in "BbCD"], "no state"
    visible = [name for name, kind in symbols if kind in "TDRBCV"]
    assert [name for name in visible if not name.startswith(("config_", "json_"))] == []


def test_what_reads_needs_nothing_but_strings(tmp_path: Path) -> None:
    """What a board without a C library has to bring."""
    archive = paths.board_files("common") / "librumprun-config.a"
    symbols = [symbol for member, all_of_it in symbols_of(archive).items()
               if not member.startswith("apply") for symbol in all_of_it]  # fmt: skip
    defined = {words[0] for words in symbols if words[1] not in "Uu"}
    wanted = {words[0] for words in symbols if words[1] == "U"} - defined
    assert wanted <= {"memchr", "memcmp", "memcpy", "memmove", "memset", "strchr", "strcmp",
                      "strcspn", "strlen", "strncmp", "strspn", "__assert_fail",
                      "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"}  # fmt: skip
    source = tmp_path / "uses.c"
    source.write_text(
        "#include <config.h>\n"
        "static struct config_storage storage;\n"
        "static struct config config;\n"
        "int main(void)\n"
        "{\n"
        "    struct config_error error;\n"
        '    char text[] = "{}";\n'
        "    return !config_parse(text, 2, &storage, &config, &error);\n"
        "}\n"
    )
    compiler = load_target().tool("gcc")
    subprocess.run([compiler, "-Wall", "-Werror", "-I", archive.parent / "include", source,
                    archive, "-o", tmp_path / "uses"], check=True)  # fmt: skip
    subprocess.run([tmp_path / "uses"], check=True)


def described(document: Document) -> Iterator[str]:
    """The lines that the tool prints for ``document``."""
    entries = document.rc or ()
    group = 0
    for place, entry in enumerate(entries):
        group = group if place and entries[place - 1].runmode == "|" else place
        yield _entry(entry, group, [one.name for one in entries])
        yield _strings("argv", entry.argv)
    yield from _net(document)
    for name, value in document.env:
        yield f"env {name} {len(value.encode())}"
    yield f"hostname {document.hostname or '-'}"
    for block in document.blk:
        kind = ["disk", "file"].index(block.type)
        yield f"block {block.name} {kind} {block.path} {block.readonly:d}"
    for mount in document.mount:
        source = ["blk", "tmpfs", "kernfs", "9p"].index(mount.source)
        yield f"mount {mount.path} {source} {mount.name or '-'} {mount.fstype or '-'}"
        yield _strings("options", mount.options)
    for one in document.delegate:
        yield f"delegate {one.section} {one.symbol or '-'}"
        yield _strings("command", one.command)


def _entry(entry: Entry, group: int, names: list[str]) -> str:
    ready = entry.ready or Ready()
    kind = 1 if ready.file else 2 if ready.port else 0 if ready.after_ms is None else 3
    after = sum({1 << names.index(name) for name in entry.after})
    restart = ["no", "on-failure", "always"].index(entry.restart.policy)
    runmode = ["", "&", "|"].index(entry.runmode)
    return (
        f"entry {entry.name} {entry.bin} {runmode} {group} {after:x} {entry.workdir} {kind} "
        f"{ready.file or '-'} {ready.port or 0} {ready.after_ms or 0} {restart} "
        f"{entry.restart.most or 0} {entry.memory or 0}"
    )


def _net(document: Document) -> Iterator[str]:
    net = document.net
    for interface in net.interfaces if net else ():
        yield f"interface {interface.name} {interface.create:d}"
        for address in interface.addrs:
            text, _slash, prefix = (address.addr or "").partition("/")
            static = address.method == "static"
            yield f"static {_packed(text)} {prefix}" if static else address.method
    for what, texts in (
        ("gateway", net.gateways if net else ()),
        ("nameserver", net.nameservers if net else ()),
    ):
        for text in texts:
            yield f"{what} {_packed(text)} -1"
    yield _strings("search", net.search if net else ())


def _packed(text: str) -> str:
    return ipaddress.ip_address(text).packed.hex()


def _strings(what: str, strings: tuple[str, ...]) -> str:
    return " ".join([what, str(len(strings)), *(str(len(text.encode())) for text in strings)])


def test_the_shared_documents_are_json_where_they_say_so() -> None:
    assert all(isinstance(json.loads(path.read_text(encoding="utf-8")), dict) for path in GOOD)
