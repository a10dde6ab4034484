"""What answers tell for which there is no word: never passed on, always named, once, whole and streamed."""

import json
from typing import Any

import pytest

from earthward.chat import Answer, Event, Unread, collect, events_of
from earthward.dialects import anthropic_messages, gemini, openai_chat, openai_responses

DRAWN = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
RATINGS = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}]


def of_google(*parts: dict[str, Any], **fields: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", **fields}
    return json.dumps({"candidates": [candidate]}).encode()


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (of_google({"text": "a"}), ()),
        (of_google({"text": "a"}, safetyRatings=[], groundingMetadata={}, urlContextMetadata=None), ()),
        (of_google({"text": "a"}, safetyRatings=RATINGS), ("safetyRatings",)),
        (of_google({"text": "a"}, urlContextMetadata={"urlMetadata": []}), ("urlContextMetadata",)),
        (
            of_google(
                {"text": "a"},
                groundingMetadata={"webSearchQueries": ["a"], "groundingChunks": [1], "retrievalMetadata": {}},
            ),
            ("groundingMetadata.webSearchQueries",),
        ),
        (of_google({"text": "a"}, groundingMetadata="senseless", safetyRatings="senseless"), ("safetyRatings",)),
        (of_google({"text": "a"}, DRAWN, DRAWN), ("parts.inlineData",)),
        (of_google({"text": "a", "inlineData": None}), ()),
        (of_google({"inlineData": None}, {"text": "a"}), ()),
        (
            of_google({"executableCode": {"code": "1"}}, {"codeExecutionResult": {"output": "1"}}),
            ("parts.executableCode", "parts.codeExecutionResult"),
        ),
        (
            b'{"promptFeedback":{"blockReason":"SAFETY","safetyRatings":[{"blocked":true}]}}',
            ("promptFeedback.safetyRatings",),
        ),
    ],
)
def test_what_google_tells_besides_is_named(body: bytes, named: tuple[str, ...]) -> None:
    whole = gemini.read_answer(body)
    assert isinstance(whole, Answer), whole
    assert whole.unread == named
    reader = gemini.StreamReader()
    assert unread([*reader.feed(b"data: %b\n\ndata: %b\n\n" % (body, body)), *reader.end()]) == named


def unread(events: list[Event]) -> tuple[str, ...]:
    return tuple(event.name for event in events if isinstance(event, Unread))


def test_what_anthropic_s_own_tools_leave_behind_is_named() -> None:
    used = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "oslo"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
    blocks = [used, found, used, {"type": "text", "text": "Rain."}]
    named = ("content.server_tool_use", "content.web_search_tool_result")
    whole = anthropic_messages.read_answer(json.dumps({"content": blocks, "stop_reason": "end_turn"}).encode())
    assert isinstance(whole, Answer)
    assert whole.unread == named
    starts = (
        {"type": "content_block_start", "index": place, "content_block": block} for place, block in enumerate(blocks)
    )
    reader = anthropic_messages.StreamReader()
    assert unread(reader.feed(b"".join(map(sse, (*starts, {"type": "message_stop"}))))) == named


def test_what_openai_s_own_tools_leave_behind_is_named() -> None:
    searched = {"type": "web_search_call", "id": "w1", "status": "completed"}
    drawn = {"type": "image_generation_call", "id": "i1", "result": "iVBORw0KGgo="}
    said = {"type": "message", "content": [{"type": "output_text", "text": "Rain."}]}
    items, named = [searched, drawn, searched, said], ("output.web_search_call", "output.image_generation_call")
    whole = openai_responses.read_answer(json.dumps({"status": "completed", "output": items}).encode())
    assert isinstance(whole, Answer)
    assert whole.unread == named
    steps = [
        {"type": f"response.output_item.{step}", "output_index": place, "item": item}
        for place, item in enumerate(items)
        for step in ("added", "done")
    ]
    reader = openai_responses.StreamReader()
    last = {"type": "response.completed", "response": {"status": "completed"}}
    assert unread(reader.feed(b"".join(map(sse, (*steps, last))))) == named


def test_sounds_and_images_of_openai_s_chat_are_named() -> None:
    message = {"content": "Hi", "audio": {"id": "a1", "data": "UklGRg=="}, "images": [{"image_url": {"url": "x"}}]}
    named = ("message.audio", "message.images")
    whole = openai_chat.read_answer(json.dumps({"choices": [{"message": message}]}).encode())
    assert isinstance(whole, Answer)
    assert whole.unread == named
    piece = {"choices": [{"index": 0, "delta": message, "finish_reason": "stop"}]}
    reader = openai_chat.StreamReader()
    assert unread(reader.feed(sse(piece) * 2 + b"data: [DONE]\n\n")) == named


def sse(event: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % json.dumps(event).encode()


def test_the_events_of_an_answer_name_the_same() -> None:
    whole = gemini.read_answer(of_google({"text": "a"}, DRAWN, safetyRatings=RATINGS))
    assert isinstance(whole, Answer)
    assert collect(events_of(whole)) == whole
