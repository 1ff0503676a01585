"""Framing: whatever the pieces, the same payloads; a length that cannot be one ends the stream."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.ibkr.errors import FramingError
from algo_trade.ibkr.framing import FrameReader, frame

PAYLOADS = st.lists(st.binary(min_size=1, max_size=60), max_size=12)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:stop] for start, stop in pairwise(at)]


@given(PAYLOADS, st.lists(st.integers(min_value=0), max_size=20))
def test_every_split_gives_the_same_payloads(payloads: list[bytes], cuts: list[int]) -> None:
    reader = FrameReader()
    out = [one for piece in pieces(b"".join(map(frame, payloads)), cuts) for one in reader.feed(piece)]
    assert out == payloads
    assert reader.pending_bytes == 0


@given(PAYLOADS)
def test_byte_by_byte(payloads: list[bytes]) -> None:
    reader = FrameReader()
    data = b"".join(map(frame, payloads))
    assert [one for at in range(len(data)) for one in reader.feed(data[at : at + 1])] == payloads


@given(
    PAYLOADS, st.sampled_from([0, 61, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF]), st.binary(max_size=80)
)
def test_a_bad_length_keeps_what_came_before_and_ends_the_stream(
    payloads: list[bytes], length: int, after: bytes
) -> None:
    reader = FrameReader(max_frame_bytes=60)
    with pytest.raises(FramingError) as broken:
        reader.feed(b"".join(map(frame, payloads)) + length.to_bytes(4, "big") + after)
    assert broken.value.frames == payloads
    assert str(length) in str(broken.value)
    with pytest.raises(FramingError) as again:
        reader.feed(frame(b"later"))
    assert again.value.frames == []


def test_an_oversized_frame_is_refused_before_its_payload_is_kept() -> None:
    reader = FrameReader(max_frame_bytes=100)
    with pytest.raises(FramingError):
        reader.feed((101).to_bytes(4, "big"))
    assert reader.pending_bytes == 0


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_are_payloads_or_a_named_error(chunks: list[bytes]) -> None:
    reader = FrameReader(max_frame_bytes=1000)
    for chunk in chunks:
        try:
            reader.feed(chunk)
        except FramingError:
            return
    assert reader.pending_bytes < 1004
