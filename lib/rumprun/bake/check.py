# SPDX-License-Identifier: BSD-2-Clause
"""What can be refused before anything is written or downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile

from rumprun.bake.board import BakeRequest
from rumprun.bake.program import check_program
from rumprun.bake.root import unpacked_size
from rumprun.errors import InputError

_MIB = 1 << 20

# COMMAND_LINE_SIZE of Linux on x86 (arch/x86/include/asm/setup.h), less what the board adds.
_MOST_OPTIONS = 1024


def check_request(request: BakeRequest) -> None:
    """See that ``request`` makes an image that can run.

    Raises :class:`MissingError` for a file that is not there, and :class:`InputError`.
    """
    for file in _executables(request):
        check_program(file, request.target)
    _check_names([program.name for program in request.programs])
    _check_paths(request)
    _check_symbols(request)
    _check_memory(request)
    if len(" ".join(request.options)) > _MOST_OPTIONS:
        raise InputError(
            f"{len(' '.join(request.options))} characters of kernel options",
            hint=f"at most {_MOST_OPTIONS} fit on the command line",
        )


def _executables(request: BakeRequest) -> list[Path]:
    own = [request.entrypoint] if request.entrypoint else []
    return [*(program.file for program in request.programs), *own]


def _check_names(names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InputError(
                f"two programs are called {name}",
                hint="give one of them a name of its own, by the key name in a manifest",
            )


def _check_paths(request: BakeRequest) -> None:
    for program in request.programs:
        if f"bin/{program.name}" in request.files:
            raise InputError(
                f"/bin/{program.name} is a file of the image, and the program {program.name}",
                hint="give one of them another name",
            )


def _check_symbols(request: BakeRequest) -> None:
    """A section that a function applies needs an entrypoint that has the function."""
    delegated = request.config.delegate if request.config else ()
    for one in delegated:
        if one.symbol and not request.entrypoint:
            raise InputError(
                f"delegate.{one.section}: the board's own entrypoint has no function {one.symbol}",
                hint="bake an entrypoint that has it, by the key entrypoint in a manifest",
            )


def _check_memory(request: BakeRequest) -> None:
    """All files are in memory, and the largest program once more when it runs."""
    if request.memory is None:
        return
    executables = _executables(request)
    needed = (
        unpacked_size(request.files)
        + sum(path.stat().st_size for path in executables)
        + max(map(loaded_size, executables))
    )
    if needed > request.memory * _MIB:
        raise InputError(
            f"{request.memory} MiB of memory, and the programs and files alone take "
            f"{needed / _MIB:.1f} MiB",
            hint="give the machine more",
        )


def loaded_size(program: Path) -> int:
    """The bytes of memory that the segments of a checked ``program`` take when it starts."""
    with program.open("rb") as file:
        segments = ELFFile(file).iter_segments("PT_LOAD")
        return sum(int(segment["p_memsz"]) for segment in segments)
