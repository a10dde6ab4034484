"""Server-sent events, cut, read and written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.dialects import sse
from earthward.dialects.sse import Blocks, Event, Reader


def read(*pieces: bytes) -> list[Event]:
    reader = Reader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    last = reader.end()
    return events if last is None else [*events, last]


def cut(*pieces: bytes, limit: int = 100) -> tuple[list[bytes], bool]:
    blocks = Blocks(limit)
    return [block for piece in pieces for block in blocks.feed(piece)], blocks.overflowed


CASES = {
    "plain": (b"data: a\n\ndata: b\n\n", [Event(b"a"), Event(b"b")]),
    "no space after the colon": (b"data:a\n\n", [Event(b"a")]),
    "only one space is taken away": (b"data:  a\n\n", [Event(b" a")]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [Event(b"a"), Event(b"b")]),
    "CR": (b"data: a\r\rdata: b\r\r", [Event(b"a"), Event(b"b")]),
    "mixed": (b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", [Event(b"a"), Event(b"b"), Event(b"c")]),
    "several lines": (b"data: a\ndata:\ndata: b\n\n", [Event(b"a\n\nb")]),
    "name and id": (b"event: x\nid: 7\ndata: a\n\n", [Event(b"a", "x", "7")]),
    "order of fields": (b"data: a\nevent: x\n\n", [Event(b"a", "x")]),
    "name counts for one event": (b"event: x\ndata: a\n\ndata: b\n\n", [Event(b"a", "x"), Event(b"b")]),
    "id with NUL is none": (b"id: \0\ndata: a\n\n", [Event(b"a")]),
    "comment": (b": hi\n\ndata: a\n\n", [Event(b"a")]),
    "comment inside": (b": hi\ndata: a\n:\ndata: b\n\n", [Event(b"a\nb")]),
    "no data": (b"event: x\n\n", []),
    "unknown field": (b"foo: x\nretry: 3\ndata: a\n\n", [Event(b"a")]),
    "field without a colon": (b"data\n\n", [Event(b"")]),
    "empty data": (b"data:\n\n", [Event(b"")]),
    "more blank lines": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [Event(b"a"), Event(b"b")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [Event(b"a")]),
    "second byte order mark is text": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [Event(b"b")]),
    "half a byte order mark": (b"\xef\xbbdata: a\n\ndata: b\n\n", [Event(b"b")]),
    "last blank line missing": (b"data: a\n\ndata: b", [Event(b"a"), Event(b"b")]),
    "last blank line half there": (b"data: a\n\ndata: b\n", [Event(b"a"), Event(b"b")]),
    "JSON": (b'data: {"a":1}\n\ndata: [DONE]\n\n', [Event(b'{"a":1}'), Event(b"[DONE]")]),
    "three line ends after JSON": (b"data: {}\n\n\ndata: {}\n\n", [Event(b"{}"), Event(b"{}")]),
    "byte order mark later on": (b"data: {}\n\n\xef\xbb\xbfdata: {}\n\n", [Event(b"{}")]),
    "name before JSON": (b"data: {}\n\nevent: x\ndata: {}\n\n", [Event(b"{}"), Event(b"{}", "x")]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("name", CASES)
def test_a_stream_is_read_as_the_standard_says(name: str) -> None:
    stream, events = CASES[name]
    assert read(stream) == events


@pytest.mark.parametrize("name", CASES)
def test_where_a_stream_is_cut_into_pieces_never_matters(name: str) -> None:
    stream, events = CASES[name]
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            assert read(stream[:first], stream[first:second], stream[second:]) == events, (first, second)
    if not stream.startswith(b"\xef"):
        later = [Event(b"{}"), *events]
        assert all(read(b"data: {}\n\n", stream[:at], stream[at:]) == later for at in range(len(stream)))
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == events


@settings(max_examples=100, deadline=None)
@given(pieces=st.lists(st.text("da: t\r\n{}]", max_size=12).map(str.encode), max_size=8))
def test_pieces_whatever_come_out_as_they_would_have_whole(pieces: list[bytes]) -> None:
    assert read(*pieces) == read(b"".join(pieces))


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary().filter(lambda data: b"\r" not in data),
    name=st.text(st.characters(exclude_characters="\r\n", codec="utf-8")),
)
def test_an_event_written_reads_back(data: bytes, name: str) -> None:
    assert read(sse.event(data, name, "7")) == [Event(data, name, "7")]
    assert read(sse.event(data)) == [Event(data)]


def test_a_comment_is_no_event() -> None:
    assert sse.comment("still loading") == b": still loading\n\n"
    assert read(sse.comment("two\nlines"), sse.event(b"a")) == [Event(b"a")]


def test_an_event_comes_out_with_the_last_byte_of_its_blank_line() -> None:
    for end in (b"\n\n", b"\r\n\r", b"\r\r"):
        reader = Reader()
        for byte in b"data: a" + end[:-1]:
            assert reader.feed(bytes([byte])) == []
        assert reader.feed(end[-1:]) == [Event(b"a")]


def test_an_event_of_the_size_allowed_passes_and_a_longer_one_does_not() -> None:
    for size, passes in ((100, True), (101, False), (1000, False)):
        block = b"data: {" + b"x" * (size - 8) + b"}"
        stream = block + b"\n\n"
        for step in (1, 7, len(stream)):
            found, overflowed = cut(*(stream[at : at + step] for at in range(0, len(stream), step)))
            assert (found, overflowed) == (([block], False) if passes else ([], True))
            found, overflowed = cut(b"data: {}\n\n", *(stream[at : at + step] for at in range(0, len(stream), step)))
            assert (found[1:], overflowed) == (([block], False) if passes else ([], True))


def test_blocks_are_bare_of_the_lines_around_them() -> None:
    blocks = Blocks()
    assert blocks.feed(b"data: {}\n\n") == [b"data: {}"]
    assert blocks.feed(b"data: {}\n\n\ndata: {}\n\n\n\n") == [b"data: {}"] * 2
    assert blocks.feed(b"data: {}\n\n\ndata: {}\n\n") == [b"data: {}"] * 2
    assert blocks.end() == b""


def test_events_before_one_that_is_too_long_are_not_lost_and_none_comes_after_it() -> None:
    long = b"data: " + b"x" * 200 + b"}\n\n"
    short = b"data: {}\n\n"
    blocks = Blocks(limit=100)
    assert blocks.feed(short + long + short) == [b"data: {}"]
    assert blocks.overflowed
    assert blocks.feed(short) == []
    assert blocks.end() == b""


def test_what_never_becomes_an_event_is_not_kept_for_ever() -> None:
    found, overflowed = cut(*[b"x" * 60] * 3)
    assert found == []
    assert overflowed


def test_many_events_in_one_piece_may_be_longer_together_than_one_alone() -> None:
    found, overflowed = cut(b"data: {}\n\n" * 50, b"data: {}\n\n" * 50)
    assert len(found) == 100
    assert not overflowed
