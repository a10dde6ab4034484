"""Events that are passed by likeness come out as they do when each is decoded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.dialects import anthropic_messages, openai_chat
from earthward.dialects.alike import Alike, alike

GOLDEN = Path(__file__).parent / "golden"
Listener = openai_chat.StreamListener | anthropic_messages.StreamListener
LISTENERS: dict[str, Callable[[], Listener]] = {
    "openai": lambda: openai_chat.StreamListener("asked", False),
    "openai, with usage": lambda: openai_chat.StreamListener("asked", True),
    "openai, by a name that has it all": lambda: openai_chat.StreamListener('"content":"x"', False),
    "anthropic": lambda: anthropic_messages.StreamListener("asked"),
}


def events(stream: bytes) -> list[bytes]:
    return [event + b"\n\n" for event in stream.split(b"\n\n") if event]


def told(listener: Listener) -> tuple[Any, ...]:
    heard = (listener.has_content, listener.is_over, listener.failure, listener.finish_reason, listener.usage)
    return *heard, listener.characters_out, listener.model


def passed(made: Callable[[], Listener], pieces: list[bytes], cut: int) -> list[tuple[Any, ...]]:
    """What comes out for each event, and what was heard by then. One that comes in two pieces is always decoded."""
    listener = made()
    return [(listener.feed(piece[:cut]) + listener.feed(piece[cut:]), *told(listener)) for piece in pieces]


def assert_same(made: Callable[[], Listener], pieces: list[bytes]) -> None:
    assert passed(made, pieces, 0) == passed(made, pieces, 1)


@pytest.mark.parametrize("name", LISTENERS)
@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("*.sse")), ids=lambda path: path.stem)
def test_a_stream_comes_out_the_same_event_by_event(name: str, path: Path) -> None:
    assert_same(LISTENERS[name], events(path.read_bytes().replace(b"\r\n", b"\n")))


def chunk(text: Any, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    start = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "up"}
    return {**start, "choices": [choice], **fields}


def thinking(text: Any) -> dict[str, Any]:
    event = chunk(text)
    event["choices"][0]["delta"]["reasoning_content"] = "Hm."
    return event


def delta(text: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


MESSAGE = {"type": "message_start", "message": {"id": "x", "model": "up", "usage": {"input_tokens": 3}}}
MADE: dict[str, Callable[[str], Any]] = {
    "openai": chunk,
    "openai, usage to come": lambda text: chunk(text, usage=None),
    "openai, padded": lambda text: chunk(text, usage=None, obfuscation="aB3"[: len(text) % 4]),
    "openai, padded with more": lambda text: chunk(text, obfuscation=text),
    "openai, counted so far": lambda text: chunk(text, usage={"prompt_tokens": 3, "completion_tokens": len(text)}),
    "openai, thinking aloud": thinking,
    "openai, another after it": lambda text: chunk(text, other={"content": "Hi"}),
    "anthropic": delta,
}


def written(event: Any, is_escaped: bool, is_spaced: bool) -> bytes:
    said = json.dumps(event, ensure_ascii=is_escaped, separators=None if is_spaced else (",", ":"))
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {said}\n\n".encode("utf-8", "replace")


@pytest.mark.parametrize("name", MADE)
@settings(max_examples=20)
@given(
    texts=st.lists(st.one_of(st.text("ab {}[],:'Grüß🦊"), st.text()), max_size=12),
    is_escaped=st.booleans(),
    is_spaced=st.booleans(),
)
def test_whatever_the_text_it_comes_out_as_if_it_had_been_decoded(
    name: str, texts: list[str], is_escaped: bool, is_spaced: bool
) -> None:
    spoken = "anthropic" if name == "anthropic" else "openai"
    first = [written(MESSAGE, False, False)] if spoken == "anthropic" else []
    pieces = [written(MADE[name](text), is_escaped, is_spaced) for text in ["so", "it", *texts, "ends"]]
    for made in [LISTENERS[listener] for listener in LISTENERS if listener.startswith(spoken)]:
        assert_same(made, first + pieces)
        # Several events may come in one piece.
        assert_same(made, [*first, b"".join(pieces[:3]), b"".join(pieces[3:])])


USUAL = b'data: {"model":"up","choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}]}\n\n'


@pytest.mark.parametrize(
    "odd",
    [
        USUAL % b"\xff",
        USUAL % b"\xed\xa0\x80",
        USUAL % b"a\nb",
        USUAL % b"a\0b",
        USUAL % b"a\\",
        USUAL % b'a"}},{"index":1,"delta":{"content":"b',
        USUAL % b'a","content":"b',
        USUAL % b"",
        USUAL.replace(b"null", b'"stop"') % b"a",
        USUAL.replace(b"]}", b'],"error":{"message":"no"}}') % b"a",
        USUAL.replace(b"]}", b'],"model":"other"}') % b"a",
        USUAL.replace(b"\n\n", b"\n") % b"a",
        USUAL.replace(b"\n\n", b"\r\n\r\n") % b"a",
        USUAL[:-6] % b"a",
        b": waiting\n\n",
        b"data: [DONE]\n\n",
        b"",
    ],
)
def test_what_is_not_alike_is_decoded(odd: bytes) -> None:
    made = LISTENERS["openai"]
    pieces = [USUAL % b"so", USUAL % b"it", odd, USUAL % b"goes"]
    assert_same(made, pieces)


def known() -> Alike:
    found = alike(b'data: {"model":"up","text":"so"}', b'data: {"model":"asked","text":"so"}\n\n', b"text", "so")
    assert found is not None
    return found


def test_an_event_that_is_alike_needs_no_decoding() -> None:
    sent = known().passed('data: {"model":"up","text":"Grüße"}\n\n'.encode())
    assert sent == ('data: {"model":"asked","text":"Grüße"}\n\n'.encode(), 5)


@pytest.mark.parametrize(
    ("block", "sent"),
    [
        (b'data: {"text":"so","a":{"text":"so"}}', None),
        (b'data: {"te\\u0078t":"so","a":{"text":"so"}}', None),
        (b'data: {"text": "so"}', None),
        (b'data: {"text":"no"}', None),
        (b'data: {"other":"so"}', None),
        (b'data: {"text":"so"}', b""),
        (b'data: {"text":"so"}', b'data: {"model":"text","text":"so"}\n\n'),
    ],
)
def test_where_it_is_not_certain_what_the_text_is_nothing_is_learned(block: bytes, sent: bytes | None) -> None:
    assert alike(block, block + b"\n\n" if sent is None else sent, b"text", "so") is None


@pytest.mark.parametrize("text", ["a\\b", 'a"b', "a\nb", "\x7f"])
def test_nothing_is_learned_from_a_text_that_is_not_plain(text: str) -> None:
    block = b'data: {"text":%b}' % json.dumps(text).encode()
    assert alike(block, block + b"\n\n", b"text", text) is None
