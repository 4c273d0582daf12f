# SPDX-License-Identifier: BSD-2-Clause
"""Fragments of a kernel configuration: read, joined, and looked for in what Kconfig made of them.

Kconfig drops a line whose dependencies are not met without a word. Here that is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun import paths
from rumprun.errors import InputError, MissingError

_SUFFIX = ".config"

# The two forms of .config itself (Documentation/kbuild/kconfig.rst, scripts/kconfig/confdata.c).
_VALUE = re.compile(r"CONFIG_(\w+)=(y|m|-?[0-9]+|0x[0-9A-Fa-f]+|\"(?:[^\"\\]|\\.)*\")", re.ASCII)
_UNSET = re.compile(r"# CONFIG_(\w+) is not set", re.ASCII)
NOT_SET = "n"

_MOST_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One line of a fragment: ``value`` as ``.config`` has it, or :data:`NOT_SET`."""

    symbol: str
    value: str
    fragment: str
    line: int

    @property
    def where(self) -> str:
        """The place of the line, for messages."""
        return f"{self.fragment}:{self.line}"


def fragment_files(directory: Path | None = None) -> tuple[Path, ...]:
    """The fragments of the slim kernel, in the order of their numbers.

    Raises :class:`MissingError` where there are none.
    """
    place = directory or paths.BOARDS / "linux" / "kernel"
    found = tuple(sorted(place.glob(f"[0-9]*{_SUFFIX}")))
    if not found:
        raise MissingError(f"{place}: no fragments of a kernel configuration")
    return found


def read_fragments(files: Sequence[Path]) -> tuple[Setting, ...]:
    """All settings of ``files``, in order.

    Raises :class:`InputError` for a line that is neither setting nor comment, a module (the slim
    kernel loads none), and a symbol that is set twice.
    """
    settings: dict[str, Setting] = {}
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            setting = _setting(line, file.name, number)
            if setting is None:
                continue
            earlier = settings.setdefault(setting.symbol, setting)
            if earlier is not setting:
                raise InputError(
                    f"{setting.where}: CONFIG_{setting.symbol} is set at {earlier.where} already",
                    hint="remove one of the two",
                )
    return tuple(settings.values())


def _setting(line: str, fragment: str, number: int) -> Setting | None:
    value = _VALUE.fullmatch(line)
    unset = _UNSET.fullmatch(line)
    where = f"{fragment}:{number}"
    if value and value[2] == "m":
        raise InputError(f"{where}: {line}: a module", hint="the slim kernel has none: write =y")
    if value:
        return Setting(symbol=value[1], value=value[2], fragment=fragment, line=number)
    if unset:
        return Setting(symbol=unset[1], value=NOT_SET, fragment=fragment, line=number)
    if line.strip() and not line.startswith("#"):
        raise InputError(
            f"{where}: {line[:80]!r} is no setting",
            hint="write CONFIG_NAME=value, '# CONFIG_NAME is not set', or a comment",
        )
    return None


def joined(settings: Sequence[Setting]) -> str:
    """``settings`` as one file for ``KCONFIG_ALLCONFIG``."""
    return "".join(
        f"# CONFIG_{setting.symbol} is not set\n"
        if setting.value == NOT_SET
        else f"CONFIG_{setting.symbol}={setting.value}\n"
        for setting in settings
    )


def check_config(settings: Sequence[Setting], config: str) -> None:
    """See that ``config``, the text of a ``.config``, has every one of ``settings``.

    Raises :class:`InputError` that names each line of a fragment that is not there.
    """
    made = {match[1]: match[2] for line in config.splitlines() if (match := _VALUE.fullmatch(line))}
    lost = [
        f"{setting.where}: CONFIG_{setting.symbol}={setting.value}"
        f" (Kconfig made it {made.get(setting.symbol, NOT_SET)})"
        for setting in settings
        if made.get(setting.symbol, NOT_SET) != setting.value
    ]
    if lost:
        more = f"\n  and {len(lost) - _MOST_SHOWN} more" if len(lost) > _MOST_SHOWN else ""
        shown = "\n  ".join(lost[:_MOST_SHOWN])
        raise InputError(
            f"lines of the kernel's configuration that have no effect:\n  {shown}{more}",
            hint="this kernel has no such symbol, or something that it depends on is not set",
        )
