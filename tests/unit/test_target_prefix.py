# SPDX-License-Identifier: BSD-2-Clause
"""Prefixes of upstream's Rumprun: found, described, and refused with what to do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from rumprun.cli.main import main
from rumprun.cli.target_option import chosen_target
from rumprun.errors import InputError, MissingError
from rumprun.target import prefix as prefixes
from rumprun.target.descriptor import load_target
from rumprun.target.prefix import find_prefix, read_prefix
from unit.prefix_samples import TRIPLE, write_prefix


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No prefix of this machine, and a cache of our own."""
    monkeypatch.delenv("RUMPRUN_PREFIX", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(prefixes, "DIRECTORY", tmp_path / "targets.d")


def test_what_a_prefix_is(tmp_path: Path) -> None:
    found = read_prefix(write_prefix(tmp_path / "p", platforms=("hw", "xen")), TRIPLE)
    assert found.platforms == ("hw", "xen")
    assert found.cflags == ("-mno-red-zone",)
    assert found.boards == {
        "hw_virtio": "miniature of virtio",
        "hw_generic": "miniature of all",
        "xen_pv": "miniature of Xen",
    }
    assert prefixes.compiler_version(found) == "miniature 0"


def test_the_most_explicit_word_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {name: write_prefix(tmp_path / name) for name in ("arg", "env", "file", "path")}
    monkeypatch.setenv("PATH", f"{places['path']}/bin:/usr/bin:/bin")
    assert find_prefix(TRIPLE).path == places["path"]
    (tmp_path / "targets.d").mkdir()
    (tmp_path / "targets.d" / "a.toml").write_text(f'prefix = "{places["file"]}"\n')
    assert find_prefix(TRIPLE).path == places["file"]
    monkeypatch.setenv("RUMPRUN_PREFIX", str(places["env"]))
    assert find_prefix(TRIPLE).path == places["env"]
    assert find_prefix(TRIPLE, places["arg"]).path == places["arg"]


def test_none_says_where_to_name_one() -> None:
    with pytest.raises(MissingError, match=r"RUMPRUN_PREFIX.*targets\.d"):
        load_target("netbsd")


@pytest.mark.parametrize("text", ["prefix = 3\n", "prefix = 'relative'\n", "other = 1\n", "="])
def test_a_file_that_names_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "targets.d").mkdir()
    (tmp_path / "targets.d" / "a.toml").write_text(text)
    with pytest.raises(InputError, match=r"a\.toml.*write: prefix"):
        find_prefix(TRIPLE)


@pytest.mark.parametrize(
    "gone",
    ["bin/rumprun-bake", f"rumprun-x86_64/share/{TRIPLE}-recipe.s", "rumprun-x86_64/lib/libc.a"],
)
def test_half_installed(tmp_path: Path, gone: str) -> None:
    path = write_prefix(tmp_path / "p")
    (path / gone).unlink()
    with pytest.raises(InputError, match=f"half installed: no {gone}.*build-rr.sh"):
        read_prefix(path, TRIPLE)


def test_without_a_platform(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither platform hw nor xen"):
        read_prefix(write_prefix(tmp_path / "p", platforms=()), TRIPLE)


def test_for_another_machine(tmp_path: Path) -> None:
    path = write_prefix(tmp_path / "p")
    gcc = path / "bin" / f"{TRIPLE}-gcc"
    gcc.rename(gcc.with_name("aarch64-rumprun-netbsd-gcc"))
    with pytest.raises(InputError, match=f"for aarch64-rumprun-netbsd, not for {TRIPLE}"):
        read_prefix(path, TRIPLE)


def test_no_prefix_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="so no prefix"):
        read_prefix(tmp_path, TRIPLE)
    with pytest.raises(MissingError, match="no such prefix"):
        read_prefix(tmp_path / "absent", TRIPLE)


def test_the_backing_compiler_is_gone(tmp_path: Path) -> None:
    path = write_prefix(tmp_path / "p")
    backing = path / "libexec/rumprun-x86_64-hw/x86_64--netbsd-gcc"
    backing.write_text("#!/no/such/interpreter\n")
    with pytest.raises(InputError, match=r"does not run.*install the gcc"):
        read_prefix(path, TRIPLE)
    backing.unlink()
    with pytest.raises(InputError, match=r"is gone.*install that compiler"):
        read_prefix(path, TRIPLE)


def test_a_prefix_that_was_moved(tmp_path: Path) -> None:
    moved = write_prefix(tmp_path / "p").rename(tmp_path / "q")
    with pytest.raises(InputError, match=r"was installed as .*/p"):
        read_prefix(moved, TRIPLE)


def test_targets_lists_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "--json"]) == 0
    musl, netbsd = json.loads(capsys.readouterr().out)
    assert (musl["name"], netbsd["name"], netbsd["compiler"]) == ("musl", "netbsd", None)
    assert "no Rumprun prefix" in netbsd["wrong"]
    path = write_prefix(tmp_path / "p")
    assert main(["targets", "--json", str(path)]) == 0
    netbsd = json.loads(capsys.readouterr().out)[1]
    # Xen's board is the baker's, but not there.
    assert sorted(netbsd["boards"]) == ["hw_generic", "hw_virtio"]
    assert netbsd["prefix"]["backing"] == "miniature 0"
    assert list(netbsd["prefix"]["probe"]) == ["compiles", "links", "bakes hw_virtio"]
    assert main(["targets", str(tmp_path / "absent")]) == 4
    assert "no such prefix" in capsys.readouterr().err


def test_the_tools_are_those_of_the_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_prefix(tmp_path / "p")
    monkeypatch.setenv("RUMPRUN_PREFIX", str(path))
    target = load_target("netbsd")
    assert load_target("netbsd").root == target.root
    assert (target.sysroot / "include" / "stdio.h").is_file()
    program = tmp_path / "a.c"
    program.write_text("int main(void) { return 0; }\n")
    subprocess.run([target.tool("gcc"), "-pie", "-o", tmp_path / "a", program], check=True)
    said = (path / "libexec/rumprun-x86_64-hw/said").read_text().splitlines()
    # Once to make the relocatable file, with what upstream records, and once to try it.
    assert said.count("-no-pie") == 2
    assert "-Wl,-r" in said
    assert str(path / f"rumprun-x86_64/share/{TRIPLE}-recipe.s") in said
    assert "-pie" not in said


def test_the_driver_answers_what_any_gcc_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUMPRUN_PREFIX", str(write_prefix(tmp_path / "p")))
    gcc = load_target("netbsd").tool("gcc")
    for question in ("-dumpmachine", "-print-multiarch"):
        said = subprocess.run([gcc, question], check=True, capture_output=True, text=True).stdout
        assert said == f"{TRIPLE}\n"


def test_the_environment_wins_over_the_stanza(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUMPRUN_PREFIX", str(write_prefix(tmp_path / "p")))
    monkeypatch.delenv("DH_RUMPRUN_TARGET", raising=False)
    assert chosen_target().name == "musl"
    assert chosen_target(stanza="netbsd").name == "netbsd"
    monkeypatch.setenv("DH_RUMPRUN_TARGET", "musl")
    assert chosen_target(stanza="netbsd").name == "musl"
