# SPDX-License-Identifier: BSD-2-Clause
"""Kernels without their own decompressor, which is most of the boot time where QEMU emulates.

A bzImage carries the kernel as a compressed ELF file (Documentation/x86/boot.rst). Unpacked on
the host, QEMU starts it directly where it has the PVH entry point.
"""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from rumprun import paths
from rumprun.elf_magic import ELF_MAGIC
from rumprun.workdir import atomic_path

_MARK_OFFSET = 0x202
_MARK = b"HdrS"
_SETUP_SECTORS_OFFSET = 0x1F1
_PAYLOAD_OFFSET = 0x248
_SECTOR = 512
_FIRST_VERSION_WITH_PAYLOAD = 0x208

# No kernel is larger; a damaged or hostile one could unpack to anything.
_LIMIT = 512 << 20

# include/xen/interface/elfnote.h; QEMU looks for the same note.
_XEN_ELFNOTE_PHYS32_ENTRY = 18


def direct_kernel(kernel: Path, sha256: str, scratch: Path) -> Path:
    """A file for QEMU's ``-kernel`` that starts as fast as possible.

    That is the unpacked form of ``kernel`` (whose hash is ``sha256``), kept in the cache, or in
    ``scratch`` where the cache cannot be written to; ``kernel`` itself where it is packed in a
    way that we do not know or has no PVH entry point.
    """
    cached = paths.cache() / "vmlinux" / sha256
    if cached.is_file():
        return cached
    content = unpack(kernel.read_bytes())
    if content is None or not has_pvh_entry(content):
        return kernel
    try:
        with atomic_path(cached) as partial:
            partial.write_bytes(content)
    except OSError:
        fallback = scratch / "vmlinux"
        fallback.write_bytes(content)
        return fallback
    return cached


def unpack(image: bytes) -> bytes | None:
    """The ELF file inside a bzImage; None where there is none that we can unpack."""
    if image[_MARK_OFFSET : _MARK_OFFSET + 4] != _MARK or len(image) < _PAYLOAD_OFFSET + 8:
        return None
    (version,) = struct.unpack_from("<H", image, _MARK_OFFSET + 4)
    if version < _FIRST_VERSION_WITH_PAYLOAD:
        return None
    # 0 sectors mean 4, for the oldest loaders' sake.
    sectors = image[_SETUP_SECTORS_OFFSET] or 4
    offset, length = struct.unpack_from("<II", image, _PAYLOAD_OFFSET)
    start = (sectors + 1) * _SECTOR + offset
    payload = image[start : start + length]
    try:
        content = _decompress(payload)
    except (lzma.LZMAError, zlib.error):
        return None
    return content if content and content.startswith(ELF_MAGIC) else None


def _decompress(payload: bytes) -> bytes | None:
    # The uncompressed size follows the compressed data, and neither decompressor minds.
    if payload.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(payload, _LIMIT)
    if payload.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31).decompress(payload, _LIMIT)
    return None


def has_pvh_entry(content: bytes) -> bool:
    """Whether an ELF file says where PVH guests start."""
    try:
        return any(
            note["n_name"] == "Xen" and note["n_type"] == _XEN_ELFNOTE_PHYS32_ENTRY
            for segment in ELFFile(io.BytesIO(content)).iter_segments()
            if isinstance(segment, NoteSegment)
            for note in segment.iter_notes()
        )
    except (ELFError, ValueError, TypeError, KeyError, AttributeError):
        # pyelftools meets damaged headers with whatever Python raises there.
        return False
