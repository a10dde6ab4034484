import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.config.snapshot import Key
from earthward.gateway.messages import (
    LONGEST,
    Frames,
    Hello,
    KeyChange,
    NewSnapshot,
    frame,
    read_to_control,
    read_to_worker,
)

MESSAGES = [
    NewSnapshot("v1", b"\x00\x01"),
    KeyChange(3, None, (Key("k1", b"d" * 32, "app", "team", ("r",), 5, "health", True),), ()),
    KeyChange(4, 3, (), (b"d" * 32,)),
]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_slicing_the_stream_never_matters(sizes):
    stream = b"".join(frame(message) for message in MESSAGES)
    frames, read, place = Frames(), [], 0
    for size in [*sizes, len(stream)]:
        read += [read_to_worker(payload) for payload in frames.feed(stream[place : place + size])]
        place += size
    assert read == MESSAGES


def test_a_hello_reads_back():
    hello = Hello(1, 2, "v", 3, "why")
    (payload,) = Frames().feed(frame(hello))
    assert read_to_control(payload) == hello


def test_an_endless_frame_is_refused_before_it_is_gathered():
    with pytest.raises(ValueError, match="frame of"):
        Frames().feed((LONGEST + 1).to_bytes(4, "big"))
