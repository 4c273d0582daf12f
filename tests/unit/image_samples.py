# SPDX-License-Identifier: BSD-2-Clause
"""An image with a component of each kind."""

from __future__ import annotations

from rumprun.bake.component import Component
from rumprun.bake.image import Image, ImageFile, KernelOrigin, Program
from rumprun.contributions import Contributions, LinkedFile, Source

OURS = Source(name="dh-rumprun", version="0.1")
MUSL = Source(name="musl", version="1.2.3-1")
ZLIB = Source(name="zlib", version="1:1.2.13.dfsg-1")
GCC = Source(name="gcc-12", version=None)
HELLO = Source(name="hello", version="2.10-3")

COMPONENTS = (
    Component(
        kind="kernel",
        name="kernel",
        size=5000,
        sha256="1" * 64,
        source=Source(name="linux-image-6.1.0-1-amd64", version="6.1~rc1+b1"),
    ),
    Component(
        kind="entrypoint",
        name="/init",
        size=300,
        sha256="2" * 64,
        source=OURS,
        contributions=Contributions(
            own=100,
            source=OURS,
            linked=(
                LinkedFile(file="lib/libc.a", bytes=120, crc32="0" * 8, source=MUSL),
                LinkedFile(file="libown.a", bytes=30, source=OURS),
            ),
        ),
    ),
    Component(
        kind="program",
        name="/bin/hello",
        size=1000,
        sha256="3" * 64,
        source=HELLO,
        contributions=Contributions(
            own=200,
            source=HELLO,
            linked=(
                LinkedFile(file="lib/libz.a", bytes=250, source=ZLIB),
                LinkedFile(file="lib/libc.a", bytes=100, source=MUSL),
                LinkedFile(file="/usr/lib/gcc/libgcc.a", bytes=40, source=GCC),
                LinkedFile(file="libstrange.a", bytes=10),
            ),
        ),
    ),
    Component(kind="program", name="/bin/dark", size=700, sha256="4" * 64),
    Component(
        kind="program", name="/bin/old", size=70, sha256="5" * 64, source=HELLO, contains=(ZLIB,)
    ),
    Component(kind="file", name="/etc/motd", size=20, sha256="6" * 64),
)

SHA1 = {component.name: f"{number:040x}" for number, component in enumerate(COMPONENTS)}

IMAGE = Image(
    board="linux",
    target="musl",
    programs=tuple(
        Program(
            name=name,
            path=f"/bin/{name}",
            argv=(name, "a b"),
            env=(("PATH", "/bin"),),
            size=size,
            sha256=digit * 64,
        )
        for name, size, digit in (("hello", 1000, "3"), ("dark", 700, "4"), ("old", 70, "5"))
    ),
    config={"version": 1, "net": []},
    memory=64,
    options=("nosmp",),
    kernel=KernelOrigin(package="linux-image-6.1.0-1-amd64", version="6.1~rc1+b1"),
    files=(ImageFile(name="kernel", size=5000, sha256="1" * 64),),
    components=COMPONENTS,
)
