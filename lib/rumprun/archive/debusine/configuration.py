# SPDX-License-Identifier: BSD-2-Clause
"""Which server to use, and as whom: the configuration of debusine's own client."""

from __future__ import annotations

import configparser
import re
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from rumprun.errors import InputError, MissingError

# debusine's howto "set up the debusine client".
DEFAULT_FILE = Path(".config/debusine/client/config.ini")

_HINT = "run 'debusine setup', or name another file with --debusine-config"

# What may stand in a header; anything else would end it.
_WORD = re.compile(r"[!-~]+\Z")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server as the user has it configured; ``url`` is that of its API, without version."""

    name: str
    url: str
    scope: str
    workspace: str
    token: str = field(repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port, which are all that the token is ever sent to."""
        parts = urllib.parse.urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def read_server(
    path: Path | None = None, *, name: str | None = None, workspace: str | None = None
) -> Server:
    """The server ``name`` of the file ``path``, or the default one of the user's own file.

    ``workspace`` is used in place of the configured one. Raises :class:`MissingError` where the
    file or the server is not there, :class:`InputError` for what cannot be used.
    """
    path = path or Path.home() / DEFAULT_FILE
    parser = configparser.ConfigParser(interpolation=None)
    try:
        if not parser.read(path, encoding="utf-8"):
            raise MissingError(f"{path}: no configuration of a debusine client", hint=_HINT)
    except (configparser.Error, UnicodeDecodeError) as error:
        # What configparser says has the line in it, and that may be the token's.
        raise InputError(f"{path}: no configuration of a debusine client", hint=_HINT) from error
    chosen = name or parser.get("General", "default-server", fallback=None) or ""
    section = f"server:{chosen}"
    if not parser.has_section(section):
        known = ", ".join(s.partition(":")[2] for s in parser.sections() if s != "General")
        raise MissingError(
            f"{path}: no server {chosen!r}", hint=f"it has {known}" if known else _HINT
        )
    values = dict(parser.items(section))
    return Server(
        name=chosen,
        url=_url(values.get("api-url", ""), path),
        scope=_word(values, "scope", "debusine", path),
        workspace=workspace or _word(values, "default-workspace", "System", path),
        token=_word(values, "token", "", path),
    )


def _word(values: dict[str, str], key: str, default: str, path: Path) -> str:
    value = values.get(key, default)
    if not _WORD.match(value):
        raise InputError(f"{path}: no usable {key}", hint=_HINT)
    return value


def _url(url: str, path: Path) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise InputError(f"{path}: no usable api-url", hint=_HINT)
    return url.rstrip("/")
