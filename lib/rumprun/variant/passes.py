# SPDX-License-Identifier: BSD-2-Clause
"""The variant pass, repeated with a feature less where a library is not there."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path

from rumprun import ui
from rumprun.errors import BuildError
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.diagnose import explain_error
from rumprun.variant.features import Switch, find_switches
from rumprun.variant.left_out import header_to_leave_out
from rumprun.variant.sysroot import Sysroot
from rumprun.variant.variant_pass import PassOptions, run_pass
from rumprun.workdir import remove_tree

_MOST_PASSES = 12


@dataclass(frozen=True, kw_only=True)
class PassDone:
    """A pass that ended well: its tree, the directory of its linker maps, and what it lacks.

    ``headers`` are those of other languages, whose programs are stand-ins in the tree.
    """

    tree: Path
    link_log: Path
    switches: tuple[Switch, ...]
    headers: tuple[str, ...] = ()


def run_passes(
    tree: Path,
    source: SourcePackage,
    target: Target,
    sysroot: Sysroot,
    *,
    work: Path,
    log: Path,
    options: PassOptions,
) -> PassDone:
    """Run the pass in copies of ``tree`` below ``work``, each time with more switched off.

    A pass that fails for a library that an option of the source does without is run again with
    that option off; such a failure comes early, from configure. Where no option helps against
    the header of another language, it is run again without the programs that need it. ``log``
    gets all passes. Raises :class:`BuildError` of the last pass where nothing helps.
    """
    for _ in range(_MOST_PASSES):
        copy = _fresh_copy(tree, work / "tree")
        private = work / "pass"
        remove_tree(private)
        private.mkdir()
        start = log.stat().st_size if log.exists() else 0
        try:
            link_log = run_pass(
                copy, source, target, sysroot, work=private, log=log, options=options
            )
            return PassDone(
                tree=copy, link_log=link_log, switches=options.switches, headers=options.left_out
            )
        except BuildError as error:
            turned = _with_less(options, _read_from(log, start), copy, source, log)
            if turned is None:
                raise _explained(error, log) from error
            last, options = error, turned
    raise _explained(last, log) from last


def _with_less(
    options: PassOptions, said: str, tree: Path, source: SourcePackage, log: Path
) -> PassOptions | None:
    """``options`` for the next turn, without what the pass that ``said`` so failed for."""
    more = _new(find_switches(said, tree), options.switches)
    for switch in more:
        _say(source, f"with {switch}, because: {switch.reason}", log)
    if more:
        return dataclasses.replace(options, switches=(*options.switches, *more))
    header = header_to_leave_out(said)
    if header is None or header in options.left_out:
        return None
    _say(source, f"without the programs that need {header}", log)
    return dataclasses.replace(options, left_out=(*options.left_out, header))


def _explained(error: BuildError, log: Path) -> BuildError:
    """The failure that stays, with its class and remedy where they are known."""
    why = explain_error(log, error.message)
    return BuildError(error.message, hint=f"{why}\n{error.hint}") if why else error


def _new(found: tuple[Switch, ...], known: tuple[Switch, ...]) -> tuple[Switch, ...]:
    names = {(switch.build_system, switch.option) for switch in known}
    return tuple(switch for switch in found if (switch.build_system, switch.option) not in names)


def _say(source: SourcePackage, how: str, log: Path) -> None:
    message = f"{source.name}: once more {how}"
    ui.note(message)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"\ndh-rumprun: {message}\n")


def _read_from(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode("utf-8", errors="replace")


def _fresh_copy(tree: Path, destination: Path) -> Path:
    remove_tree(destination)
    shutil.copytree(tree, destination, symlinks=True)
    return destination
