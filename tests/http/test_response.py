"""Answers out of bytes: however they are sliced, and whatever they are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.http.response import Malformed, ResponseReader

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nX-A: spaced out \r\nContent-Length: 11\r\n\r\nhello world"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: y\r\n\r\n"
)
INFORMED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + LENGTH
EMPTY = b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"
BY_CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world"


class Told:
    def __init__(self):
        self.heads = []
        self.body = b""

    def on_head(self, status, headers):
        self.heads.append((status, headers))

    def on_body(self, data):
        assert self.heads
        self.body += data


def read(*pieces, head_only=False):
    told = Told()
    reader = ResponseReader(told, head_only)
    for piece in pieces:
        reader.feed(piece)
    return told.heads, told.body, reader.complete, reader.reusable, reader.may_end


def test_an_answer_is_read_as_it_was_sent():
    [(status, headers)], body, complete, reusable, _ = read(LENGTH)
    assert status == 200
    assert headers == [(b"content-type", b"a/b"), (b"x-a", b"spaced out"), (b"content-length", b"11")]
    assert (body, complete, reusable) == (b"hello world", True, True)


@pytest.mark.parametrize(
    "data", [LENGTH, CHUNKED, INFORMED, EMPTY, BY_CLOSING], ids=["length", "chunked", "informed", "empty", "closing"]
)
def test_a_cut_at_any_byte_changes_nothing(data):
    whole = read(data)
    assert len(whole[0]) == 1
    for cut in range(len(data)):
        assert read(data[:cut], data[cut:]) == whole
    assert read(*(bytes([byte]) for byte in data)) == whole


CHUNKS = [b"1\r\nh\r\n", b"a\r\nello world\r\n", b"A\r\nELLO WORLD\r\n", b"2\r\n\r\n\r\n"]


@given(st.lists(st.sampled_from([*CHUNKS, b"5;a=b\r\nhello\r\n", b"0005\r\nhello\r\n"])), st.data())
def test_whole_chunks_pass_by_the_parser_and_nothing_else_does(chunks, draw):
    body = b"".join(chunks)
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"
    whole = read(data)
    assert whole[2:4] == (True, True)
    assert read(data[: -len(body) - 5], *chunks, b"0\r\n\r\n") == whole
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=4)))
    assert read(*(data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True))) == whole


@pytest.mark.parametrize(
    "spelt", [b"0x5", b"+5", b" 5", b"5 ", b"1_0", b"-5", b"", b"g", b"5;", b"5\t", "٥".encode(), b"fffffffffffffffff"]
)
@pytest.mark.parametrize("before", [b"", b"1\r\nh\r\n"])
def test_the_parser_has_the_last_word_on_how_a_size_is_spelt(spelt, before):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = spelt + b"\r\nhello\r\n"

    def outcome(*pieces):
        try:
            return read(*pieces)
        except Malformed:
            return "malformed"

    assert outcome(head, before, chunk) == outcome(head + before + chunk)


@pytest.mark.parametrize(
    ("body", "pieces"),
    [
        # The end of a size that came in two pieces, and what is in a chunk, look like chunks of their own.
        (b"hello\r\n9\r\n123456789\r\n", [b"1", b"5\r\nhello\r\n9\r\n123456789\r\n", b"\r\n"]),
        (b"5\r\nhello\r\n", [b"a\r\n", b"5\r\nhello\r\n", b"\r\n"]),
        (b"h5\r\nhello\r\n", [b"1\r\nh\r\na\r\n", b"5\r\nhello\r\n", b"\r\n"]),
    ],
)
def test_what_only_looks_like_a_chunk_does_not_pass_by_the_parser(body, pieces):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert read(head, *pieces, b"0\r\n\r\n")[1:4] == (body, True, True)


def test_an_odd_size_after_whole_chunks_is_malformed():
    with pytest.raises(Malformed):
        read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *CHUNKS, b"0x5\r\nhello\r\n")


def test_trailers_are_not_headers():
    [(_, headers)], body, complete, _, _ = read(CHUNKED)
    assert headers == [(b"transfer-encoding", b"chunked")]
    assert (body, complete) == (b"hello world", True)


def test_informational_answers_are_skipped():
    assert read(INFORMED) == read(LENGTH)
    with pytest.raises(Malformed):
        read(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
    with pytest.raises(Malformed):
        read(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_some_statuses_have_no_body(status):
    assert read(b"HTTP/1.1 " + status + b"\r\n\r\n")[1:4] == (b"", True, True)


def test_an_answer_to_head_has_no_body_whatever_it_announces():
    for head in (b"Content-Length: 5", b"Transfer-Encoding: chunked", b"X: y"):
        assert read(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n", head_only=True)[1:4] == (b"", True, True)


def test_only_an_answer_that_does_not_say_where_it_ends_may_end_with_the_connection():
    assert read(BY_CLOSING) == (read(BY_CLOSING)[0], b"hello world", False, False, True)
    assert read(LENGTH[:-1])[2:] == (False, False, False)
    assert read(CHUNKED[:-2])[2:] == (False, False, False)
    assert read(BY_CLOSING[:30])[2:] == (False, False, False)


@pytest.mark.parametrize(
    ("data", "reusable"),
    [
        (LENGTH, True),
        (LENGTH.replace(b"X-A: spaced out ", b"Connection: close"), False),
        (LENGTH.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (LENGTH.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"X-A: spaced out ", b"Connection: Keep-Alive"), True),
        (LENGTH + b"H", False),
        (LENGTH + LENGTH, False),
        (CHUNKED + b"\0", False),
        (EMPTY + b"x", False),
    ],
)
def test_a_connection_is_only_used_again_when_nothing_speaks_against_it(data, reusable):
    heads, _, complete, again, _ = read(data)
    assert len(heads) == 1
    assert complete
    assert again is reusable


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_garbage_is_malformed_at_once(data):
    with pytest.raises(Malformed):
        read(data)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CHUNKED) - 1), st.binary(max_size=3), st.integers(0, 200))
def test_a_spoilt_answer_is_refused_or_awaited_and_never_anything_else(at, dirt, cut):
    data = CHUNKED[:at] + dirt + CHUNKED[at + 1 :]
    try:
        heads, *_ = read(data[:cut], data[cut:])
    except Malformed:
        return
    assert len(heads) <= 1
