# SPDX-License-Identifier: BSD-2-Clause
"""What a native shared library exports and the variant's archive does not define."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from rumprun.command import run
from rumprun.elf_magic import is_elf
from rumprun.target.descriptor import Target
from rumprun.variant.audit.symbols import read_symbols
from rumprun.variant.difference.files import Places
from rumprun.variant.difference.model import Answer, Kind
from rumprun.variant.layout import is_shared, library_stem

_NM_SECONDS = 300.0

# Put into every shared object by the linker and the start files.
_LINKERS_OWN = frozenset({"_init", "_fini", "_edata", "_end", "__bss_start", "__end__"})

# The value of a symbol that only programs linked long ago can still ask for.
OLD_VERSION = "old version"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A dynamic symbol; ``version`` is "" without one, ``current`` what a link today gets."""

    name: str
    version: str
    current: bool


def parse_dynamic(output: str) -> tuple[Exported, ...]:
    """What ``nm -P -D -g --defined-only`` says of one file: the symbols, not the versions.

    A line is ``NAME[@[@]VERSION] TYPE [VALUE [SIZE]]``; versions themselves are of type A.
    """
    found = []
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        if not word or not rest or rest[0] == "A":
            continue
        name, at, version = word.partition("@")
        if name and name not in _LINKERS_OWN:
            current = not at or version.startswith("@")
            found.append(Exported(name=name, version=version.lstrip("@"), current=current))
    return tuple(found)


def differing_symbols(native: Places, variant: Places, target: Target) -> Iterator[Answer]:
    """Lost symbols by library, how many more the archive shows, and lost libraries and plug-ins.

    A symbol that another archive of the same source defines is not lost.
    """
    archives = {
        path.name.removesuffix(".a"): path
        for place, path in variant.items()
        if place.parts[0] == "lib" and place.suffix == ".a"
    }
    known = {path: item.defined() for path, item in read_symbols(archives.values(), target).items()}
    everywhere = set[str]().union(*known.values())
    for place, path in sorted(native.items()):
        if place.parts[0] != "lib" or not is_shared(place.name) or not _is_elf(path):
            continue
        stem = library_stem(place.name)
        if len(place.parts) == 2 and stem:
            if stem in archives:
                own = known[archives[stem]]
                yield from _compared(stem, path, own, everywhere, target)
            else:
                yield Answer(
                    kind=Kind.LIBRARY, where="lib", name=stem, native=place.name, variant=None
                )
        elif str(place) not in map(str, variant):
            inner = "/".join(place.parts[1:])
            yield Answer(kind=Kind.PLUGIN, where="lib", name=inner, native="there", variant=None)


def _compared(
    stem: str, library: Path, own: set[str], everywhere: set[str], target: Target
) -> Iterator[Answer]:
    argv: list[str | Path] = [target.tool("nm"), "-P", "-D", "-g", "--defined-only", library]
    exported = parse_dynamic(run(argv, timeout=_NM_SECONDS, check=False).stdout)
    current = {item.name for item in exported if item.current}
    for name in sorted({item.name for item in exported} - everywhere):
        shown = "exported" if name in current else OLD_VERSION
        yield Answer(kind=Kind.SYMBOL, where=stem, name=name, native=shown, variant=None)
    more = len(own - {item.name for item in exported})
    if more:
        yield Answer(
            kind=Kind.SYMBOLS_GAINED,
            where=stem,
            name=f"{more} symbol{'' if more == 1 else 's'}",
            native=None,
            variant="visible",
        )


def _is_elf(path: Path) -> bool:
    return not path.is_symlink() and is_elf(path)


def needed(path: Path) -> tuple[str, ...]:
    """The libraries that the ELF file ``path`` names as needed, by their stems: ``libgmp``.

    None for what is no dynamic ELF file.
    """
    try:
        with path.open("rb") as stream:
            dynamic = ELFFile(stream).get_section_by_name(".dynamic")
            if not isinstance(dynamic, DynamicSection):
                return ()
            names = [tag.needed for tag in dynamic.iter_tags("DT_NEEDED")]
    except (OSError, ELFError):
        return ()
    return tuple(stem for stem in map(library_stem, names) if stem)
