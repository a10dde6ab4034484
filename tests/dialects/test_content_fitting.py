"""Requests made to fit targets, and answers made to fit requests."""

import json
from typing import Any

import msgspec
import pytest

from earthward.chat import (
    Answer,
    ChatRequest,
    Choice,
    Failure,
    FailureKind,
    Finished,
    Message,
    OutputFormat,
    Role,
    Started,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolChoice,
    ToolResult,
)
from earthward.dialects.content.fitting import Fitted, Lack, fitted, once_more, restored, restoring

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER, CLOCK = Tool("weather", "Weather of a city", CITY), Tool("clock", "The time")
FORCED = ToolChoice("required", ("weather",))
ALL: frozenset[Lack] = frozenset({"tools", "choice", "parallel", "several", "form"})


def asked(**fields: Any) -> ChatRequest:
    return ChatRequest("m", (Message(Role.USER, (Text("Hi"),)),), **fields)


def fit(request: ChatRequest, *lacks: Lack) -> Fitted:
    found = fitted(request, frozenset(lacks))
    assert isinstance(found, Fitted), found
    return found


def said(*parts: Any, reason: Any = "stop") -> Answer:
    return Answer("a", "m", 1, (Choice(parts, reason),))


def called(**arguments: Any) -> ToolCall:
    return ToolCall("call_1", "weather", json.dumps(arguments))


def test_a_target_that_lacks_nothing_is_asked_as_it_was_asked() -> None:
    request = asked(tools=(WEATHER,), tool_choice=FORCED, parallel_tool_calls=False, answers=3)
    assert fit(request) == Fitted(request, request)


def test_tools_are_told_in_words_where_the_template_knows_none() -> None:
    found = fit(asked(tools=(WEATHER,), logprobs=True), "tools")
    assert (found.sent.tools, found.in_words, found.made_up, found.dropped) == ((), True, ("tools",), ("logprobs",))
    assert found.sent.output is not None


def test_gotcha_19_a_call_that_must_be_made_is_held_by_a_schema_where_nobody_sees_to_it() -> None:
    found = fit(asked(tools=(WEATHER, CLOCK), tool_choice=FORCED), "choice")
    assert found.made_up == ("tool_choice",)
    assert "weather" in found.sent.messages[0].text
    assert "clock" not in found.sent.messages[0].text
    assert not fit(asked(tools=(WEATHER,), tool_choice=ToolChoice("auto")), "choice").in_words
    assert not fit(asked(tools=(WEATHER,), tool_choice=ToolChoice("none")), "tools").in_words


def test_a_hosted_tool_can_not_be_told_in_words() -> None:
    hosted = Tool("web_search", kind="hosted", rest={"type": "web_search"})
    found = fitted(asked(tools=(hosted,)), frozenset({"tools"}))
    assert isinstance(found, Failure)
    assert (found.kind, found.param) == (FailureKind.UNSUPPORTED, "tools")


def test_of_calls_in_parallel_that_nobody_wanted_the_first_stays() -> None:
    found = fit(asked(tools=(WEATHER,), parallel_tool_calls=False), "parallel")
    assert (found.sent.parallel_tool_calls, found.made_up) == (None, ("parallel_tool_calls",))
    answer, wrong = restored(found, said(called(city="Oslo"), called(city="Rome"), reason="tool_calls"))
    assert isinstance(answer, Answer)
    assert (answer.choices[0].parts, wrong) == ((called(city="Oslo"),), None)
    stream = restoring(found)
    assert stream is not None
    second = [ToolCallStarted(1, "b", "weather"), ToolCallDelta(1, "{}")]
    assert [event for each in second for event in stream.feed(each)] == []
    assert stream.feed(ToolCallDelta(0, "{}")) == [ToolCallDelta(0, "{}")]


def test_without_tools_there_is_nothing_to_make_up_for() -> None:
    found = fit(asked(parallel_tool_calls=False), *ALL)
    assert (found.made_up, restoring(found)) == ((), None)


def test_gotcha_20_a_call_that_arrived_as_text_is_a_call_where_it_was_not_meant_as_text() -> None:
    words = Text('{"name":"weather","arguments":{"city":"Oslo"}}')
    found = fitted(asked(tools=(WEATHER,)), frozenset({"form"}), "x1")
    assert isinstance(found, Fitted)
    answer, wrong = restored(found, msgspec.structs.replace(said(words), id=None))
    assert isinstance(answer, Answer)
    assert (answer.choices[0].parts, wrong) == ((ToolCall("call_x1_0_0", "weather", '{"city":"Oslo"}'),), None)
    assert restoring(found) is not None
    for request, lacks in (
        (asked(tools=(WEATHER,)), ()),
        (asked(tools=(WEATHER,), tool_choice=ToolChoice("none")), ("form",)),
        (asked(tools=(WEATHER,), output=OutputFormat("json")), ("form",)),
        (asked(tools=(CLOCK,)), ("form",)),
        (asked(tools=(WEATHER, CLOCK), tool_choice=ToolChoice("auto", ("clock",))), ("form",)),
    ):
        assert restored(fit(request, *lacks), said(words)) == (said(words), None)


def test_a_call_that_arrived_as_text_with_wrong_arguments_is_asked_for_again() -> None:
    found = fit(asked(tools=(WEATHER,)), "form")
    answer = said(Text('{"name":"weather","arguments":{"town":"Oslo"}}'))
    wrong = restored(found, answer)[1]
    assert wrong is not None
    call, result = once_more(found, answer, wrong).messages[-2:]
    assert isinstance(call.parts[0], ToolCall)
    assert isinstance(result.parts[0], ToolResult)


def test_calls_of_two_turns_have_ids_of_their_own_where_the_target_gives_answers_none() -> None:
    words = json.dumps({"calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]})
    ids = set()
    for exchange in ("x1", "x2"):
        found = fitted(asked(tools=(WEATHER,), tool_choice=FORCED), ALL, exchange)
        assert isinstance(found, Fitted)
        answer, _ = restored(found, msgspec.structs.replace(said(Text(words)), id=None))
        stream = restoring(found)
        assert isinstance(answer, Answer)
        assert stream is not None
        events = [event for each in (Started(None), TextDelta(words), Finished("stop")) for event in stream.feed(each)]
        ids |= {event.id for event in events if isinstance(event, ToolCallStarted)}
        ids |= {part.id for part in answer.choices[0].parts if isinstance(part, ToolCall)}
    assert ids == {"call_x1_0_0", "call_x2_0_0"}


def test_words_come_back_as_calls_whole_and_streamed() -> None:
    found = fit(asked(tools=(WEATHER,), tool_choice=FORCED), *ALL)
    words = json.dumps({"calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]})
    answer, wrong = restored(found, said(Text(words)))
    assert isinstance(answer, Answer)
    (call,) = answer.choices[0].parts
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(call.arguments), wrong) == ("weather", {"city": "Oslo"}, None)
    stream = restoring(found)
    assert stream is not None
    events = [event for each in (Started("a"), TextDelta(words), Finished("stop")) for event in stream.feed(each)]
    assert [type(event) for event in events] == [Started, ToolCallStarted, ToolCallDelta, Finished]


@pytest.mark.parametrize(
    ("request_", "answer", "wrong"),
    [
        (asked(output=OutputFormat("json", CITY)), said(Text('{"town": 1}')), "'city' is a required property"),
        (asked(output=OutputFormat("json")), said(Text("Sure!")), "it is not JSON"),
        (asked(tools=(WEATHER,)), said(called(town="Oslo"), reason="tool_calls"), "'city' is a required property"),
        (asked(tools=(CLOCK,)), said(called(), reason="tool_calls"), "there is no such tool"),
    ],
)
def test_a_form_that_is_not_kept_is_seen_where_it_may_not_be(request_: ChatRequest, answer: Answer, wrong: str) -> None:
    found = restored(fit(request_, "form"), answer)[1]
    assert found is not None
    assert wrong in found
    assert restored(fit(request_), answer)[1] is None


def test_a_second_try_at_words_sees_the_first_and_what_was_wrong_with_it() -> None:
    found = fit(asked(tools=(WEATHER,), tool_choice=FORCED), *ALL)
    first = said(Text('{"calls": []}'))
    failure, wrong = restored(found, first)
    assert isinstance(failure, Failure)
    assert wrong is not None
    again = once_more(found, first, wrong)
    assert again.messages[-2].text == '{"calls": []}'
    assert again.output == found.sent.output


def test_a_second_try_at_a_call_answers_the_call_so_that_every_vendor_takes_it() -> None:
    found = fit(asked(tools=(WEATHER,)), "form")
    again = once_more(found, said(Text("Let me see."), called(town=1), reason="tool_calls"), "no city")
    (result,) = again.messages[-1].parts
    assert isinstance(result, ToolResult)
    assert (result.call_id, result.is_error) == ("call_1", True)
    assert again.tools == (WEATHER,)


def test_gotcha_30_a_second_try_at_a_form_is_held_to_it_with_no_tools_in_the_way() -> None:
    request = asked(tools=(WEATHER,), output=OutputFormat("json", CITY))
    again = once_more(fit(request, "form"), said(Text("It rains.")), "it is not JSON")
    assert (again.tools, again.output) == ((), request.output)


def test_a_choice_of_a_tool_that_is_not_offered_is_refused_where_the_choice_is_made_up_for() -> None:
    refused = fitted(asked(tools=(Tool("f"),), tool_choice=ToolChoice("required", ("g",))), frozenset({"choice"}))
    assert isinstance(refused, Failure)
    assert (refused.kind, refused.param) == (FailureKind.BAD_REQUEST, "tool_choice")


def test_a_text_alone_is_looked_through_only_where_a_form_or_a_tool_was_asked_for() -> None:
    answer, *others = said(Text("No.")), said(called()), said(Text("1"), Text("2")), said()
    assert restored(fit(asked(), "form"), answer) == (answer, None)
    assert restored(fit(asked(output=OutputFormat("text")), "form"), answer) == (answer, None)
    assert restored(fit(asked(output=OutputFormat("json")), "form"), answer)[1] is not None
    assert restored(fit(asked(), "form"), others[0])[1] == "in the call of weather: there is no such tool"
    assert all(restored(fit(asked(), "form"), other) == (other, None) for other in others[1:])
