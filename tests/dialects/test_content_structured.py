"""Answers held to the form that was promised."""

from typing import Any

import pytest

from earthward.chat import Answer, ChatRequest, Choice, Message, OutputFormat, Reasoning, Role, Text, ToolCall
from earthward.dialects.content.structured import asked_again, held_to

CITY = OutputFormat("json", {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
ANY = OutputFormat("json")


def answer(text: str, reason: Any = "stop", *more: Any) -> Answer:
    return Answer("r", "m", 5, (Choice((Reasoning("Hm"), Text(text), *more), reason),))


@pytest.mark.parametrize(
    ("output", "text", "words"),
    [
        (None, "anything", None),
        (OutputFormat("text"), "anything", None),
        (ANY, '{"a": 1}', None),
        (ANY, "[1]", "not an object"),
        (ANY, "Sure!", "not JSON"),
        (CITY, '{"n": 1}', None),
        (CITY, '{"n": "x"}', "at $.n"),
        (CITY, "", "not JSON"),
        (CITY, '{"n": 1', "not JSON"),
    ],
)
def test_gotcha_40_an_answer_is_checked_against_what_was_asked_for(output: Any, text: str, words: str | None) -> None:
    held, wrong = held_to(output, answer(text))
    assert held == answer(text)
    assert wrong is None if words is None else wrong is not None and words in wrong


@pytest.mark.parametrize("text", ['```json\n{"n": 1}\n```', '```\n{"n": 1}```\n', ' ```JSON \n{"n": 1}\n ``` '])
def test_json_between_fences_is_taken_out(text: str) -> None:
    held, wrong = held_to(CITY, answer(text))
    assert wrong is None
    assert held.choices[0].parts == (Reasoning("Hm"), Text('{"n": 1}'))


@pytest.mark.parametrize("reason", ["length", "context", "filtered", "tool_calls"])
def test_an_answer_that_did_not_end_promises_no_form(reason: Any) -> None:
    assert held_to(CITY, answer('{"n":', reason)) == (answer('{"n":', reason), None)
    assert held_to(CITY, answer("x", "stop", ToolCall("a", "f", "{}")))[1] is None


@pytest.mark.parametrize("text", ["", "{", '{"n": 1', '{"a": "b', "```json\n{", '```\n{"n":'])
@pytest.mark.parametrize("reason", ["stop", "stop_sequence"])
def test_json_that_a_stop_of_the_caller_s_has_cut_is_what_was_asked_for(text: str, reason: Any) -> None:
    assert held_to(CITY, answer(text, reason), ("END",)) == (answer(text, reason), None)
    assert held_to(CITY, answer(text, reason))[1] is not None


@pytest.mark.parametrize("text", ["Sure!", '{"n": "x"}', '{"n": 1} x', "```json\nSure!"])
def test_what_no_cut_explains_is_wrong_whatever_stops_were_named(text: str) -> None:
    assert held_to(CITY, answer(text), ("END",))[1] is not None


def test_each_of_several_answers_is_checked() -> None:
    two = Answer("r", "m", 5, (Choice((Text('{"n":1}'),), "stop"), Choice((Text("x"),), "stop")))
    assert held_to(CITY, two)[1] is not None


def test_the_second_try_sees_the_first_and_what_was_wrong() -> None:
    request = ChatRequest("m", (Message(Role.USER, (Text("Hi"),)),), output=CITY, stream=True, answers=2)
    again = asked_again(request, answer("Sure!"), "it is not JSON")
    assert again.messages[1] == Message(Role.ASSISTANT, (Text("Sure!"),))
    assert "it is not JSON" in again.messages[2].text
    assert (again.output, again.stream, again.answers) == (CITY, False, 1)
    assert len(asked_again(request, Answer("r", "m", 5, ()), "x").messages) == 2
