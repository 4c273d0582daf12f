# SPDX-License-Identifier: BSD-2-Clause
"""xl's own parser, in libxlutil, reads what ``rumpdeb xl`` writes."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from rumprun.bake.board import Boot
from rumprun.lab.devices import Block
from rumprun.lab.domain import domain_text, make_domain

pytestmark = pytest.mark.integration

# xl.cfg(5) has not changed in what we use; the library's name has the version of Xen.
LIBRARY = "libxlutil.so.4.17"


@pytest.fixture(name="xlutil")
def load_library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        pytest.skip(f"{LIBRARY} is not installed (package libxenmisc4.17)")
    library.xlu_cfg_init.restype = ctypes.c_void_p
    library.xlu_cfg_get_listitem.restype = ctypes.c_char_p
    return library


def test_every_value_arrives(xlutil: ctypes.CDLL, capfd: pytest.CaptureFixture[str]) -> None:
    line = 'quiet -- {"env":{"A":"it\'s \\"b\\" \\\\ \\u0020"}}'
    boot = Boot(kernel=Path('/i/k "x"'), initramfs=Path("/i/ü"), command_line=line)
    blocks = [Block(file=Path("/d/a,b")), Block(file=Path("/d/c"), readonly=True)]
    domain = make_domain(
        boot, name="web", kind="pvh", memory=64, vifs=["bridge=xenbr0"], blocks=blocks
    )
    text = domain_text(domain).encode()

    stderr = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stderr")
    config = ctypes.c_void_p(xlutil.xlu_cfg_init(stderr, b"web.cfg"))
    assert xlutil.xlu_cfg_readdata(config, text, len(text)) == 0, capfd.readouterr().err

    def string(name: str) -> str:
        value = ctypes.c_char_p()
        assert xlutil.xlu_cfg_get_string(config, name.encode(), ctypes.byref(value), 0) == 0, name
        return (value.value or b"").decode()

    def strings(name: str) -> list[str]:
        values, count = ctypes.c_void_p(), ctypes.c_int()
        got = xlutil.xlu_cfg_get_list(
            config, name.encode(), ctypes.byref(values), ctypes.byref(count), 0
        )
        assert got == 0, name
        items = [xlutil.xlu_cfg_get_listitem(values, place) for place in range(count.value)]
        return [item.decode() for item in items]

    number = ctypes.c_long()
    assert xlutil.xlu_cfg_get_long(config, b"memory", ctypes.byref(number), 0) == 0
    assert number.value == 64
    assert string("extra") == line
    assert (string("kernel"), string("ramdisk")) == ('/i/k "x"', "/i/ü")
    assert (string("name"), string("type"), string("on_crash")) == ("web", "pvh", "destroy")
    assert strings("vif") == list(domain.vifs)
    assert strings("disk") == list(domain.disks)
    xlutil.xlu_cfg_destroy(config)
