"""Chunked bodies: exactly what the grammar allows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.http.chunked import ChunkedBody
from earthward.http.refusal import Refused


def decode(*pieces, limit=1 << 20):
    body = ChunkedBody(limit)
    rest = b""
    for piece in pieces:
        rest = body.feed(piece)
    return bytes(body.body), body.whole, rest


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.binary(max_size=10), st.booleans())
def test_what_is_chunked_reads_back_whole_and_byte_by_byte(parts, behind, shout):
    form = b"%X\r\n%b\r\n" if shout else b"%x\r\n%b\r\n"
    wire = b"".join(form % (len(part), part) for part in parts) + b"0\r\n\r\n"
    assert decode(wire + behind) == (b"".join(parts), True, behind)
    assert decode(*(bytes([byte]) for byte in wire)) == (b"".join(parts), True, b"")


@pytest.mark.parametrize(
    "wire",
    [
        *(
            b"0x5\r\n",
            b" 5\r\n",
            b"5 \r\n",
            b"+5\r\n",
            b"-5\r\n",
            b"5_0\r\n",
            b"\r\n",
            b"g\r\n",
            b"5\n",
            b"5\r5",
            b"5;\r\n",
        ),
        *(
            b"5;=a\r\n",
            b"5;a=\r\n",
            b"5;a b\r\n",
            b'5;a="b\r\n',
            b'5;a="b"c\r\n',
            b"5;a\0\r\n",
            b"5 ;a\r\n",
            b"11111111111111111\r\n",
        ),
        *(
            b"1\r\naX",
            b"1\r\na\nX",
            b"1\r\na\r\r",
            b"0\r\nX\r\n",
            b"0\r\nX : y\r\n",
            b"0\r\n X: y\r\n",
            b"0\r\nX: \0\r\n",
            b"0\r\n\n",
        ),
        *(b"5;" + b"a" * 2000, b"0\r\nX: " + b"a" * 2000, b"0" * 2000),
    ],
)
def test_what_the_grammar_forbids_is_refused(wire):
    with pytest.raises(Refused) as caught:
        decode(wire)
    assert caught.value.status == 400


def test_extensions_and_trailers_are_read_and_dropped():
    wire = b'1;a;b=c;d="e\\" ;f"\r\nx\r\n00;last\r\nX: y\r\nContent-Length: 9\r\n\r\nnext'
    assert decode(wire) == (b"x", True, b"next")


def test_a_body_over_the_limit_is_refused_by_its_chunk_size():
    with pytest.raises(Refused) as caught:
        decode(b"3\r\nabc\r\nff\r\n", limit=100)
    assert caught.value.status == 413


def test_extensions_that_outweigh_the_body_are_refused():
    with pytest.raises(Refused, match="outweigh"):
        decode(*([b"1;" + b"a" * 900 + b"\r\nx\r\n"] * 100))


def test_trailers_without_end_are_refused():
    with pytest.raises(Refused, match="too many trailers"):
        decode(b"0\r\n" + b"X: y\r\n" * 100)


def test_small_chunks_are_no_load_as_such():
    assert decode(b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")[0] == b"x" * 50_000
