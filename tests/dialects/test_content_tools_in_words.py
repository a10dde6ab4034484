"""Tools told in words, and calls read out of words."""

import json
from typing import Any

import pytest

from earthward.chat import (
    Answer,
    ChatRequest,
    Choice,
    Event,
    Failed,
    Failure,
    FailureKind,
    Finished,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningDelta,
    Role,
    Sampling,
    Started,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
    UsageReported,
    collect,
)
from earthward.chat.failures import ANOTHER_MAY_SERVE
from earthward.dialects import ollama
from earthward.dialects.content.schemas import mismatch
from earthward.dialects.content.tools_in_words import FromWords, from_words, in_words, needs_words

F = Tool("f", "Weather of a city", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
RUN = Tool("run", kind="custom")
HI = (Message(Role.USER, (Text("Hi"),)),)
MUST = ToolChoice("required")


def asked(**fields: Any) -> ChatRequest:
    return ChatRequest("m", HI, **{"tools": (F, RUN), **fields})


def said(text: str, reason: Any = "stop") -> Answer:
    return Answer("r", "m", 5, (Choice((Reasoning("Hm"), Text(text)), reason),))


def form(request: ChatRequest) -> dict[str, Any]:
    output = in_words(request).output
    assert output is not None
    assert output.schema is not None
    return output.schema


CALL = '{"calls":[{"name":"f","arguments":{"city":"Oslo"}}]}'
TWO = '{"calls":[{"name":"f","arguments":{"city":"Oslo"}},{"name":"run","arguments":{"input":"1+1"}}]}'


@pytest.mark.parametrize(
    ("request_", "knows", "enforces", "needed"),
    [
        (asked(), True, False, False),
        (asked(), False, False, True),
        (asked(tool_choice=MUST), True, False, True),
        (asked(tool_choice=MUST), True, True, False),
        (asked(tool_choice=ToolChoice("none")), False, False, False),
        (asked(tools=()), False, False, False),
    ],
)
def test_gotcha_19_words_are_needed_where_the_engine_does_not_do_it(
    request_: ChatRequest, knows: bool, enforces: bool, needed: bool
) -> None:
    assert needs_words(request_, knows, enforces) is needed


def test_tools_are_told_and_the_answer_is_held_to_calls_or_an_answer() -> None:
    request = in_words(asked())
    assert (request.tools, request.tool_choice) == ((), None)
    assert request.messages[0].role is Role.SYSTEM
    assert "f: Weather of a city" in request.messages[0].text
    for text in (CALL, TWO, '{"answer":"Hi"}'):
        assert mismatch(form(asked()), json.loads(text)) is None
    for text in (
        '{"calls":[]}',
        '{"calls":[{"name":"g","arguments":{}}]}',
        '{"answer":5}',
        "{}",
        '{"answer":"a","x":1}',
    ):
        assert mismatch(form(asked()), json.loads(text)) is not None


def test_a_call_that_must_be_made_leaves_no_other_way() -> None:
    must = form(asked(tool_choice=ToolChoice("required", ("f",)), parallel_tool_calls=False))
    assert mismatch(must, json.loads(CALL)) is None
    for text in (TWO, '{"answer":"Hi"}', '{"calls":[{"name":"run","arguments":{"input":"x"}}]}'):
        assert mismatch(must, json.loads(text)) is not None


def test_an_answer_keeps_the_form_that_was_asked_for() -> None:
    output = OutputFormat("json", {"type": "object", "required": ["n"]})
    assert mismatch(form(asked(output=output)), {"answer": {"n": 1}}) is None
    assert mismatch(form(asked(output=output)), {"answer": {}}) is not None
    found = from_words(said('{"answer":{"n":1}}'), asked(output=output))
    assert isinstance(found, Answer)
    assert found.choices[0].parts[-1] == Text('{"n":1}')


def test_calls_and_results_of_earlier_turns_are_told_in_words() -> None:
    turns = (
        Message(Role.ASSISTANT, (Reasoning("Hm"), Text("I look."), ToolCall("a", "f", '{"city":"Oslo"}'))),
        Message(Role.TOOL, (ToolResult("a", (Text("rain"), Image("image/png", "AAAA")), "f"),)),
        Message(Role.ASSISTANT, (ToolCall("b", "run", "1+1", custom=True), ToolCall("c", "f", "broken"))),
        Message(Role.TOOL, (ToolResult("c", (Text("no"),), is_error=True),)),
    )
    messages = in_words(ChatRequest("m", (*HI, *turns), (F, RUN))).messages[2:]
    assert [message.role for message in messages] == ["assistant", "user", "assistant", "user"]
    assert messages[0].parts == (Text("I look."), Text(CALL))
    assert messages[1].parts == (Text("Result of f:\nrain"), Image("image/png", "AAAA"))
    assert '"input":"1+1"' in messages[2].text
    assert messages[3].text == "Error of c:\nno"


def test_calls_are_read_back() -> None:
    found = from_words(said(TWO), asked())
    assert isinstance(found, Answer)
    assert found.choices[0].parts == (
        Reasoning("Hm"),
        ToolCall("call_r_0_0", "f", '{"city":"Oslo"}'),
        ToolCall("call_r_0_1", "run", "1+1", custom=True),
    )
    assert found.choices[0].reason == "tool_calls"


def test_one_call_at_a_time_is_one() -> None:
    found = from_words(said(TWO), asked(parallel_tool_calls=False))
    assert isinstance(found, Answer)
    assert len(found.choices[0].parts) == 2


def test_an_answer_is_read_back() -> None:
    found = from_words(said('{"answer":"Hi"}'), asked())
    assert isinstance(found, Answer)
    assert (found.choices[0].parts, found.choices[0].reason) == ((Reasoning("Hm"), Text("Hi")), "stop")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('{"answer":"Rain in Os', (Text("Rain in Os"),)),
        ('{"answer": "Rain"', (Text("Rain"),)),
        ('{"answer":"a\\u00e', (Text("a"),)),
        ('{"answer":"a\\ud83d\\ude0', (Text("a"),)),
        ('{"answer":"a\\', (Text("a"),)),
        ('{"answer":"', ()),
        ('{"answer":{"n":', (Text('{"n":'),)),
        ('{"answer":', ()),
        ('{"calls":[{"name":"f"', ()),
        ("", ()),
    ],
)
def test_what_was_answered_before_a_stop_of_the_caller_s_is_delivered(text: str, parts: Any) -> None:
    stopped = asked(sampling=Sampling(stop=("lo",)))
    found = from_words(said(text), stopped)
    assert isinstance(found, Answer), found
    assert (found.choices[0].parts, found.choices[0].reason) == ((Reasoning("Hm"), *parts), "stop")
    assert isinstance(from_words(said(text), asked()), Failure)
    assert isinstance(from_words(said("Sure!"), stopped), Failure)


def test_an_answer_that_was_cut_off_says_so_and_shows_no_broken_json() -> None:
    found = from_words(said('{"calls":[{"na', "length"), asked())
    assert isinstance(found, Answer)
    assert (found.choices[0].parts, found.choices[0].reason) == ((Reasoning("Hm"),), "length")


@pytest.mark.parametrize(
    "text",
    [
        *("Sure!", "5", "[]", "{}", '{"calls":[]}', '{"calls":[5]}', '{"calls":[{"name":"g","arguments":{}}]}'),
        *('{"calls":[{"name":"f"}]}', '{"calls":[{"name":"f","arguments":"x"}]}', '{"answer":"Hi"}'),
    ],
)
def test_what_is_neither_is_a_failure_that_another_may_do_better(text: str) -> None:
    failure = from_words(said(text), asked(tool_choice=MUST))
    assert isinstance(failure, Failure)
    assert failure.kind in ANOTHER_MAY_SERVE


def stream(text: str) -> list[Event]:
    pieces = [TextDelta(text[at : at + 3]) for at in range(0, len(text), 3)]
    return [Started("r"), ReasoningDelta("Hm"), *pieces, UsageReported(Usage()), Finished("stop")]


@pytest.mark.parametrize("text", [CALL, TWO, '{"answer":"Hi"}', '{"answer":""}'])
def test_a_stream_says_what_a_whole_answer_says(text: str) -> None:
    reading = FromWords(asked())
    events = [event for piece in stream(text) for event in reading.feed(piece)]
    whole, streamed = from_words(said(text), asked()), collect(events)
    assert isinstance(whole, Answer)
    assert isinstance(streamed, Answer)
    assert streamed.choices == whole.choices
    assert events[1] == ReasoningDelta("Hm")


def test_a_stream_that_is_neither_ends_in_one_failure() -> None:
    reading = FromWords(asked())
    events = [event for piece in [*stream("Sure!"), Finished("stop")] for event in reading.feed(piece)]
    assert [type(event) for event in events] == [Started, ReasoningDelta, UsageReported, Failed]
    broken = FromWords(asked())
    gone = Failed(Failure(FailureKind.RESET, "gone"))
    assert [*broken.feed(gone), *broken.feed(Finished("stop"))] == [gone]


def test_ollama_takes_the_request_in_words() -> None:
    body = ollama.write_request(in_words(asked(tool_choice=MUST)))
    assert isinstance(body, bytes)
    wire = json.loads(body)
    assert "tools" not in wire
    assert wire["format"]["required"] == ["calls"]


def test_a_tool_that_is_named_is_called_once() -> None:
    request = asked(tool_choice=ToolChoice("required", ("f",)))
    assert form(request)["properties"]["calls"]["maxItems"] == 1
    twice = json.dumps({"calls": json.loads(CALL)["calls"] * 2})
    answer = from_words(said(twice), request)
    assert isinstance(answer, Answer)
    assert len([part for part in answer.choices[0].parts if isinstance(part, ToolCall)]) == 1
    assert "maxItems" not in form(asked(tool_choice=MUST))["properties"]["calls"]


def test_references_lead_nowhere_where_their_schema_is_only_a_part_and_so_are_put_in_place() -> None:
    city = {"properties": {"city": {"$ref": "#/$defs/name"}}, "$defs": {"name": {"type": "string"}}}
    request = ChatRequest("m", HI, tools=(Tool("f", parameters=city),), output=OutputFormat("json", city))
    found = in_words(request)
    assert found.output is not None
    for told in (found.messages[0].text, json.dumps(found.output.schema)):
        assert "$ref" not in told
        assert '"city": {"type": "string"}' in told or '"city":{"type":"string"}' in told
