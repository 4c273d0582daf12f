# SPDX-License-Identifier: BSD-2-Clause
"""The templates of the files that are written: control files and rules, and pages."""

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
        # HTML escapes would be wrong in a control file.
        autoescape=False,  # noqa: S701
    )
    return environment.get_template(name)


def render_page(template: str, **values: object) -> str:
    """The HTML page that ``template`` gives with ``values``, which are escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(paths.TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
