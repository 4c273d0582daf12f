# SPDX-License-Identifier: BSD-2-Clause
"""ELF files and archives made byte by byte, and subjects of trees, for the audit's unit tests."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from pathlib import Path

from rumprun.target.descriptor import Target, load_target
from rumprun.variant.audit.closure import Closure, Layer
from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Subject, all_rules
from rumprun.variant.audit.tree import scan_tree

ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
EM_386, EM_X86_64 = 3, 62
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_GNU_STACK = 1, 2, 3, 4, 0x6474E551
DT_NULL, DT_NEEDED, DT_STRTAB, DT_TEXTREL, DT_FLAGS, DT_FLAGS_1 = 0, 1, 5, 22, 30, 0x6FFFFFFB
DF_TEXTREL, DF_1_PIE = 4, 0x08000000
R, RW, RX, RWX = 4, 6, 5, 7

_EHDR, _PHDR = 64, 56

Segment = tuple[int, int, bytes]  # type, flags, content


def elf(kind: int, segments: Sequence[Segment] = (), *, machine: int = EM_X86_64) -> bytes:
    """A little-endian ELF64 file; a PT_LOAD with the given flags maps all of it one to one."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    offset = _EHDR + _PHDR * len(segments)
    table = b""
    body = b""
    whole = offset + sum(len(content) for _, _, content in segments)
    for kind_, flags, content in segments:
        at, size = (0, whole) if kind_ == PT_LOAD else (offset + len(body), len(content))
        table += struct.pack("<IIQQQQQQ", kind_, flags, at, at, at, size, size, 1)
        body += content if kind_ != PT_LOAD else b""
    header += struct.pack(
        "<HHIQQQIHHHHHH",
        *(kind, machine, 1, 0, _EHDR if segments else 0, 0, 0, _EHDR, _PHDR, len(segments)),
        *(0, 0, 0),
    )
    return header + table + body


def dynamic(*tags: tuple[int, int]) -> Segment:
    """A PT_DYNAMIC segment; DT_STRTAB is at 1, so string 0 is the ELF header's "ELF"."""
    words = [*tags, (DT_STRTAB, 1), (DT_NULL, 0)]
    return (PT_DYNAMIC, RW, b"".join(struct.pack("<QQ", *tag) for tag in words))


LOAD: Segment = (PT_LOAD, RX, b"")
STACK: Segment = (PT_GNU_STACK, RW, b"")
STATIC_PIE = elf(ET_DYN, [LOAD, STACK, dynamic((DT_FLAGS_1, DF_1_PIE))])
# Not the end of PACKAGE_PREFIX and its like.
_PLACE = re.compile(r"(?<![A-Z_])PREFIX(?![A-Z_])")
ABI_NOTE = struct.pack("<III", 4, 16, 1) + b"GNU\0" + struct.pack("<IIII", 0, 3, 2, 0)


def member(name: bytes, content: bytes) -> bytes:
    """One member of an archive, with its header and padding."""
    header = b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name, 0, 0, 0, 0o644, len(content))
    return header + content + b"\n" * (len(content) & 1)


def archive(*members: tuple[str, bytes]) -> bytes:
    """An archive as GNU ar writes it, short names only."""
    return b"!<arch>\n" + b"".join(member(f"{n}/".encode(), content) for n, content in members)


def target() -> Target:
    """The built-in target; its toolchain need not be there."""
    return load_target()


def installed(root: Path, path: str, content: bytes | str = b"") -> Path:
    """Write a file that is installed as ``path``; ``PREFIX`` in it stands for the prefix."""
    place = root / path.replace("PREFIX", str(target().prefix)).lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        content = _PLACE.sub(str(target().prefix), content).encode()
    place.write_bytes(content)
    return place


def subject(
    root: Path,
    *,
    forbidden: tuple[str, ...] = (),
    control: dict[str, str] | None = None,
    others: Sequence[Path] = (),
) -> Subject:
    """The tree ``root`` under audit, with the trees ``others`` as its dependencies."""
    inside = target().prefix.relative_to("/")
    layers = [Layer(sysroot=tree / inside, root=tree) for tree in (root, *others)]
    return Subject(
        target=target(),
        entries=scan_tree(root),
        closure=Closure(target=target(), own=layers[0], others=tuple(layers[1:])),
        forbidden=forbidden,
        control=control,
    )


def faults(rule: str, judged: Subject) -> list[Fault]:
    """What one rule says of a subject."""
    (found,) = (known for known in all_rules() if known.name == rule)
    return list(found.check(judged))
