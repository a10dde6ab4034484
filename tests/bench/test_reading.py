from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.bench.reading import Incoming, Malformed, numbered, unchecked

BODY = b'{"choices":[{"message":{"content":"t0 t1 t2"},"finish_reason":"stop"}]}'
COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx: y\r\n\r\n"
    + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:8], BODY[8:]))
    + b"0\r\n\r\n"
)


def read(*pieces: bytes, keep: bool = True) -> tuple[Incoming, bytes]:
    incoming = Incoming(keep)
    came = b"".join([incoming.feed(piece) for piece in pieces])
    return incoming, came


@given(st.sampled_from([COUNTED, CHUNKED]), st.lists(st.integers(0, len(CHUNKED)), max_size=12), st.booleans())
def test_however_an_answer_is_sliced_it_reads_the_same(answer, cuts, keep):
    places = [0, *sorted(cut for cut in cuts if cut <= len(answer)), len(answer)]
    incoming, came = read(*(answer[start:end] for start, end in pairwise(places)), keep=keep)
    assert came == BODY
    assert incoming.body == (BODY if keep else b"")
    assert (incoming.status, incoming.whole, incoming.extra, incoming.closes) == (200, True, False, False)


def test_an_answer_is_not_whole_before_its_last_byte():
    for answer in (COUNTED, CHUNKED):
        for length in range(len(answer)):
            assert not read(answer[:length])[0].whole


def test_what_comes_after_an_answer_is_extra():
    assert read(COUNTED + b"x")[0].extra
    assert read(CHUNKED + b"x")[0].extra


def test_without_length_or_chunks_the_end_of_the_connection_is_the_end():
    incoming, came = read(b"HTTP/1.1 200 OK\r\n\r\nab", b"c")
    assert (came, incoming.whole, incoming.closes) == (b"abc", False, True)
    incoming.end()
    assert incoming.whole


@pytest.mark.parametrize("answer", [COUNTED, CHUNKED, b"", b"HTTP/1.1 200 OK\r\n"])
def test_the_end_of_the_connection_makes_no_broken_answer_whole(answer):
    incoming, _ = read(answer[:-1])
    incoming.end()
    assert not incoming.whole


def test_a_connection_that_will_be_closed_is_known_to_be():
    assert read(b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n")[0].closes


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc",
    ],
)
def test_what_is_not_http_is_malformed(answer):
    with pytest.raises(Malformed):
        read(answer)


STREAM = b"".join(b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % token for token in (b"t0", b" t1", b" t2"))
FINISH = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("body", "streamed", "wrong"),
    [
        (BODY, False, None),
        (STREAM + FINISH + DONE, True, None),
        (STREAM + FINISH, True, "no_done"),
        (STREAM + DONE, True, "not_finished"),
        (STREAM.replace(b" t2", b"") + FINISH + DONE, True, "short_text"),
        (STREAM.replace(b" t1", b"") + FINISH + DONE, True, "wrong_text"),
        (STREAM.replace(b" t2", b" t1") + FINISH + DONE, True, "wrong_text"),
        (STREAM + STREAM + FINISH + DONE, True, "wrong_text"),
        (b"{}", False, "short_text"),
        (BODY.replace(b"stop", b"length"), False, "not_finished"),
    ],
)
def test_every_loss_repetition_and_swap_of_tokens_is_seen(body, streamed, wrong):
    assert numbered(3)(body, streamed) == wrong


def test_what_is_unchecked_is_never_wrong():
    assert unchecked(b"", True) is None
