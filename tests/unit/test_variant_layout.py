# SPDX-License-Identifier: BSD-2-Clause
"""Where staged files go."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumprun.variant.layout import STAND_IN, destination, library_stem
from unit.variant_samples import TARGET, TREE, T


def goes_to(staged: str) -> str | None:
    place = destination(PurePosixPath(staged), TARGET)
    return None if place is None else str(place)


@pytest.mark.parametrize(
    ("staged", "place"),
    [
        (f"usr/lib/{T}/libz.a", "lib/libz.a"),
        (f"lib/{T}/libexpat.a", "lib/libexpat.a"),
        ("usr/lib/libfoo.a", "lib/libfoo.a"),
        (f"usr/lib/{T}/pkgconfig/glib-2.0.pc", "lib/pkgconfig/glib-2.0.pc"),
        ("usr/share/pkgconfig/xcb-proto.pc", "share/pkgconfig/xcb-proto.pc"),
        (f"usr/include/{T}/openssl/opensslconf.h", "include/openssl/opensslconf.h"),
        ("usr/include/openssl/ssl.h", "include/openssl/ssl.h"),
        (f"usr/lib/{T}/glib-2.0/include/glibconfig.h", "lib/glib-2.0/include/glibconfig.h"),
        (f"usr/lib/{T}/cmake/expat-2.5.0/expat.cmake", "lib/cmake/expat-2.5.0/expat.cmake"),
        ("usr/bin/pcre2-config", "bin/pcre2-config"),
        ("sbin/xenstored", "sbin/xenstored"),
        ("usr/libexec/qemu-bridge-helper", "libexec/qemu-bridge-helper"),
        ("usr/share/aclocal/libxml.m4", "share/aclocal/libxml.m4"),
        ("usr/share/icu/72.1/install-sh", "share/icu/72.1/install-sh"),
        ("lib/terminfo/x/xterm", "lib/terminfo/x/xterm"),
    ],
)
def test_keeps(staged: str, place: str) -> None:
    assert goes_to(staged) == place


@pytest.mark.parametrize(
    "staged",
    [
        "usr/share/doc/zlib1g-dev/copyright",
        "usr/share/man/man3/zlib.3",
        "usr/share/locale/de/LC_MESSAGES/glib20.mo",
        "usr/share/icons/hicolor/qemu.png",
        f"usr/lib/{T}/libz.la",
        "lib/systemd/system/xen.service",
        "usr/lib/debug/.build-id/00/11.debug",
        f"usr/lib/debug/usr/lib/{T}/libz.so",
        "etc/xen/xl.conf",
        "DEBIAN/control",
        f"usr/lib/{T}/{STAND_IN}",
        "usr/libx32/libz.a",
        "usr/library/x",
        f"usr/lib/{T}",
        "usr/include",
    ],
)
def test_leaves_out(staged: str) -> None:
    assert goes_to(staged) is None


WORD = st.sampled_from(["usr", "lib", "include", "share", "bin", "..", ".", T, "doc", "/", "x.h"])


@settings(deadline=None)
@given(st.lists(WORD, min_size=1, max_size=8))
def test_stays_below_the_prefix_and_is_final(words: list[str]) -> None:
    place = destination(PurePosixPath("/".join(words)), TARGET)
    if place is None:
        return
    assert not place.is_absolute()
    assert ".." not in place.parts
    assert place.parts[:2] not in {("lib", T), ("include", T)}
    # Staged at its final place, it stays there.
    assert destination(PurePosixPath("usr") / place, TARGET) == place


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("libz.so", "libz"),
        ("libz.so.1.2.13", "libz"),
        ("libglib-2.0.so.0", "libglib-2.0"),
        ("libstdc++.so.6", "libstdc++"),
        ("libsocket.a", None),
        ("lib.sources", None),
        ("libfoo.sock", None),
        ("legacy.so", None),
        ("libz.a", None),
    ],
)
def test_library_stem(name: str, stem: str | None) -> None:
    assert library_stem(name) == stem


def test_prefix_is_the_target_s() -> None:
    assert str(TREE) == f"usr/{T}"
