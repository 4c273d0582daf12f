# SPDX-License-Identifier: BSD-2-Clause
"""Files out of images: of a kernel with a root archive, or of an initramfs.

That is archives in cpio's newc form, plain or packed with gzip, in a row;
Documentation/driver-api/early-userspace/buffer-format.rst describes them. An image may come from
anywhere: nothing is written, and sizes are bounded before anything is read.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Final, Protocol

from rumprun.bake.base import root_of
from rumprun.bake.image import Image, Program
from rumprun.bake.packed import unpack_image
from rumprun.bake.root import Entry
from rumprun.bake.root_archive import read_root
from rumprun.digest import sha256_of_bytes
from rumprun.errors import InputError, MissingError

INITRAMFS: Final = "initramfs"
KERNEL: Final = "kernel"

_CHUNK = 1 << 16
_MAGIC = b"070701"
_HEADER_SIZE = 110
_FIELD_COUNT = 13
_FIELD_DIGITS = 8
_ALIGNMENT = 4
# Places in the header of what is needed of it, counted in fields.
_MODE, _FILE_SIZE, _NAME_SIZE = 1, 6, 11
_NAME_LIMIT = 4096
_TYPE_MASK, _REGULAR = 0o170000, 0o100000
_TRAILER = b"TRAILER!!!"

# No machine of ours unpacks more than this into its memory.
_UNPACKED_LIMIT = 8 << 30


class _Damaged(Exception):
    """The archive is not what it should be."""


class _Stream(Protocol):
    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, fewer at the end only."""

    def give_back(self, data: bytes) -> None:
        """Have ``data`` read again."""


class _Raw:
    """The file as it is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting = b""

    def read(self, size: int) -> bytes:
        data, self._waiting = self._waiting[:size], self._waiting[size:]
        return data + self._file.read(size - len(data)) if len(data) < size else data

    def give_back(self, data: bytes) -> None:
        self._waiting = data + self._waiting


class _Unpacked:
    """What gzip has packed; what follows in the file is given back to it."""

    def __init__(self, raw: _Raw) -> None:
        self._raw = raw
        self._unpacker = zlib.decompressobj(wbits=31)
        self._ready = b""
        self._total = 0

    def read(self, size: int) -> bytes:
        while len(self._ready) < size and not self._unpacker.eof:
            packed = self._unpacker.unconsumed_tail or self._raw.read(_CHUNK)
            if not packed:
                raise _Damaged("the packed part ends early")
            try:
                piece = self._unpacker.decompress(packed, _CHUNK)
            except zlib.error as error:
                raise _Damaged(f"gzip: {error}") from error
            self._total += len(piece)
            if self._total > _UNPACKED_LIMIT:
                raise _Damaged(f"more than {_UNPACKED_LIMIT >> 30} GiB unpacked")
            self._ready += piece
            if self._unpacker.eof:
                self._raw.give_back(self._unpacker.unused_data)
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def give_back(self, data: bytes) -> None:
        self._ready = data + self._ready


def read_files(initramfs: Path, names: Collection[str], *, limit: int) -> dict[str, bytes]:
    """The regular files called ``names`` (relative paths) that ``initramfs`` has.

    Where one is there several times, the last one counts, as for the kernel. Raises
    :class:`InputError` for a damaged archive and for a file of more than ``limit`` bytes.
    """
    wanted = {name.encode(): name for name in names}
    found: dict[str, bytes] = {}
    try:
        with initramfs.open("rb") as file:
            for name, content in _archives(_Raw(file), wanted, limit):
                found[wanted[name]] = content
    except _Damaged as error:
        raise InputError(f"{initramfs}: {error}", hint="bake the image again") from error
    return found


def _archives(raw: _Raw, wanted: Collection[bytes], limit: int) -> Iterator[tuple[bytes, bytes]]:
    while start := _start_of(raw):
        stream: _Raw | _Unpacked = _Unpacked(raw) if start.startswith(b"\x1f\x8b") else raw
        while _start_of(stream):
            yield from _members(stream, wanted, limit)
            if stream is raw:
                break


def _start_of(stream: _Stream) -> bytes:
    """The next bytes that are not padding; empty at the end."""
    while piece := stream.read(_CHUNK):
        if rest := piece.lstrip(b"\0"):
            stream.give_back(rest)
            return rest[: len(_MAGIC)]
    return b""


def _members(
    stream: _Stream, wanted: Collection[bytes], limit: int
) -> Iterator[tuple[bytes, bytes]]:
    while True:
        header = _take(stream, _HEADER_SIZE)
        if not header.startswith(_MAGIC):
            raise _Damaged("neither gzip nor cpio (newc)")
        fields = [_number(header, place) for place in range(_FIELD_COUNT)]
        if not 1 <= fields[_NAME_SIZE] <= _NAME_LIMIT:
            raise _Damaged(f"a name of {fields[_NAME_SIZE]} bytes")
        name = _take(stream, fields[_NAME_SIZE]).rstrip(b"\0")
        _skip(stream, -(_HEADER_SIZE + fields[_NAME_SIZE]) % _ALIGNMENT)
        if name == _TRAILER:
            return
        size = fields[_FILE_SIZE]
        if name in wanted and fields[_MODE] & _TYPE_MASK == _REGULAR:
            if size > limit:
                shown = name.decode(errors="replace")
                raise _Damaged(f"{shown} has {size} bytes, and {limit} are expected at most")
            yield name, _take(stream, size)
        else:
            _skip(stream, size)
        _skip(stream, -size % _ALIGNMENT)


def _number(header: bytes, place: int) -> int:
    start = len(_MAGIC) + place * _FIELD_DIGITS
    digits = header[start : start + _FIELD_DIGITS]
    if not digits.isalnum():
        raise _Damaged("a number is none")
    try:
        return int(digits, 16)
    except ValueError as error:
        raise _Damaged("a number is none") from error


def _take(stream: _Stream, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise _Damaged("it ends early")
    return data


def _skip(stream: _Stream, size: int) -> None:
    while size > 0:
        size -= len(_take(stream, min(size, _CHUNK)))


def read_programs(image: Image, directory: Path) -> dict[Program, bytes]:
    """The files of the image's programs, as they were baked.

    They are in the initramfs, or where there is none in the root archive that the kernel has in
    it. Raises :class:`InputError` where it has none either or a program is another one,
    :class:`MissingError` where one is not there.
    """
    names = {program.path.lstrip("/") for program in image.programs}
    if any(file.name == INITRAMFS for file in image.files):
        limit = max(program.size for program in image.programs)
        files = read_files(directory / INITRAMFS, names, limit=limit)
    else:
        files = _files_of_kernel(directory / KERNEL, names)
    found = {}
    for program in image.programs:
        content = files.get(program.path.lstrip("/"))
        if content is None:
            raise MissingError(
                f"{directory}: no {program.path} in the image", hint="bake the image again"
            )
        if sha256_of_bytes(content) != program.sha256:
            raise InputError(
                f"{directory}: {program.path} is not the program that was baked",
                hint="bake the image again",
            )
        found[program] = content
    return found


def _files_of_kernel(kernel: Path, names: Collection[str]) -> dict[str, bytes]:
    if not kernel.is_file():
        raise MissingError(f"{kernel}: not there", hint="bake the image again")
    where = str(kernel)
    image = unpack_image(kernel.read_bytes(), where=where)
    root = read_root(root_of(image, where=where), where=where)
    return {
        name: entry.content
        for name, entry in root.items()
        if name in names and isinstance(entry, Entry) and isinstance(entry.content, bytes)
    }
