"""A head that comes again need not be read again, and is never taken for another one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.config.snapshot import Limits
from earthward.http.reader import RequestReader
from earthward.http.refusal import Refused

LIMITS = Limits(body=1000, head=4000)
SDK = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway:4000\r\nAccept: application/json\r\n"
    b"Content-Type: application/json\r\nUser-Agent: OpenAI/Python 1.99.9\r\nX-Stainless-Retry-Count: 0\r\n"
    b"Authorization: Bearer abc\r\nContent-Length: %d\r\nX-Last: content-length: 3\r\n\r\n%b"
)


def sent(body: bytes) -> bytes:
    return SDK % (len(body), body)


def outcome(reader, data):
    """Everything that can be told of what came, or why it is refused."""
    try:
        request = reader.take(data, 7.0)
    except Refused as refusal:
        return refusal.status, refusal.reason, refusal.path
    if request is None:
        return None, reader.begun, reader.held, reader.wants_continue
    parts = (request.method, request.target, request.path, request.query, request.headers, request.minor)
    return *parts, request.body, request.accepted, reader.rest, reader.keep_alive


def test_what_was_worked_out_from_a_head_stays_with_it_while_it_is_the_same():
    reader = RequestReader(LIMITS)
    first = reader.take(sent(b"{}"), 1.0)
    first.kept.value = "known"
    second = reader.take(sent(b'{"longer": 1}'), 2.0)
    assert second.kept.value == "known"
    assert dict(second.headers)[b"content-length"] == b"13"
    assert dict(first.headers)[b"content-length"] == b"2", "the first request keeps its own"
    assert (second.body, second.accepted) == (b'{"longer": 1}', 2.0)
    other = reader.take(sent(b"{}").replace(b"Bearer abc", b"Bearer abd"), 3.0)
    assert other.kept.value is None
    assert dict(other.headers)[b"authorization"] == b"Bearer abd"


def test_a_head_and_its_body_may_come_in_two_packets():
    reader = RequestReader(LIMITS)
    first = reader.take(sent(b"{}"), 1.0)
    assert reader.take(SDK % (5, b""), 2.0) is None
    assert reader.head is not None
    again = reader.take(b"hello", 2.5)
    assert again.body == b"hello"
    assert again.accepted == 2.0
    assert again.kept is first.kept


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Content-Length: 2", b"Content-Length: 02"),
        (b"Content-Length: 2", b"Content-Length: +2"),
        (b"Content-Length: 2", b"Content-Length: 2, 2"),
        (b"Content-Length: 2", b"Content-Length: "),
        (b"Content-Length: 2", b"Content-Length: 2\r\nContent-Length: 2"),
        (b"Content-Length: 2", b"Content-Length: 2\r\nTransfer-Encoding: chunked"),
        (b"Content-Length: 2", b"Content-Length: 1001"),
        (b"Content-Length: 2", b"Content-Length: " + b"9" * 30),
        (b"Content-Length: 2", b"Content-Length: 0"),
        (b"Content-Length: 2", b"Content-Length: 2\r\nExpect: 100-continue"),
        (b"Content-Length: 2", b"Content-Length: 2\r\nConnection: close"),
        (b"Content-Length: 2\r\n", b"Content-Length: 2\n"),
        (b"Content-Length: 2\r\n", b"Content-Length: 2\r\r\n"),
        (b"X-Last", b"X-Least"),
        (b"POST /v1", b"POST  /v1"),
        (b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
def test_every_other_head_is_read_as_if_it_were_the_first(old, new):
    reader = RequestReader(LIMITS)
    reader.take(sent(b"{}"), 1.0)
    changed = sent(b"{}").replace(old, new, 1)
    assert outcome(reader, changed) == outcome(RequestReader(LIMITS), changed)


def test_more_digits_do_not_make_room_for_a_longer_head():
    limits = Limits(head=len(SDK % (5, b"")), body=10**6)
    reader = RequestReader(limits)
    assert reader.take(SDK % (5, b"hello"), 1.0) is not None
    with pytest.raises(Refused, match="head too large"):
        reader.take(SDK % (10, b"helloworld"), 2.0)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, len(sent(b"{}"))), st.integers(0, 4), st.binary(max_size=4), st.integers(0, 400), st.booleans())
def test_a_spoilt_copy_of_a_head_reads_the_same_with_and_without_a_memory(at, gone, dirt, cut, cuts):
    whole = sent(b"{}")
    changed = whole[:at] + dirt + whole[at + gone :]
    pieces = [changed[:cut], changed[cut:]] if cuts else [changed]
    knowing, fresh = RequestReader(LIMITS), RequestReader(LIMITS)
    knowing.take(whole, 1.0)
    for piece in pieces:
        told = outcome(knowing, piece)
        assert told == outcome(fresh, piece)
        if told[0] is not None:
            break


@pytest.mark.parametrize("line", [b"Connection: close", b"Expect: 100-continue", b"Connection: keep-alive"])
def test_what_a_head_demands_it_demands_each_time(line):
    head = SDK.replace(b"X-Last", line + b"\r\nX-Last") % (2, b"")
    reader = RequestReader(LIMITS)
    first = outcome(reader, head)
    reader.take(b"{}", 1.0)
    kept_alive = reader.keep_alive
    assert outcome(reader, head) == first
    assert outcome(reader, b"{}")[-3] == 7.0
    assert reader.keep_alive is kept_alive
