import json

import msgspec
import pytest

from earthward.simulator.behaviour import behaviour
from earthward.simulator.draft import Asked, Tool, draft

ASKED = Asked(model="gpt-4o", digest="d", input=10)
WEATHER = Tool("weather", {"type": "object", "properties": {"city": {"const": "Oslo"}}, "required": ["city"]})
CLOCK = Tool("clock", {"type": "object", "properties": {}})


def said(asked: Asked = ASKED, seed: int = 0, **fields):
    return draft(asked, behaviour(fields), seed)


def changed(**fields) -> Asked:
    return msgspec.structs.replace(ASKED, **fields)


def text(drafted, index: int = 0) -> str:
    return "".join(drafted.choices[index].pieces)


def test_a_draft_says_as_many_tokens_as_it_is_told_and_counts_them():
    drafted = said(tokens=5, reasoning=7, cached=4)
    assert text(drafted) == "t0 t1 t2 t3 t4"
    assert (drafted.input, drafted.output, drafted.cached, drafted.reasoning) == (10, 12, 4, 7)
    assert drafted.choices[0].finish == "stop"


def test_no_more_is_cached_than_was_said():
    assert said(cached=1000).cached == 10


def test_a_cap_on_tokens_cuts_the_text_and_says_so():
    drafted = said(changed(max_tokens=2), tokens=5)
    assert (text(drafted), drafted.choices[0].finish, drafted.output) == ("t0 t1", "length", 2)
    assert said(changed(max_tokens=5), tokens=5).choices[0].finish == "stop"


def test_a_stop_string_ends_the_text_before_it():
    assert text(said(changed(stop=("never", "t3")), tokens=9)) == "t0 t1 t2 "
    assert text(said(changed(stop=("1",)), tokens=9)) == "t0 t"
    assert text(said(changed(stop=("never",)), tokens=2)) == "t0 t1"


def test_words_depend_on_the_request_and_the_seed_and_on_nothing_else():
    first = text(said(text="words"))
    assert first == text(said(text="words"))
    assert first != text(said(text="words", seed=1))
    assert first != text(said(changed(digest="e"), text="words"))


def test_each_of_several_answers_says_something_of_its_own():
    drafted = said(changed(answers=3), text="words")
    assert len({text(drafted, index) for index in range(3)}) == 3
    assert drafted.output == 72


def test_tools_are_called_when_the_script_says_so():
    assert said(changed(tools=(WEATHER,))).choices[0].calls == ()
    choice = said(changed(tools=(WEATHER, CLOCK)), calls=3).choices[0]
    assert [call.name for call in choice.calls] == ["weather", "clock", "weather"]
    assert json.loads(choice.calls[0].arguments) == {"city": "Oslo"}
    assert (choice.finish, choice.pieces) == ("tool_calls", ())


def test_without_tools_there_is_nothing_to_call():
    assert text(said(calls=2, tokens=2)) == "t0 t1"


def test_a_demanded_call_is_made_unscripted_and_parallel_calls_only_where_allowed():
    assert len(said(changed(tools=(WEATHER,), must_call=True)).choices[0].calls) == 1
    assert len(said(changed(tools=(WEATHER,), parallel=False), calls=3).choices[0].calls) == 1


def test_arguments_may_be_given_even_broken_ones():
    assert said(changed(tools=(WEATHER,)), calls=1, arguments="{oops").choices[0].calls[0].arguments == "{oops"


def test_a_schema_is_obeyed_unless_the_script_says_what_to_say():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert json.loads(text(said(changed(schema=schema)))) == {"n": 0}
    assert json.loads(text(said(changed(schema={})))) == {}
    assert text(said(changed(schema=schema), say="not JSON")) == "not JSON"


@pytest.mark.parametrize("finish", ["content_filter", "length"])
def test_the_script_may_name_the_finish(finish):
    assert said(finish=finish).choices[0].finish == finish


def test_a_refusal_takes_the_place_of_the_text():
    choice = said(refusal="I can't").choices[0]
    assert (choice.refusal, choice.pieces, choice.tokens) == ("I can't", (), 2)
