# SPDX-License-Identifier: BSD-2-Clause
"""The templates of the files that are written: control files and rules, no markup."""

from __future__ import annotations

import jinja2

from rumprun import paths


def load_template(name: str, *, trim_blocks: bool = False) -> jinja2.Template:
    """The template ``name``; with ``trim_blocks``, a line with a block alone leaves none."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(paths.TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=trim_blocks,
        lstrip_blocks=trim_blocks,
        keep_trailing_newline=True,
        # HTML escapes would be wrong in any of them.
        autoescape=False,  # noqa: S701
    )
    return environment.get_template(name)
