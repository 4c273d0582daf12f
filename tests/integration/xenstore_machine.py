# SPDX-License-Identifier: BSD-2-Clause
"""What tests of the store share: xenstored as a variant, its image, labs, and tests' programs."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from archive_samples import Fetch

from rumprun import command, paths
from rumprun.bake.board import BakeRequest, ProgramRequest, find_board
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.output import bake_image
from rumprun.config.check import parse_document
from rumprun.lab.xen import Lab, LabRequest, start_lab
from rumprun.target.descriptor import load_target

PROGRAMS = paths.DATA / "tests" / "xenstore"
HEADERS = Path("/usr/include/xen")
LAB_SECONDS = 1500.0
_RUMPDEB = paths.DATA / "rumpdeb"

# By the name of a program, what else it is made of.
_PARTS = {"checks": ("link", "domain"), "faults": ("link", "domain"), "lives": ("link", "domain"),
          "stream": ("link", "domain"), "client": ("link",), "memory": ()}  # fmt: skip


def compile_programs(directory: Path) -> Path:
    """tests/xenstore as static programs in ``directory``; needs libxen-dev."""
    include = directory / "include"
    include.mkdir(parents=True)
    (include / "xen").symlink_to(HEADERS)
    for name, parts in _PARTS.items():
        sources = [PROGRAMS / f"{part}.c" for part in (name, *parts)]
        command.run([
            load_target().tool("gcc"), "-std=gnu11", "-D_GNU_SOURCE", "-D__XEN_TOOLS__", "-O2",
            "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wstrict-prototypes", "-Wvla",
            "-Werror", "-static-pie", "-isystem", include, "-o", directory / name, *sources,
        ])  # fmt: skip
    return directory


def put_programs(lab: Lab, directory: Path) -> None:
    """Into dom0's /root."""
    for name in _PARTS:
        lab.put(directory / name, f"/root/{name}", mode=0o755)


def bake_store(program: Path, directory: Path, watch: Path | None = None) -> Path:
    """The image of an xenstored, as its package has it; ``watch`` runs beside it: memory.c."""
    programs = [ProgramRequest(file=program, name="xenstored", argv=("xenstored", "--no-fork"))]
    config = None
    if watch:
        programs.append(ProgramRequest(file=watch, name=watch.name, argv=(watch.name,)))
        rc = [{"bin": "xenstored", "argv": ["xenstored", "--no-fork"], "runmode": "&"},
              {"bin": watch.name}]  # fmt: skip
        config = parse_document(json.dumps({"rc": rc}).encode(), where="rc")
    request = BakeRequest(
        programs=tuple(programs), target=load_target(), kernel_package=DEFAULT_PACKAGE, memory=8,
        config=config,
    )  # fmt: skip
    bake_image(find_board("pvh"), request, directory)
    # As a package has it.
    kernel = directory / "kernel"
    packed = directory.with_suffix(".gz")
    packed.write_bytes(gzip.compress(kernel.read_bytes(), 9, mtime=0))
    return packed


def build_xen(source: Path, work: Path) -> Path:
    """The prefix of what the variants of Xen hold, unpacked together."""
    words = (_RUMPDEB, "build", "--only-named", source, "--output", work / "out")
    command.run(words, timeout=1200)
    for deb in sorted((work / "out").glob("*.deb")):
        command.run(["dpkg-deb", "--extract", deb, work / "root"])
    return work / "root" / load_target().prefix.relative_to("/")


@pytest.fixture(scope="session")
def built_xen(archive: Fetch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See :func:`build_xen`; the packages are in ../../../out."""
    return build_xen(archive("xen"), tmp_path_factory.mktemp("xen"))


@pytest.fixture(scope="session")
def store_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See :func:`compile_programs`."""
    return compile_programs(tmp_path_factory.mktemp("xenstore-programs"))


@pytest.fixture(scope="session")
def store_image(built_xen: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The stub domain's image, on the board as it is now."""
    root = tmp_path_factory.mktemp("xenstore-boards")
    for part in ("common", "pvh"):
        command.run(["make", "-C", paths.DATA / "boards" / part, "install", f"DESTDIR={root}"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUMPRUN_BOARD_ROOT", str(root))
        yield bake_store(built_xen / "sbin" / "xenstored", root / "image")


@pytest.fixture(scope="session")
def store_labs(
    store_programs: Path,
    store_image: Path,
    lab_agent: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Lab]]:
    """By "daemon" or "domain" a lab with that store and tests' programs; one of each for all."""
    labs: dict[str, Lab] = {}
    stores: dict[str, str | Path] = {"daemon": "xenstored", "domain": store_image}
    with contextlib.ExitStack() as stack:

        def get(kind: str) -> Lab:
            if kind not in labs:
                request = LabRequest(
                    store=stores[kind], directory=tmp_path_factory.mktemp(kind), limit=LAB_SECONDS
                )
                labs[kind] = stack.enter_context(start_lab(request))
                put_programs(labs[kind], store_programs)
            return labs[kind]

        yield get
