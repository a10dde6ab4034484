"""Halves of characters that were cut apart, in streams of servers that count in UTF-16."""

import msgspec
import pytest

from earthward.chat import Answer, Choice, Text, TextDelta, collect, events_of
from earthward.dialects.halves import Halves
from every_dialect import BY_NAME, Dialect


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["a\\ud83d", "\\ude00b"], "a\U0001f600b"),
        (["\\ud83d", "\\ude00"], "\U0001f600"),
        (["\\uD83D", "\\uDE00\\ud83d", "\\ude00"], "\U0001f600\U0001f600"),
        (["\\ud83d\\ude00", "x"], "\U0001f600x"),
        (["a\\ud83d", "b"], "ab"),
        (["a", "\\ude00b"], "a\ufffdb"),
        (["\\ud83d", "x\\ud83d", "\\ude00"], "x\U0001f600"),
        (["\\ud83d", "\\ud83dx\\ude00"], "\ufffdx\ufffd"),
        (["\\ud83d", "\\ude00", "\\ude00"], "\U0001f600\ufffd"),
        (["\\ud83dx\\ude00", "y"], "\ufffdx\ufffdy"),
        (["\\\\ud83d", "\\\\ude00"], "\\ud83d\\ude00"),
        (["\\\\\\ud83d", "\\ude00"], "\\\U0001f600"),
    ],
)
def test_what_belongs_together_is_put_together(pieces: list[str], text: str) -> None:
    halves = Halves()
    assert "".join(halves.decode(msgspec.json.decode, f'"{piece}"'.encode()) for piece in pieces) == text


@pytest.mark.parametrize("payload", [b"{", b'"\\ud83d', b'"\\u"', b"", b'"\\ud8"'])
def test_what_is_no_json_stays_none(payload: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Halves().decode(msgspec.json.decode, payload)


FRAMED = [BY_NAME[name] for name in BY_NAME if name != "ollama"]


@pytest.mark.parametrize("dialect", FRAMED, ids=[dialect.name for dialect in FRAMED])
def test_a_character_cut_between_two_pieces_of_a_stream_is_whole(dialect: Dialect) -> None:
    answer = Answer("x", "m", 5, (Choice((Text("<1><2>"),), "stop"),))
    events = [TextDelta("<1>"), TextDelta("<2>")]
    whole = [part for event in events_of(answer) for part in (events if isinstance(event, TextDelta) else [event])]
    stream = dialect.write_stream(whole).replace(b"<1>", b"a\\ud83d").replace(b"<2>", b"\\ude00b")
    found = collect(dialect.read_stream(stream))
    assert isinstance(found, Answer), found
    assert found.choices[0].parts == (Text("a\U0001f600b"),)
    listener = dialect.listener()
    forwarded = listener.feed(stream) + listener.end()
    assert listener.failure is None
    assert collect(dialect.read_stream(forwarded)) == found
