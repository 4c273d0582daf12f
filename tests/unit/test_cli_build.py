# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb``: its command line, what a build needs first, where sources come from."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from rumprun.archive import local_build
from rumprun.cli import build, sources, targets
from rumprun.cli.main import SUBCOMMANDS, main, make_parser, subcommand
from rumprun.command import Completed
from rumprun.errors import (
    AuditError,
    BuildError,
    InputError,
    MissingError,
    RumprunError,
    SystemFault,
    UsageError,
)
from rumprun.source import apt_cache, build_depends
from rumprun.source.build_depends import (
    Known,
    install_packages,
    look_up,
    unmet_build_depends,
)
from rumprun.source.recipe import Recipe, parse_recipe
from rumprun.variant.sysroot import Variant
from unit.variant_samples import source

UNMET = """\
dpkg-checkbuilddeps: error: Unmet build dependencies: nosuch (>= 1:1~) | other \
libnosuch-dev:native (>= 2) x1 | x2 (<< 3) | x3:any g++-12 python3-all-dev:any
dpkg-checkbuilddeps: error: Build conflicts: gcc
"""


def answers(
    monkeypatch: pytest.MonkeyPatch, stderr: str = "", status: int = 1
) -> list[Sequence[str]]:
    """Let the commands of ``build_depends`` say ``stderr``; the result collects their words."""
    seen: list[Sequence[str]] = []

    def run(argv: Sequence[str], **_others: object) -> Completed:
        seen.append(argv)
        return Completed(argv=tuple(argv), returncode=status, stdout="", stderr=stderr)

    monkeypatch.setattr(build_depends, "run", run)
    return seen


@pytest.mark.parametrize(
    ("stderr", "names"),
    [
        ("", ()),
        ("dpkg-checkbuilddeps: error: Build conflicts: gcc", ()),
        (
            UNMET,
            ("nosuch", "libnosuch-dev", "x1", "g++-12", "python3-all-dev"),
        ),
    ],
)
def test_unmet_build_depends(
    monkeypatch: pytest.MonkeyPatch, stderr: str, names: tuple[str, ...]
) -> None:
    seen = answers(monkeypatch, stderr)
    assert unmet_build_depends(Path(), ["nodoc", "cross"]) == names
    assert "cross,nodoc" in seen[0]


def test_fields_that_dpkg_cannot_read_are_not_taken_as_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers(monkeypatch, "dpkg-checkbuilddeps: error: cannot parse", status=25)
    with pytest.raises(InputError, match="cannot parse"):
        unmet_build_depends(Path(), [])


def test_apt_tells_what_a_package_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    said = """\
Package: dblatex
Section: text
Depends: python3:any, texlive-latex-base (>= 2008), x | texlive

Package: libudev-dev
Section: non-free/libdevel

Package: doc-base
Section: doc
"""
    monkeypatch.setattr(
        apt_cache,
        "run",
        lambda argv, **_others: Completed(argv=tuple(argv), returncode=100, stdout=said, stderr=""),
    )
    known = look_up(["dblatex", "libudev-dev", "doc-base", "absent"])
    assert {name for name, it in known.items() if it.is_for_documents} == {"dblatex", "doc-base"}
    assert {name for name, it in known.items() if it.is_library} == {"libudev-dev"}
    assert "absent" not in known
    assert look_up([]) == {}


def test_apt_s_failure_points_to_the_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = answers(monkeypatch, status=100)
    with pytest.raises(MissingError, match=f"could not install a b; see {tmp_path}/log"):
        install_packages(["b", "a"], log=tmp_path / "log")
    assert list(seen[0][-2:]) == ["a", "b"]


def pool(*names: str) -> dict[str, Variant]:
    return {
        name: Variant(
            name=name, version="1", source=name, source_version="1", depends="", deb=Path(name)
        )
        for name in names
    }


def provide(pool: Mapping[str, Variant], recipe: Recipe | None = None) -> None:
    local_build.provide_build_depends(
        Path(), source("foo", name="foo"), dict(pool), Path("log"), recipe, install=False
    )


def test_variants_stand_in_for_libraries_but_not_for_tools(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unmet = ["zlib1g-dev", "libq-rumprun-dev", "bison", "texlive", "libudev-dev"]
    monkeypatch.setattr(local_build, "unmet_build_depends", lambda _tree, _profiles, **_kind: unmet)
    sections = {"zlib1g-dev": "libdevel", "bison": "devel", "texlive": "tex"}
    known = {name: Known(section=it, typesets=False) for name, it in sections.items()}
    known["libudev-dev"] = Known(section="libdevel", typesets=False)
    monkeypatch.setattr(local_build, "look_up", lambda _names: known)
    with pytest.raises(MissingError, match=r"not installed: libq-rumprun-dev, bison;"):
        provide({})
    built = pool("zlib1g-rumprun-dev", "libq-rumprun-dev", "bison-rumprun")
    with pytest.raises(MissingError, match=r"apt-get install bison'"):
        provide(built)
    text = '[[keep]]\nbuild-depends = ["zlib1g-dev"]\nreason = "all that is needed"\n'
    provide(built, parse_recipe(text, name="foo", origin="here"))
    unmet.remove("bison")
    provide(built)


def test_subcommands_explain_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for name in SUBCOMMANDS:
        # Behind a long name, argparse begins a new line.
        assert re.search(rf"\n    {name}\s", text)
        assert subcommand(name).HELP
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == UsageError.exit_code


def test_jobs_below_one_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "zlib", "--jobs", "0"]) == UsageError.exit_code
    assert "--jobs" in capsys.readouterr().err


def test_a_dsc_is_taken_where_it_is_and_a_name_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = make_parser().parse_args(["build", "--suite", "bookworm", "zlib"])
    directory = tmp_path / "new"
    assert sources.locate_dsc("a/z.dsc", arguments, directory) == Path("a/z.dsc")
    assert not directory.exists()

    def fetch(name: str, **options: object) -> Path:
        assert options.pop("destination") == directory
        assert options == {"suite": "bookworm", "enable_deb_src": False, "offline": False}
        return directory / f"{name}.dsc"

    monkeypatch.setattr(sources, "fetch", fetch)
    assert sources.locate_dsc("zlib", arguments, directory) == directory / "zlib.dsc"
    assert directory.is_dir()


class FakeBuilder:
    """Builds nothing, and fails for some sources."""

    def __init__(self, **failing: RumprunError) -> None:
        self.failing = failing
        self.target = None

    def build(self, tree: Path, _source: object, _work: Path) -> tuple[Path, ...]:
        if tree.name in self.failing:
            raise self.failing[tree.name]
        return (tree.with_suffix(".deb"),)


def build_all(
    monkeypatch: pytest.MonkeyPatch, work: Path, builder: FakeBuilder, *names: str
) -> tuple[list[str], list[RumprunError]]:
    """Build items of these names; those in capitals were not asked for."""
    items = [
        build._Item(
            name=name,
            asked=name.islower(),
            unpack=lambda _directory, name=name: Path(name),  # type: ignore[misc]
        )
        for name in names
    ]
    monkeypatch.setattr(build, "_items", lambda *_all: items)
    monkeypatch.setattr(build, "read_source_tree", lambda tree: source("foo", name=tree.name))
    monkeypatch.setattr(build, "_is_at_hand", lambda _source, _variants: False)
    monkeypatch.setattr(FakeBuilder, "pool", lambda _self: {}, raising=False)
    arguments = make_parser().parse_args(["build", "a"])
    packages, failed = build._build_all(arguments, builder, work)  # type: ignore[arg-type]
    return [path.stem for path in packages], failed


def test_a_failure_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = FakeBuilder(a=BuildError("a is broken"), LIB=AuditError("LIB is dynamic"))
    built, failed = build_all(monkeypatch, tmp_path, builder, "LIB", "a", "b")
    assert built == ["b"]
    assert [error.exit_code for error in failed] == [BuildError.exit_code]
    said = capsys.readouterr().err
    assert "error: a is broken" in said
    assert "warning: LIB is done without where that can be: LIB is dynamic" in said
    assert not list(tmp_path.iterdir())


def test_the_failure_of_the_only_source_is_the_command_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(BuildError):
        build_all(monkeypatch, tmp_path, FakeBuilder(a=BuildError("broken")), "a")


def test_a_full_disk_stops_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SystemFault):
        build_all(monkeypatch, tmp_path, FakeBuilder(a=SystemFault("disk full")), "a", "b")


def test_what_is_at_hand_is_of_the_same_version() -> None:
    (variant,) = pool("foo").values()
    wanted = source("foo", name="foo")
    assert not build._is_at_hand(wanted, [variant])
    assert build._is_at_hand(wanted, [dataclasses.replace(variant, source_version=wanted.version)])


def test_report(capsys: pytest.CaptureFixture[str]) -> None:
    build._report([Path("a.deb"), Path("b.deb")], as_json=True)
    assert json.loads(capsys.readouterr().out) == ["a.deb", "b.deb"]
    build._report([Path("a.deb"), Path("b.deb")], as_json=False)
    assert capsys.readouterr().out == "a.deb\nb.deb\n"


def test_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUMPRUN_TOOLCHAIN_ROOT", str(tmp_path))
    assert targets.main(make_parser().parse_args(["targets", "--json"])) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert (row["name"], row["compiler"]) == ("musl", None)
    compiler = tmp_path / "usr/bin" / f"{row['triple']}-gcc"
    compiler.parent.mkdir(parents=True)
    compiler.touch()
    assert targets.main(make_parser().parse_args(["targets"])) == 0
    assert f"compiler {compiler}" in capsys.readouterr().out
