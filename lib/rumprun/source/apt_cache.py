# SPDX-License-Identifier: BSD-2-Clause
"""What apt's lists say of binary packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from debian.deb822 import Deb822

from rumprun.command import run


def package_stanzas(names: Iterable[str]) -> Iterator[Deb822]:
    """The stanzas of those of ``names`` that apt's lists have, each in its candidate version."""
    wanted = sorted(names)
    if wanted:
        # apt-cache(8) fails as soon as it does not know one name.
        answer = run(["apt-cache", "show", "--no-all-versions", *wanted], check=False)
        yield from Deb822.iter_paragraphs(answer.stdout, use_apt_pkg=False)


def section_of(stanza: Deb822) -> str:
    """The section of a package, without the archive area (Policy 2.4)."""
    section: str = stanza.get("Section", "")
    return section.rpartition("/")[2]
