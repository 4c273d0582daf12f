# SPDX-License-Identifier: BSD-2-Clause
"""The releases of Xen that a lab can have, each from one suite of the archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rumprun.errors import UsageError

# The same for each release: dom0's shell, and what Xen's hotplug scripts call.
_COMMON: Final = ("bash", "busybox-static", "iproute2", "util-linux", "xenstore-utils")
_KERNEL: Final = "linux-image-amd64"


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release of Xen; ``abi`` is XEN_DOMCTL_INTERFACE_VERSION of its public/domctl.h."""

    xen: str
    suite: str
    abi: int

    @property
    def hypervisor(self) -> str:
        """The package with the hypervisor."""
        return f"xen-hypervisor-{self.xen}-amd64"

    @property
    def utilities(self) -> str:
        """The package with xl, xenstored and their like."""
        return f"xen-utils-{self.xen}"

    @property
    def whole(self) -> tuple[str, ...]:
        """The packages whose programs dom0 has."""
        return (self.utilities, "xen-utils-common", *_COMMON)

    @property
    def packages(self) -> tuple[str, ...]:
        """What a lab needs from the archive, apart from what these depend on."""
        return (self.hypervisor, _KERNEL, *self.whole)

    @property
    def programs(self) -> str:
        """Where in dom0 the release's own programs are."""
        return f"/usr/lib/xen-{self.xen}/bin"


# The suites' own source packages, xen 4.17.7 and xen 4.20.3, have the numbers of the ABI.
_RELEASES: Final = {
    release.xen: release
    for release in (
        Release(xen="4.17", suite="bookworm", abi=0x15),
        Release(xen="4.20", suite="trixie", abi=0x17),
    )
}

NAMES: Final = tuple(_RELEASES)
DEFAULT: Final = NAMES[0]


def find_release(xen: str) -> Release:
    """The release called ``xen``; :class:`UsageError` where no lab can have it."""
    if xen not in _RELEASES:
        raise UsageError(f"no lab with Xen {xen}", hint=f"there are {', '.join(NAMES)}")
    return _RELEASES[xen]
