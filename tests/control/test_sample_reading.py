"""What a sample says, and what of it another vendor's bill may hang on."""

import json
from typing import Any

import pytest

from earthward.control.sample_reading import Asked, asked, is_only_text, prompt, said, schema_of, tools_of
from earthward.gateway.samples import Sample

CHAT, CLAUDE, OLLAMA = b"/v1/chat/completions", b"/v1/messages", b"/api/chat"
ANSWER = {
    "choices": [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
FUNCTION = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}


def read(path: bytes = CHAT, answer: bytes = b"", stream: bool = False, **fields: Any) -> Asked | None:
    limit = {} if path == OLLAMA else {"max_tokens": 50}
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **limit, **fields}
    sample = Sample(
        *("x", 1, "r", "baseline", 0, 0, 0, "u", "", "", "", "", path, b"", stream),
        *("ok", "mini", "", None, 1, "other", json.dumps(body).encode(), answer),
    )
    return asked(sample)


def question(path: bytes = CHAT, **fields: Any) -> Asked:
    found = read(path, **fields)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (CLAUDE, {"tools": [SEARCH]}),
        (CHAT, {"web_search_options": {}}),
        (CHAT, {"modalities": ["text", "audio"], "audio": {"voice": "x", "format": "mp3"}}),
        (CHAT, {"something_new": 1}),
        (CHAT, {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}),
    ],
)
def test_what_is_paid_for_by_more_than_tokens_is_bounded_by_no_text(path, fields):
    assert not is_only_text(question(path, **fields).chat)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (CHAT, {}),
        (CHAT, {"tools": [FUNCTION], "logit_bias": {"1": 5}, "verbosity": "low", "user": "u", "seed": 1, "n": 2}),
        (OLLAMA, {"options": {"num_ctx": 4096, "mirostat": 1}, "keep_alive": "5m"}),
        (CLAUDE, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}, "metadata": {"user_id": "u"}}),
    ],
)
def test_what_only_tunes_is_still_bounded_by_its_text(path, fields):
    assert is_only_text(question(path, **fields).chat)


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        (CHAT, "service_tier", "priority"),
        (CHAT, "store", True),
        (CHAT, "prediction", {"type": "content", "content": "x"}),
        (CLAUDE, "speed", "fast"),
        (CLAUDE, "inference_geo", "us"),
    ],
)
def test_nothing_that_makes_the_same_words_dearer_or_has_them_kept_is_asked_for_by_a_shadow(path, name, value):
    chat = question(path, **{name: value, "logit_bias": {}}).chat
    assert name not in chat.rest
    assert is_only_text(chat)


def test_a_sample_says_what_was_asked_and_what_was_answered():
    found = read(answer=json.dumps(ANSWER).encode(), tools=[FUNCTION], response_format={"type": "json_object"})
    assert found is not None
    assert prompt(found.chat) == "user: hi"
    assert (said(found.answer).text, said(found.answer).finish) == ("hello", "length")
    assert tools_of(found.chat) == {"pay": {"type": "object"}}
    assert schema_of(found.chat) is True
    assert tools_of(question(CLAUDE, tools=[SEARCH]).chat) is None


@pytest.mark.parametrize("answer", [b"", b"\0", b"{", b"[]", b'{"choices": []}', b"data: {}\n\n", b"\xff" * 9])
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_can_t_be_read_says_nothing(answer, stream):
    found = read(answer=answer, stream=stream)
    assert found is not None
    assert said(found.answer).text == ""


@pytest.mark.parametrize("path", [b"/v1/completions", b"/v1/embeddings", b"/nowhere", b""])
def test_what_is_no_chat_is_not_compared(path):
    assert read(path) is None


def test_a_request_that_can_t_be_understood_is_not_compared():
    assert read(messages="x") is None
