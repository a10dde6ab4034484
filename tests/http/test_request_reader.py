"""Requests out of bytes: however they are sliced, and whatever they are."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.config.snapshot import Limits
from earthward.http.reader import RequestReader
from earthward.http.refusal import Refused

HEAD = b"POST /v1/x?a=b HTTP/1.1\r\nHost: h:1\r\nX-A:  spaced out \r\n"
LENGTH = HEAD + b"Content-Length: 11\r\n\r\nhello world"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-T: y\r\n\r\n"
BARE = b"\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
PIPELINE = LENGTH + CHUNKED + BARE + CHUNKED


def requests(pieces, limits=None):
    """What the reader makes of pieces, with the refusal that ended it, if any."""
    reader = RequestReader(limits or Limits())
    found = []
    try:
        for piece in pieces:
            while piece:
                request = reader.take(piece, 0.0)
                if request is None:
                    break
                found.append((request, reader.keep_alive))
                piece = reader.rest
    except Refused as refusal:
        return found, refusal.status
    return found, None


def slices(data, cuts):
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def test_a_request_is_read_as_it_was_sent():
    [(request, keep_alive)], _ = requests([LENGTH])
    assert (request.method, request.target, request.path, request.query) == (b"POST", b"/v1/x?a=b", b"/v1/x", b"a=b")
    assert request.headers == [(b"host", b"h:1"), (b"x-a", b"spaced out"), (b"content-length", b"11")]
    assert (request.body, request.minor, keep_alive) == (b"hello world", 1, True)
    assert request.get(b"x-a") == b"spaced out"
    assert request.get(b"absent") is None


@pytest.mark.parametrize("data", [LENGTH, CHUNKED, BARE, PIPELINE], ids=["length", "chunked", "bare", "pipeline"])
def test_a_cut_at_any_byte_changes_nothing(data):
    whole = requests([data])
    assert whole[0]
    assert whole[1] is None
    for cut in range(len(data)):
        assert requests([data[:cut], data[cut:]]) == whole


def test_bytes_one_by_one_change_nothing():
    assert requests([bytes([byte]) for byte in PIPELINE]) == requests([PIPELINE])


@settings(deadline=None)
@given(st.lists(st.integers(0, len(PIPELINE)), max_size=12))
def test_any_cuts_change_nothing(cuts):
    assert requests(slices(PIPELINE, cuts)) == requests([PIPELINE])


FRAGMENTS = st.sampled_from(
    [
        *(b"GET", b"POST", b" ", b"/", b"*", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b"\0", b":", b";", b"0"),
        *(
            b"Host: a",
            b"Content-Length: 3",
            b"Transfer-Encoding: chunked",
            b"Expect: 100-continue",
            b"abc",
            b"3",
            b"\xff",
        ),
    ]
)
NEARLY_REQUESTS = st.lists(FRAGMENTS | st.binary(max_size=5), max_size=40).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | NEARLY_REQUESTS, st.lists(st.integers(0, 200), max_size=6))
def test_bytes_that_make_no_sense_are_refused_or_awaited_however_they_are_cut(data, cuts):
    whole, refused_whole = requests([data])
    cut, refused_cut = requests(slices(data, cuts))
    assert cut == whole
    assert (refused_cut is None) == (refused_whole is None)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(PIPELINE) - 1), st.binary(max_size=3))
def test_a_spoilt_pipeline_never_brings_more_requests_than_were_sent(at, dirt):
    found, _ = requests([PIPELINE[:at] + dirt + PIPELINE[at + 1 :]])
    assert len(found) <= 4


def test_a_head_that_cannot_become_valid_is_refused_before_it_ends():
    for hopeless in (b"\x16\x03\x01", b"GET /\r\n", b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nHost: a\nX", b"{"):
        assert requests([hopeless]) == ([], requests([hopeless])[1])
        assert requests([hopeless])[1] == 400
    assert requests([b"GET / HTTP/3.0\r\n"])[1] == 505


def test_only_one_empty_line_goes_before_a_request():
    assert requests([b"\r\n" + BARE])[1] == 400


@pytest.mark.parametrize(
    ("limits", "data", "status"),
    [
        (Limits(line=20), b"GET /" + b"a" * 40 + b" HTTP/1.1\r\n", 414),
        (Limits(line=20), b"GET /" + b"a" * 40, 414),
        (Limits(head=60), b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 60, 431),
        (Limits(head=60), b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 60 + b"\r\n\r\n", 431),
        (Limits(headers=2), b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n", 431),
        (Limits(body=3), b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", 413),
        (Limits(body=3), b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\n", 413),
    ],
)
def test_what_exceeds_a_limit_is_refused_without_waiting_for_the_rest(limits, data, status):
    assert requests([data], limits) == ([], status)


def test_a_refusal_knows_the_path_it_refuses():
    for head in (
        b"TRACE /v1/messages?key=x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v1/messages HTTP/1.1\r\nHost a\r\n\r\n",
    ):
        with pytest.raises(Refused) as caught:
            RequestReader(Limits()).take(head, 0.0)
        assert caught.value.path == b"/v1/messages"


def test_the_clock_of_a_request_starts_at_its_first_byte():
    reader = RequestReader(Limits())
    assert reader.take(BARE[:10], 1.0) is None
    request = reader.take(BARE[10:], 5.0)
    assert request is not None
    assert request.accepted == 1.0


def test_only_one_empty_line_goes_before_a_request_however_it_is_cut():
    assert requests([b"\r", b"\n", b"\r\n", b"GET / HTTP/1.0\r\n\r\n"]) == ([], 400)
    assert len(requests([BARE, BARE, BARE])[0]) == 3


def test_a_client_is_only_told_to_go_on_when_none_of_its_body_is_here():
    head = HEAD + b"Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n"
    for sent, wanted in ((head, True), (head + b"he", False)):
        reader = RequestReader(Limits())
        assert reader.take(sent, 0.0) is None
        assert reader.wants_continue is wanted
