# SPDX-License-Identifier: BSD-2-Clause
"""What users get wrong, and machines: one line that says what to do, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rumprun import paths
from rumprun.command import Completed, base_environment, run
from rumprun.errors import InputError, MissingError
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.integration

RUMPDEB = paths.DATA / "rumpdeb"
PACKAGE = Path(__file__).parents[1] / "packages" / "libgreet"


class Machine:
    """A place to run rumpdeb in: its own TMPDIR and output, which are looked at afterwards."""

    def __init__(self, directory: Path) -> None:
        load_target().tool("gcc")
        self.temporary = directory / "tmp"
        self.output = directory / "out"
        self.sources = directory / "sources"
        for path in (self.temporary, self.output, self.sources):
            path.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        return {**base_environment(), "TMPDIR": str(self.temporary)}

    def build(self, *arguments: str | Path) -> Completed:
        words = [RUMPDEB, "build", *arguments, "--output", self.output]
        return run(words, env=self.environment, check=False)

    def dsc(self, tree: Path) -> Path:
        """The .dsc of a native source made from ``tree``."""
        (tree / "debian" / "source" / "format").write_text("3.0 (native)\n")
        changelog = tree / "debian" / "changelog"
        changelog.write_text(changelog.read_text().replace("(1.0-1)", "(1.0)"))
        run(["dpkg-source", "-b", tree], cwd=self.sources)
        return self.sources / "libgreet_1.0.dsc"

    def tree(self) -> Path:
        shutil.copytree(PACKAGE, self.sources / "libgreet-1.0")
        return self.sources / "libgreet-1.0"

    def check_clean(self) -> None:
        """Nothing half-made: no package, and no temporary tree."""
        assert not list(self.output.glob("*.deb"))
        assert not [path for path in self.output.iterdir() if path.name.startswith(".")]
        assert not list(self.temporary.iterdir())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def check_one_line(answer: Completed, status: int, *words: str) -> None:
    assert answer.returncode == status, answer.stderr
    assert "Traceback" not in answer.stderr
    errors = [line for line in answer.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1, answer.stderr
    for word in words:
        assert word in answer.stderr


def test_unknown_source(machine: Machine) -> None:
    answer = machine.build("no-such-source-anywhere", "--enable-deb-src")
    check_one_line(answer, 4, "no-such-source-anywhere")
    machine.check_clean()


def test_wrong_suite(machine: Machine) -> None:
    answer = machine.build("zlib", "--enable-deb-src", "--suite", "woody")
    check_one_line(answer, 4, "woody", "bookworm")
    machine.check_clean()


def test_no_deb_src_line(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://deb.debian.org/debian bookworm main\n")
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\nDir::Etc::sourceparts "/dev/null";\n'
    )
    answer = run(
        [RUMPDEB, "build", "zlib", "--output", machine.output],
        env={**machine.environment, "APT_CONFIG": str(tmp_path / "apt.conf")},
        check=False,
    )
    check_one_line(answer, 4, "deb-src", "sources.list", "--enable-deb-src")
    machine.check_clean()


def test_missing_dsc(machine: Machine) -> None:
    check_one_line(machine.build(machine.sources / "absent_1.dsc"), 4, "absent_1.dsc")
    machine.check_clean()


@pytest.mark.parametrize("damage", ["truncated", "tampered", "missing"])
def test_damaged_tarball(machine: Machine, damage: str) -> None:
    dsc = machine.dsc(machine.tree())
    tarball = next(machine.sources.glob("libgreet_1.0.tar.*"))
    content = tarball.read_bytes()
    if damage == "missing":
        tarball.unlink()
    elif damage == "truncated":
        tarball.write_bytes(content[: len(content) // 2])
    else:
        tarball.write_bytes(content[:-4] + b"oops")
    status = MissingError.exit_code if damage == "missing" else InputError.exit_code
    check_one_line(machine.build(dsc), status, tarball.name)
    machine.check_clean()


def test_nothing_to_vary(machine: Machine) -> None:
    tree = machine.tree()
    control = tree / "debian" / "control"
    source = control.read_text().partition("\n\n")[0]
    control.write_text(
        f"{source}\n\nPackage: libgreet-doc\nSection: doc\nArchitecture: all\n"
        "Description: greeting library, documentation\n It tells of greetings.\n"
    )
    answer = machine.build(machine.dsc(tree))
    check_one_line(answer, 3, "libgreet has no library or program to vary")
    machine.check_clean()


def test_failing_build_names_the_log(machine: Machine) -> None:
    tree = machine.tree()
    (tree / "greet.c").write_text("#error this greets nobody\n")
    answer = machine.build(machine.dsc(tree))
    check_one_line(answer, 5, "this greets nobody", "libgreet_1.0_musl.build")
    machine.check_clean()


def test_a_build_that_writes_elsewhere_is_stopped(machine: Machine) -> None:
    elsewhere = Path("/usr/local/share/dh-rumprun-was-here")
    tree = machine.tree()
    with (tree / "Makefile").open("a") as file:
        file.write(f"\nall: elsewhere\nelsewhere:\n\ttouch {elsewhere}\n")
    try:
        answer = machine.build(machine.dsc(tree))
        assert not elsewhere.exists()
    finally:
        elsewhere.unlink(missing_ok=True)
    check_one_line(answer, 5, f"cannot touch '{elsewhere}'")
    machine.check_clean()


def test_missing_build_dependency(machine: Machine) -> None:
    tree = machine.tree()
    control = tree / "debian" / "control"
    control.write_text(control.read_text().replace("(= 13)", "(= 13), no-such-tool (>= 2)"))
    answer = machine.build(machine.dsc(tree))
    check_one_line(answer, 4, "libgreet needs", "apt-get install no-such-tool")
    machine.check_clean()


def test_hanging_build_is_ended(machine: Machine) -> None:
    tree = machine.tree()
    with (tree / "Makefile").open("a") as file:
        file.write("\nall: hang\nhang:\n\techo waiting for a guest; sleep 600\n")
    started = time.monotonic()
    answer = machine.build(machine.dsc(tree), "--timeout", "0.1")
    assert time.monotonic() - started < 120
    check_one_line(answer, 5, "no end after 6 s", "waiting for a guest")
    machine.check_clean()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_build(machine: Machine, number: signal.Signals) -> None:
    tree = machine.tree()
    marker = machine.sources / "building"
    with (tree / "Makefile").open("a") as file:
        file.write(f"\nall: hang\nhang:\n\ttouch {marker}; sleep 600\n")
    dsc = machine.dsc(tree)
    answers: list[Completed] = []
    thread = threading.Thread(target=lambda: answers.append(machine.build(dsc)))
    thread.start()
    wait_for(marker)
    interrupt(machine, number)
    thread.join(timeout=60)
    assert answers, "rumpdeb did not end"
    check_one_line(answers[0], 130, "interrupted")
    machine.check_clean()
    assert not running_below(machine.temporary)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.1)


def processes() -> Iterator[tuple[int, str, str]]:
    """Number, command line and environment of each process that we may look at."""
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            with contextlib.suppress(OSError):
                command = (directory / "cmdline").read_bytes().decode(errors="replace")
                environment = (directory / "environ").read_bytes().decode(errors="replace")
                yield int(directory.name), command, environment


def interrupt(machine: Machine, number: signal.Signals) -> None:
    for process, command, _ in processes():
        if str(RUMPDEB) in command and str(machine.output) in command:
            os.kill(process, number)


def running_below(directory: Path) -> list[str]:
    return [
        command for _, command, environment in processes() if f"TMPDIR={directory}" in environment
    ]


def test_keep_leaves_the_tree_and_says_where(machine: Machine) -> None:
    answer = machine.build(machine.dsc(machine.tree()), "--keep")
    assert answer.returncode == 0, answer.stderr
    kept = [line for line in answer.stderr.splitlines() if line.startswith("kept: ")]
    assert len(kept) == 1
    assert list(Path(kept[0].removeprefix("kept: ")).rglob("libgreet.a"))


@contextlib.contextmanager
def tiny_disk(mount_point: Path, size: str) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    mount_point.mkdir(exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", mount_point])
    try:
        yield
    finally:
        run(["umount", mount_point])


@pytest.mark.parametrize("where", ["temporary", "output"])
def test_full_disk(machine: Machine, where: str) -> None:
    dsc = machine.dsc(machine.tree())
    disk: Path = getattr(machine, where)
    # The output fits the log of the build, but not the packages.
    with tiny_disk(disk, "64k" if where == "temporary" else "12k"):
        answer = machine.build(dsc)
        check_one_line(answer, 7, "no space left", "free some")
        assert not list(machine.output.glob("*.deb"))
        assert not list(machine.temporary.iterdir())


@pytest.mark.parametrize("where", ["temporary", "output"])
def test_full_disk_under_a_repository(machine: Machine, where: str) -> None:
    dsc = machine.dsc(machine.tree())
    disk: Path = getattr(machine, where)
    repo = machine.output / "repo"
    with tiny_disk(disk, "64k" if where == "temporary" else "16k"):
        answer = machine.build(dsc, "--repo", repo)
        check_one_line(answer, 7, "no space left", "free some")
        assert not list(repo.glob("pool/**/*.deb"))
        assert not list(repo.glob("builds/*"))
        assert not list(machine.temporary.iterdir())
    assert machine.build(dsc, "--repo", repo).returncode == 0
    names = {deb.name.partition("_")[0] for deb in repo.glob("pool/**/*.deb")}
    assert names == {"libgreet-rumprun-dev", "greet-rumprun"}


def test_a_damaged_record_stops_a_build_before_it_starts(machine: Machine) -> None:
    dsc = machine.dsc(machine.tree())
    repo = machine.output / "repo"
    (repo / "builds").mkdir(parents=True)
    (repo / "builds" / "other.json").write_text("{", encoding="utf-8")
    answer = machine.build(dsc, "--repo", repo)
    check_one_line(answer, 3, "builds/other.json", "remove the file")
    assert not (repo / "pool").exists()
