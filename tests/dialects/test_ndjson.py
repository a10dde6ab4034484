"""Lines out of a stream in any pieces."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.dialects.ndjson import Lines, line


def cut(*pieces: bytes, limit: int = 1000) -> tuple[list[bytes], bytes, bool]:
    lines = Lines(limit)
    found = [line for piece in pieces for line in lines.feed(piece)]
    return found, lines.end(), lines.overflowed


@pytest.mark.parametrize(
    ("stream", "lines", "rest"),
    [
        (b"", [], b""),
        (b'{"a":1}\n', [b'{"a":1}'], b""),
        (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}'], b""),
        (b'{"a":1}\r\n\r\n\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}'], b""),
        (b'{"a":1}\n{"b":2}', [b'{"a":1}'], b'{"b":2}'),
        (b'{"a":1}\n\n{"b":2}\n', [b'{"a":1}', b'{"b":2}'], b""),
        (b' {"a":1} \n', [b'{"a":1}'], b""),
        (b"\n\n", [], b""),
    ],
)
def test_a_stream_is_its_lines_wherever_it_is_cut(stream: bytes, lines: list[bytes], rest: bytes) -> None:
    for at in range(len(stream) + 1):
        assert cut(stream[:at], stream[at:]) == (lines, rest, False), at
    assert cut(*(stream[at : at + 1] for at in range(len(stream)))) == (lines, rest, False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=5), max_size=6), st.lists(st.integers(0, 30), max_size=4))
def test_what_is_written_as_lines_is_read_as_lines(documents: list[bytes], cuts: list[int]) -> None:
    expected = [bare for document in documents if (bare := document.replace(b"\n", b" ").strip())]
    stream = b"".join(map(line, documents))
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert cut(*pieces) == (expected, b"", False)


def test_a_line_that_never_ends_is_given_up() -> None:
    assert cut(*[b"x" * 10] * 4, limit=30) == ([], b"", True)


@pytest.mark.parametrize("pieces", [(b"{" + b"x" * 40 + b"}\n",), (b"{" + b"x" * 40, b"}\n"), (b"{" * 29, b"{{{\n")])
def test_a_line_over_the_limit_ends_the_reading(pieces: tuple[bytes, ...]) -> None:
    lines = Lines(30)
    assert lines.feed(b"{}\n") == [b"{}"]
    assert [line for piece in pieces for line in lines.feed(piece)] == []
    assert lines.overflowed
    assert lines.feed(b"{}\n") == []


def test_a_line_at_the_limit_passes() -> None:
    body = b"{" + b"x" * 28 + b"}"
    assert cut(body + b"\r\n", limit=30)[0] == [body]
    assert cut(body, b"\r", b"\n", limit=30)[0] == [body]


def test_a_piece_of_many_lines_is_not_held_to_the_limit_of_one() -> None:
    assert len(cut(b"{}\n" * 50, limit=30)[0]) == 50
