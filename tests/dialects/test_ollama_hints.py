"""What routing needs to know of a request."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import Failure, FailureKind
from earthward.dialects import envelope
from earthward.dialects.envelope import Envelope
from earthward.dialects.ollama import (
    Glance,
    answers,
    check,
    conversation_root,
    features,
    glance,
    only_loads,
    unit_hint,
    wants_stream,
)

SYSTEM = {"role": "system", "content": "Be kind."}
USER = {"role": "user", "content": "Hi"}


def request(*messages: Any, **fields: Any) -> Envelope:
    return read({"model": "m", "messages": messages, **fields})


def generate(**fields: Any) -> Envelope:
    return read({"model": "m", **fields})


def read(wire: dict[str, Any]) -> Envelope:
    found = envelope.read(json.dumps(wire).encode())
    assert isinstance(found, Envelope)
    return found


@pytest.mark.parametrize("fields", [{}, {"stream": True}, {"stream": None}, {"messages": []}])
def test_a_request_that_names_its_model_is_fine(fields: dict[str, Any]) -> None:
    assert check(read({"model": "m", **fields})) is None
    assert check(read({"model": "m", **fields}), generate=True) is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "model"),
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": ["m"]}, "model"),
        ({"model": "m", "stream": "true"}, "stream"),
        ({"model": "m", "stream": 1}, "stream"),
        ({"model": "m", "prompt": ["x"]}, "prompt"),
    ],
)
def test_what_decides_the_way_of_a_request_must_be_clear(fields: dict[str, Any], param: str) -> None:
    failure = check(read(fields), generate=True)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BAD_REQUEST
    assert failure.param == param
    assert glance(read(fields), generate=True) == failure


def test_a_request_streams_unless_it_says_otherwise() -> None:
    assert wants_stream(request(USER))
    assert wants_stream(request(USER, stream=None))
    assert not wants_stream(request(USER, stream=False))
    assert "stream" in features(request(USER))
    assert "stream" not in features(generate(prompt="x", stream=False), generate=True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, True), ({"messages": []}, True), ({"messages": None}, True), ({"messages": [USER]}, False)],
)
def test_an_empty_chat_only_loads(fields: dict[str, Any], expected: bool) -> None:
    assert only_loads(read({"model": "m", **fields})) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, True), ({"prompt": ""}, True), ({"prompt": "x"}, False), ({"images": ["A"]}, False)],
)
def test_an_empty_generate_only_loads(fields: dict[str, Any], expected: bool) -> None:
    assert only_loads(generate(**fields), generate=True) is expected


def test_the_root_of_a_conversation_stays_the_same_over_its_turns() -> None:
    first = conversation_root(request(SYSTEM, USER))
    later = request(SYSTEM, USER, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "More"})
    assert first
    assert conversation_root(later) == first


@pytest.mark.parametrize(
    "messages",
    [
        (USER,),
        ({"role": "system", "content": "Be rude."}, USER),
        (SYSTEM, {"role": "user", "content": "Ho"}),
        (SYSTEM, {"role": "user", "content": "Hi", "images": ["AAAA"]}),
        ({"role": "user", "content": "Be kind."}, USER),
    ],
)
def test_another_beginning_is_another_root(messages: tuple[Any, ...]) -> None:
    assert conversation_root(request(*messages)) != conversation_root(request(SYSTEM, USER))


def test_the_same_words_are_the_same_root_in_chat_and_in_generate() -> None:
    generated = conversation_root(generate(system="Be kind.", prompt="Hi"), generate=True)
    assert generated == conversation_root(request(SYSTEM, USER))


@pytest.mark.parametrize("messages", [(), (SYSTEM,), ("odd",), ({"role": "user", "content": [1]},), (None,)])
def test_without_a_user_message_there_is_no_root(messages: tuple[Any, ...]) -> None:
    assert conversation_root(request(*messages)) == b""


@pytest.mark.parametrize(
    ("messages", "fields", "expected"),
    [
        ((USER,), {"tools": [], "format": None, "options": {}}, set()),
        ((USER,), {"tools": [{"function": {"name": "f"}}]}, {"tools"}),
        ((USER,), {"format": {"type": "object"}}, {"schema"}),
        ((USER,), {"format": "json"}, set()),
        (({**USER, "images": ["AAAA"]},), {}, {"images"}),
        (({**USER, "images": []},), {}, set()),
        ((USER,), {"suffix": "x"}, set()),
    ],
)
def test_features_are_what_a_target_must_be_able_to_do(messages: Any, fields: Any, expected: set[str]) -> None:
    assert features(request(*messages, stream=False, **fields)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"suffix": "x"}, {"insert"}),
        ({"raw": True}, {"raw"}),
        ({"context": [1]}, {"raw"}),
        ({"template": "x"}, {"raw"}),
        ({"images": ["AAAA"]}, {"images"}),
        ({"raw": False, "suffix": "", "context": []}, set()),
    ],
)
def test_what_only_ollama_can_generate_is_a_feature(fields: dict[str, Any], expected: set[str]) -> None:
    assert features(generate(prompt="x", stream=False, **fields), generate=True) == expected


def test_one_glance_finds_all_of_it() -> None:
    asked = request(SYSTEM, {**USER, "images": ["AAAA"]})
    found = glance(asked)
    assert isinstance(found, Glance)
    assert (found.model, found.stream) == ("m", True)
    assert found.unit is unit_hint(asked) is None
    assert found.root == conversation_root(asked)
    assert found.features == features(asked)
    assert found.characters == len("Be kind.Hi")
    generated = glance(generate(prompt="Hi", system="x", stream=False), generate=True)
    assert isinstance(generated, Glance)
    assert (generated.stream, generated.characters) == (False, 3)
    assert answers(asked) == 1


odd = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "user", "system", "text"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["role", "content", "images"]), inner, max_size=3)
    ),
    max_leaves=10,
)
NAMES = ["model", "messages", "stream", "tools", "format", "prompt", "system", "images", "raw", "suffix"]


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), odd), st.booleans())
def test_no_json_whatever_makes_a_glance_raise(fields: dict[str, Any], generates: bool) -> None:
    asked = read(fields)
    check(asked, generates)
    glance(asked, generates)
    only_loads(asked, generates)
