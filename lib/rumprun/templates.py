# SPDX-License-Identifier: BSD-2-Clause
"""The templates of the files that are written: control files and rules, and pages."""

from __future__ import annotations

import jinja2

from rumprun import paths


def load_template(name: str, *, trim_blocks: bool = False) -> jinja2.Template:
    """The template ``name``; with ``trim_blocks``, a line with a block alone leaves none."""
    return _environment(trim_blocks=trim_blocks, keep_trailing_newline=True).get_template(name)


def render_page(template: str, **values: object) -> str:
    """The HTML page that ``template`` gives with ``values``, which are escaped."""
    return _environment(trim_blocks=True, autoescape=True).get_template(template).render(**values)


def _environment(
    *, trim_blocks: bool, autoescape: bool = False, keep_trailing_newline: bool = False
) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(paths.TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=trim_blocks,
        lstrip_blocks=trim_blocks,
        keep_trailing_newline=keep_trailing_newline,
        # HTML escapes would be wrong in a control file; pages have them.
        autoescape=autoescape,  # noqa: S701
    )
