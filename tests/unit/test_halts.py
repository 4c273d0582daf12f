# SPDX-License-Identifier: BSD-2-Clause
"""``hlt`` becomes an instruction that is none, and what only looks like it stays."""

from __future__ import annotations

from pathlib import Path

from rumprun import command
from rumprun.bake.halts import without_halts

SOURCE = """
    .globl _start
_start:
    test %rdi, %rdi
    jne 1f
    hlt
1:  call 2f
    jmp 3f
    .balign 16
2:  hlt
    ret
    .byte 0x90, 0xf4, 0x90
3:  mov $0xf4, %al
    ud2
"""


def test_only_what_code_comes_to_or_passes_is_one(tmp_path: Path) -> None:
    (tmp_path / "a.s").write_text(SOURCE)
    program = tmp_path / "a"
    command.run(["gcc", "-nostdlib", "-static", "-o", program, tmp_path / "a.s"], timeout=60)
    listing = command.run(
        ["objdump", "--disassemble", "--no-show-raw-insn", program], timeout=60
    ).stdout
    content = program.read_bytes()
    changed = without_halts(content, listing)
    places = [i for i, (old, new) in enumerate(zip(content, changed, strict=True)) if old != new]
    assert [content[i] for i in places] == [0xF4, 0xF4]
    assert [changed[i] for i in places] == [0x06, 0x06]
    assert changed[places[0] - 2 : places[0]] == b"\x75\x01"
    assert changed[places[1] + 1] == 0xC3
    assert listing.count("hlt") == 3
