# SPDX-License-Identifier: BSD-2-Clause
"""The package of QEMU's stub domain, as far as it goes without the hour that QEMU takes.

bench/qemu_stubdom.py has the whole of it: guests in the lab.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hvm.machine import PACKAGE, compile_model
from rumprun.command import run

pytestmark = pytest.mark.integration


@pytest.fixture(name="model", scope="module")
def compiled(built_xen: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that starts QEMU."""
    return compile_model(built_xen, tmp_path_factory.mktemp("device-model"))


def test_what_starts_qemu_says_what_it_lacks(model: Path) -> None:
    answer = run([model, "qemu"], check=False)
    assert answer.returncode == 1
    assert answer.stderr == "device-model: no xenstore: No such file or directory\n"


def test_what_starts_qemu_wants_to_know_what_for(model: Path) -> None:
    answer = run([model, "else"], check=False)
    assert answer.returncode == 2
    assert answer.stderr == "usage: device-model qemu|qmp\n"


def test_the_image_is_at_the_names_that_libxl_looks_for() -> None:
    """libxl__domain_build_info_setdefault() in libxl_create.c."""
    rules = (PACKAGE / "debian" / "rules").read_text(encoding="utf-8")
    for name in ("qemu-stubdom-linux-kernel", "qemu-stubdom-linux-rootfs"):
        assert f"$(TREE)$(BOOT)/{name}\n" in rules
