# SPDX-License-Identifier: BSD-2-Clause
"""The boards of upstream Rumprun: its own baker links the programs with its kernel's parts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rumprun.bake.board import BakeRequest, Boot, BootRequest, ProgramRequest, describe_program
from rumprun.bake.image import Image, describe_file
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.root import Entry, Link, Root
from rumprun.command import CommandFailed, run
from rumprun.config.upstream import Baked, Platform, merged, order_of, upstream_text
from rumprun.errors import BuildError, InputError, UsageError
from rumprun.target.prefix import Prefix, environment, find_prefix
from rumprun.workdir import temporary_tree

_IMAGE = "kernel"
_MIB = 1 << 20
_SECONDS = 600.0

# What upstream's own launcher gives a machine (MEM_DEFAULT), besides the image.
_ROOM: Final = 64

# rumprun-bake takes no more.
_MOST_PROGRAMS: Final = 8

_RESOLVER: Final = "etc/resolv.conf"


class UpstreamBoard:
    """One board of upstream's baker; ``name`` is what it is called there, too."""

    def __init__(
        self,
        name: str,
        description: str,
        platform: Platform,
        *,
        machines: tuple[str, ...] = (),
        domains: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.description = description
        self.machines = machines
        self.domains = domains
        self._platform = platform

    def entrypoint(self, request: BakeRequest) -> None:
        """See :class:`rumprun.bake.board.Board`."""

    def base(self, directory: Path) -> None:
        """See :class:`rumprun.bake.board.Board`."""

    def bake(self, request: BakeRequest, directory: Path) -> Image:
        """See :class:`rumprun.bake.board.Board`."""
        _check_request(request, self.name)
        prefix = find_prefix(request.target.triple)
        self._check_prefix(prefix)
        contents = [program.file.read_bytes() for program in request.programs]
        programs = tuple(map(describe_program, request.programs, contents))
        image = Image(
            board=self.name,
            target=request.target.name,
            programs=programs,
            config=request.config.sections if request.config else None,
            memory=request.memory,
            options=(),
            kernel=None,
            files=(),
        )
        # Before anything is linked: whatever this configuration cannot be told.
        self._text(image, None)
        order = order_of([program.name for program in programs], request.config)
        by_name = {program.name: program for program in request.programs}
        with temporary_tree() as work:
            files = _with_resolver(request)
            parts = hide_symbols([by_name[name] for name in order], prefix, work)
            extra = cook_files(files, prefix, work) if files else None
            _link(prefix, self.name, parts, extra, directory / _IMAGE, work)
        size = (directory / _IMAGE).stat().st_size
        return dataclasses.replace(
            image,
            memory=request.memory or _ROOM + -(-size // _MIB),
            files=(describe_file(directory / _IMAGE),),
        )

    def boot(self, image: Image, directory: Path, request: BootRequest, scratch: Path) -> Boot:
        """See :class:`rumprun.bake.board.Board`."""
        del scratch  # All that changes is on the command line.
        if request.trace:
            raise UsageError(f"board {self.name} has no trace of calls", hint="leave it out")
        text = self._text(image, request)
        return Boot(kernel=directory / _IMAGE, initramfs=None, command_line=text, says_end=True)

    def _text(self, image: Image, request: BootRequest | None) -> str:
        override: dict[str, Any] | None = None
        programs = [
            Baked(name=program.name, argv=program.argv, env=program.env)
            for program in image.programs
        ]
        if request is not None and request.config is not None:
            override = json.loads(request.config)
        if request is not None and request.arguments is not None:
            first = programs[0]
            argv = (first.argv[0], *request.arguments)
            programs[0] = Baked(name=first.name, argv=argv, env=first.env)
        names = [program.name for program in programs]
        order = order_of(names, merged(image.config, None))
        document = merged(image.config, override)
        return upstream_text(document, programs, self._platform, order=order)

    def _check_prefix(self, prefix: Prefix) -> None:
        platform = self.name.partition("_")[0]
        if self.name not in prefix.boards or platform not in prefix.platforms:
            there = [n for n in prefix.boards if n.partition("_")[0] in prefix.platforms]
            raise InputError(
                f"{prefix.path} has no board {self.name}; it has {', '.join(there)}",
                hint=f"build its platform {platform} with upstream's build-rr.sh, or take another",
            )


def _check_request(request: BakeRequest, name: str) -> None:
    if request.kernel is not None or request.kernel_package != DEFAULT_PACKAGE or request.options:
        raise UsageError(f"a kernel, or options for one, for board {name}", hint="leave that out")
    if request.entrypoint is not None:
        raise UsageError(
            f"an entrypoint for board {name}, which starts the programs itself",
            hint="leave it out, or bake for board linux",
        )
    if len(request.programs) > _MOST_PROGRAMS:
        raise InputError(
            f"{len(request.programs)} programs for board {name}",
            hint=f"upstream's baker takes {_MOST_PROGRAMS}",
        )


def _with_resolver(request: BakeRequest) -> Root:
    """The image's files; upstream's Rumprun knows name servers by their file alone."""
    net = request.config.net if request.config else None
    if net is None or not (net.nameservers or net.search) or _RESOLVER in request.files:
        return request.files
    lines = [f"nameserver {server}" for server in net.nameservers]
    lines += [f"search {' '.join(net.search)}"] if net.search else []
    return {**request.files, _RESOLVER: Entry(content="\n".join([*lines, ""]).encode())}


def hide_symbols(
    programs: Sequence[ProgramRequest], prefix: Prefix, work: Path
) -> tuple[Path, ...]:
    """The files of ``programs`` for one image, in which no two share a global name.

    They are hidden before any library is added, because all programs are to share the libraries.
    A program that is alone stays as upstream's compiler made it.
    """
    found = []
    for place, program in enumerate(programs):
        part = work / f"program{place}"
        if len(programs) == 1:
            part.write_bytes(program.file.read_bytes())
        else:
            # Names in common storage and in groups of sections cannot be local ones.
            words: list[str | Path] = [
                "-r",
                "-d",
                "--force-group-allocation",
                "-o",
                part,
                program.file.absolute(),
            ]
            _run([prefix.tool("ld"), *words], work)
            _run([prefix.tool("objcopy"), "--keep-global-symbol=main", part], work)
        found.append(part)
    return tuple(found)


def cook_files(files: Root, prefix: Prefix, work: Path) -> Path:
    """``files`` as the object that upstream's baker adds to an image.

    Raises :class:`InputError` for a link, for which upstream has no form.
    """
    top = work / "rootfs"
    for name, entry in sorted(files.items()):
        place = top / name
        if isinstance(entry, Link):
            raise InputError(
                f"/{name} is a link, which upstream's root file system does not have",
                hint="put the file itself there",
            )
        if isinstance(entry, Entry):
            place.parent.mkdir(parents=True, exist_ok=True)
            content = entry.content
            place.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
        else:
            place.mkdir(parents=True, exist_ok=True)
    cooked = work / "rootfs.o"
    _run([prefix.tool("cookfs"), "-s", "1", cooked, "rootfs"], work)
    return cooked


def _link(
    prefix: Prefix, board: str, parts: Sequence[Path], extra: Path | None, image: Path, work: Path
) -> None:
    more = ["-m", f"add {extra}"] if extra else []
    made = work / "image"
    _run([prefix.baker, *more, board, made, *parts], work)
    # Names are of no use to the machine, and four fifths of the file.
    _run([prefix.tool("strip"), "--strip-all", "-o", image, made], work)


def _run(argv: Sequence[str | Path], work: Path) -> None:
    try:
        run(argv, cwd=work, env=environment(), timeout=_SECONDS)
    except CommandFailed as error:
        raise BuildError(
            error.message, hint="see whether the prefix works, with 'rumpdeb targets --probe'"
        ) from error
