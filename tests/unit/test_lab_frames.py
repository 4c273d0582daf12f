# SPDX-License-Identifier: BSD-2-Clause
"""The lab's frames: what one side writes the other reads, whatever was on the line before."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumprun import command
from rumprun.lab.frames import PAYLOAD_LIMIT, Decoder, Frame, encode

HERE = Path(__file__).resolve().parent
LAB = HERE.parents[1] / "lab"

# END and ESCAPE, and what they become, are in the way more often than chance has it.
payloads = st.one_of(
    st.binary(max_size=300), st.lists(st.sampled_from(b"\xc0\xdb\xdc\xddx")).map(bytes)
)
frames = st.builds(Frame, type=st.integers(0, 255), job=st.integers(0, 2**32 - 1), payload=payloads)


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(st.lists(frames, max_size=5), st.lists(st.integers(0, 10**6), max_size=8))
def test_what_is_written_is_read_in_pieces_of_any_size(sent: list[Frame], cuts: list[int]) -> None:
    decoder = Decoder()
    wire = b"".join(map(encode, sent))
    found = [frame for piece in pieces_of(wire, cuts) for frame in decoder.feed(piece)]
    assert found == sent


@given(frames, st.integers(0, 10**6), frames)
def test_a_frame_after_half_a_one_is_read(first: Frame, cut: int, second: Frame) -> None:
    wire = encode(first)
    torn = wire[: 1 + cut % (len(wire) - 1)][:-1]
    assert Decoder().feed(torn + encode(second))[-1] == second


@given(st.binary(max_size=400), frames)
def test_noise_before_a_frame_does_not_matter(noise: bytes, sent: Frame) -> None:
    assert Decoder().feed(noise + encode(sent))[-1] == sent


@given(frames, st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_is_no_other_frame(sent: Frame, place: int, change: int) -> None:
    wire = bytearray(encode(sent))
    place %= len(wire)
    wire[place] ^= change
    assert all(found == sent for found in Decoder().feed(bytes(wire)))


def test_what_never_ends_is_not_kept() -> None:
    decoder = Decoder()
    for _ in range(64):
        assert decoder.feed(b"x" * PAYLOAD_LIMIT) == []
    sent = Frame(type=1, job=2, payload=b"after all")
    assert decoder.feed(encode(sent)) == [sent]


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent's own reader and writer as a filter, with the sanitizers."""
    program = tmp_path_factory.mktemp("peer") / "peer"
    command.run(
        ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-fsanitize=address,undefined",
         "-fno-sanitize-recover", f"-I{LAB}", "-o", program, HERE / "frame_peer.c",
         LAB / "frame.c"]
    )  # fmt: skip
    return program


def through(peer: Path, wire: bytes) -> bytes:
    return subprocess.run([peer], input=wire, capture_output=True, check=True, timeout=60).stdout


@settings(max_examples=30)
@given(st.lists(st.one_of(frames.map(encode), st.binary(max_size=60)), max_size=12))
def test_the_agent_reads_what_we_read_and_writes_it_the_same(
    peer: Path, parts: list[bytes]
) -> None:
    wire = b"".join(parts)
    expected = Decoder().feed(wire)
    assert through(peer, wire) == b"".join(map(encode, expected))


def test_the_agent_takes_the_largest_frame_and_none_larger(peer: Path) -> None:
    largest = encode(Frame(type=2, job=1, payload=b"\xc0" * PAYLOAD_LIMIT))
    assert through(peer, largest) == largest
    # Not made by encode(), which refuses it.
    assert through(peer, b"\xc0" + b"x" * (PAYLOAD_LIMIT + 100) + b"\xc0" + largest) == largest
