"""How often a target is asked for one request, and what becomes of the answers."""

import json
from typing import Any

import pytest

from earthward.chat import Count, Failure, FailureKind
from earthward.config.snapshot import Provider, Target
from earthward.gateway.crossing import Crossing, Written, crossing
from earthward.gateway.doors import EXITS
from earthward.gateway.rounds import NEXT_ANSWER, SECOND_TRY
from earthward.gateway.terms import terms_of
from gateway.test_crossing import question

CHAT = b"/v1/chat/completions"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FORM = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
OLLAMA = Provider("p", "ollama", "ollama", "local", ())


def way(path: bytes = CHAT, *, stream: bool = False, **fields: Any) -> Crossing:
    target = Target("t", "p", "up", "local", context=4096)
    asked = question(path, stream, **fields)
    return crossing(asked, EXITS["ollama"].way(target, OLLAMA), "ollama", "up", terms_of(target, OLLAMA))


def sent(written: Written | Failure | None) -> Any:
    assert isinstance(written, Written), written
    return json.loads(written.body)


def told(text: str) -> bytes:
    return json.dumps(
        {
            "model": "up",
            "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": text},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 3,
            "eval_count": 5,
        }
    ).encode()


def test_an_answer_in_its_form_is_all_there_is() -> None:
    crossed = way(response_format=FORM)
    sent(crossed.request())
    heard = crossed.whole(told('```json\n{"city": "Oslo"}\n```'))
    assert heard.failure is None
    assert json.loads(json.loads(heard.body)["choices"][0]["message"]["content"]) == {"city": "Oslo"}
    assert crossed.more() is None


def test_gotcha_40_an_answer_out_of_its_form_is_asked_for_once_more_and_no_more_than_that() -> None:
    crossed = way(response_format=FORM)
    first = sent(crossed.request())
    heard = crossed.whole(told("Sure!"))
    assert (heard.body, heard.failure, heard.usage.output) == (b"", None, Count.reported(5))
    more = crossed.more()
    assert isinstance(more, Written)
    assert more.why == SECOND_TRY
    assert more.otherwise is not None
    assert more.otherwise.kind is FailureKind.WRONG_FORM
    assert [message["content"] for message in sent(more)["messages"]][:-2] == [
        message["content"] for message in first["messages"]
    ]
    heard = crossed.whole(told("Sure, again!"))
    assert heard.failure is not None
    assert (heard.failure.kind, crossed.more()) == (FailureKind.WRONG_FORM, None)


def test_a_second_try_that_goes_well_is_the_answer() -> None:
    crossed = way(response_format=FORM)
    sent(crossed.request())
    crossed.whole(told("Sure!"))
    sent(crossed.more())
    heard = crossed.whole(told('{"city": "Oslo"}'))
    assert heard.failure is None
    assert crossed.more() is None
    assert json.loads(heard.body)["choices"][0]["message"]["content"] == '{"city": "Oslo"}'


@pytest.mark.parametrize(("path", "asked"), [(CHAT, {"stop": "END"}), (CHAT, {"stop": ["END", "\n\n"]})])
def test_json_that_the_caller_s_stop_has_cut_is_delivered_as_openai_would(path: bytes, asked: Any) -> None:
    """No second try, no 502: `stop`, and what there was before the cut."""
    crossed = way(path, response_format=FORM, **asked)
    sent(crossed.request())
    heard = crossed.whole(told('{"city": "Os'))
    assert (heard.failure, crossed.more()) == (None, None)
    choice = json.loads(heard.body)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ('{"city": "Os', "stop")


def test_gotcha_42_several_answers_are_asked_for_one_by_one() -> None:
    crossed = way(n=3, seed=7)
    seeds = [sent(crossed.request())["options"]["seed"]]
    for text in ("one", "two"):
        assert crossed.whole(told(text)).body == b""
        more = crossed.more()
        assert isinstance(more, Written)
        assert (more.why, more.otherwise) == (NEXT_ANSWER, None)
        seeds.append(sent(more)["options"]["seed"])
    heard = crossed.whole(told("three"))
    assert (seeds, crossed.more()) == ([7, 8, 9], None)
    answer = json.loads(heard.body)
    assert [choice["message"]["content"] for choice in answer["choices"]] == ["one", "two", "three"]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (3, 15)


def test_several_answers_stream_one_after_the_other_and_end_once() -> None:
    crossed = way(stream=True, n=2, stream_options={"include_usage": True})
    sent(crossed.request())
    lines = told("first").replace(b'"done": true', b'"done": false') + b"\n" + told("") + b"\n"
    listener = crossed.stream()
    first = listener.feed(lines)
    assert (listener.is_over, listener.usage.output) == (True, Count.reported(5))
    assert b"[DONE]" not in first
    sent(crossed.more())
    listener = crossed.stream()
    last = listener.feed(lines.replace(b"first", b"second"))
    assert listener.usage.output == Count.reported(5)
    assert (last.count(b"[DONE]"), crossed.more()) == (1, None)
    events = [json.loads(line[6:]) for line in (first + last).split(b"\n\n") if line.startswith(b"data: {")]
    texts: dict[int, str] = {}
    for event in events:
        for choice in event["choices"]:
            texts[choice["index"]] = texts.get(choice["index"], "") + (choice["delta"].get("content") or "")
    assert texts == {0: "first", 1: "second"}
    assert [event["usage"]["completion_tokens"] for event in events if event.get("usage")] == [10]


def test_nobody_gets_all_slots_of_a_host_with_one_request() -> None:
    refused = way(n=9).request()
    assert isinstance(refused, Failure)
    assert (refused.kind, refused.param) == (FailureKind.BAD_REQUEST, "n")


def test_a_call_that_must_be_made_is_made_in_a_stream_too() -> None:
    tools = [{"name": "weather", "input_schema": CITY}]
    crossed = way(b"/v1/messages", stream=True, tools=tools, tool_choice={"type": "tool", "name": "weather"})
    assert "tools" not in sent(crossed.request())
    listener = crossed.stream()
    words = json.dumps({"calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]})
    lines = told(words).replace(b'"done": true', b'"done": false') + b"\n" + told("") + b"\n"
    out = listener.feed(lines)
    assert b'"type":"tool_use"' in out
    assert b"tool_use" in out.partition(b"message_delta")[2]
    assert listener.finish_reason == "tool_calls"


@pytest.mark.parametrize("text", ["", "Sure!", '{"calls": [{"name": "rm", "arguments": {}}]}', "[" * 2000])
def test_words_that_are_no_calls_fail_a_stream_before_anything_is_shown(text: str) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": CITY}}]
    crossed = way(stream=True, tools=tools, tool_choice="required")
    sent(crossed.request())
    listener = crossed.stream()
    listener.feed(told(text) + b"\n")
    assert listener.failure is not None
    assert (listener.failure.kind, listener.has_content) == (FailureKind.WRONG_FORM, False)
