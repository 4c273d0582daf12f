# SPDX-License-Identifier: BSD-2-Clause
"""What builders make of how a build ended, and what an envelope asks a chroot for."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun.archive import envelope
from rumprun.archive.builder import Job
from rumprun.archive.chroot import Chroot
from rumprun.archive.clean_builder import RESULT, CleanOptions
from rumprun.archive.process_builder import error_of, failure
from rumprun.archive.sbuild import SbuildBuilder
from rumprun.source.control import parse_fields
from rumprun.source.recipe_files import read_recipe

CHROOT = Chroot(suite="bookworm", architecture="amd64", mode="unshare")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    directory = tmp_path / "job"
    (directory / RESULT).mkdir(parents=True)
    (directory / "said").touch()
    return Job(
        source="sample",
        version="1-1",
        dsc=tmp_path / "sample_1-1.dsc",
        variants=(tmp_path / "libz-rumprun-dev_1_all.deb",),
        directory=directory,
        log=tmp_path / "log",
        jobs=3,
        tools=("bison", "debhelper-compat"),
    )


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("error: no disk\n", "no disk"),
        ("note\nerror: one\nmore\nerror: two\nof two lines\n", "two\nof two lines"),
        ("terror: x\n", ""),
        ("", ""),
    ],
)
def test_the_last_error_counts(said: str, error: str) -> None:
    assert error_of(said) == error


def test_a_machine_that_gives_out_is_fatal() -> None:
    assert failure("error: no space left\n", 7).fatal
    assert not failure("error: no library\n", 5).fatal
    assert failure("", 9).error == "ended with status 9"


def test_packages_and_their_report(job: Job) -> None:
    result = job.directory / RESULT
    for name in ("sample-rumprun_1-1_all.deb", "sample-data_1-1_all.deb"):
        (result / name).touch()
    (result / envelope.REPORT).write_text('{"seconds": 1}', encoding="utf-8")
    builder = SbuildBuilder(CHROOT, CleanOptions())
    outcome = builder.outcome(job, 0)
    assert [path.name for path in outcome.packages] == ["sample-rumprun_1-1_all.deb"]
    assert outcome.report == {"seconds": 1}
    native = SbuildBuilder(CHROOT, CleanOptions(native=True)).outcome(job, 0)
    assert len(native.packages) == 2


@pytest.mark.parametrize(
    ("log", "expected", "fatal"),
    [
        ("x\nerror: sample: no foo.h\nmake: *** [debian/rules:12: binary-indep] Error 5\n",
         "sample: no foo.h", False),
        ("error: disk full\nmake: *** [debian/rules:12: binary-indep] Error 7\n",
         "disk full", True),
        ("apt said something\n", "apt said something", False),
    ],
)  # fmt: skip
def test_what_failed_in_a_chroot(job: Job, log: str, expected: str, fatal: bool) -> None:
    job.log.write_text(log, encoding="utf-8")
    outcome = SbuildBuilder(CHROOT, CleanOptions()).outcome(job, 2)
    assert outcome.error is not None
    assert expected in outcome.error
    assert str(job.log) in outcome.error
    assert outcome.fatal is fatal


def test_success_without_a_package_is_none(job: Job) -> None:
    job.log.write_text("nothing\n", encoding="utf-8")
    assert SbuildBuilder(CHROOT, CleanOptions()).outcome(job, 0).error


def test_an_envelope_asks_for_tools_and_variants(job: Job, tmp_path: Path) -> None:
    fields = envelope.fields_of(job, ["--timeout", "5", "a b"], [Path("dh-rumprun_1_all.deb")])
    control = envelope.render("envelope-control.j2", fields)
    (source, binary) = parse_fields(control, path=tmp_path / "control")
    assert source["Build-Depends"] == "bison, debhelper-compat, dh-rumprun, libz-rumprun-dev"
    assert binary["Package"] == source["Source"] == "sample-rumprun-variants"
    rules = envelope.render("envelope-rules.j2", fields)
    assert rules.startswith("#!/usr/bin/make -f\n")
    assert "--timeout 5 'a b' --jobs 3 source/sample_1-1.dsc" in rules


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([], {"dh-rumprun", "rumprun-toolchain-c++"}),
        (["dh-rumprun_1_all.deb", "rumprun-toolchain_1_amd64.deb"], {"dh-rumprun"}),
        (
            ["dh-rumprun_1_all.deb", "rumprun-toolchain-c++_1_amd64.deb"],
            {"dh-rumprun", "rumprun-toolchain-c++"},
        ),
    ],
)
def test_an_envelope_asks_for_those_of_ours_that_there_are(
    job: Job, own: list[str], expected: set[str]
) -> None:
    fields = envelope.fields_of(job, [], [Path(name) for name in own])
    wanted = fields["build_depends"]
    assert isinstance(wanted, list)
    assert set(wanted) - {"bison", "debhelper-compat", "libz-rumprun-dev"} == expected


def test_an_envelope_brings_the_recipe_along(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "sample.toml"
    path.write_text('[[drop]]\npackage = ["sample-x"]\nreason = "for desktops"\n', encoding="utf-8")
    with_recipe = Job(**{**vars(job), "recipe": read_recipe(path)})
    rules = envelope.render("envelope-rules.j2", envelope.fields_of(with_recipe, [], []))
    assert "--recipe recipes --jobs 3" in rules


def test_another_target_brings_its_toolchain(job: Job) -> None:
    own = [Path("dh-rumprun_1_all.deb"), Path("rumprun-toolchain-netbsd_1_amd64.deb")]
    fields = envelope.fields_of(job, ["--target", "netbsd"], own)
    assert "'rumprun-toolchain-netbsd'" in str(fields["build_depends"])
    assert "--target netbsd" in str(fields["command"])
    assert "netbsd" not in str(envelope.fields_of(job, [], own))
