"""What routing needs to know of a request."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import Failure, FailureKind
from earthward.dialects import envelope
from earthward.dialects.anthropic_messages import Glance, check, conversation_root, features, glance, unit_hint
from earthward.dialects.envelope import Envelope

USER = {"role": "user", "content": "Hi"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
SAID = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "many words"}}
FILE = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
FOREIGN = {"type": "web_fetch_tool_result", "tool_use_id": "a", "content": {"type": "web_fetch_result", "content": {}}}


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def request(*messages: Any, **fields: Any) -> Envelope:
    read = envelope.read(json.dumps({"model": "m", "max_tokens": 9, "messages": messages, **fields}).encode())
    assert isinstance(read, Envelope)
    return read


def seen(*messages: Any, **fields: Any) -> Glance:
    found = glance(request(*messages, **fields))
    assert isinstance(found, Glance)
    return found


def test_a_request_that_names_model_and_messages_is_fine() -> None:
    assert check(request(USER)) is None
    assert check(request(USER, stream=None)) is None
    assert (seen(USER).model, seen(USER).stream, seen(USER, stream=True).stream) == ("m", False, True)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "model"),
        (b'{"model":null,"messages":[]}', "model"),
        (b'{"model":"","messages":[]}', "model"),
        (b'{"model":1,"messages":[]}', "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":[],"stream":"true"}', "stream"),
    ],
)
def test_what_decides_the_way_of_a_request_must_be_clear(body: bytes, param: str) -> None:
    read = envelope.read(body)
    assert isinstance(read, Envelope)
    failure = glance(read)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == (FailureKind.BAD_REQUEST, param)


@pytest.mark.parametrize(
    ("metadata", "unit"),
    [
        ({"user_id": "ann"}, "ann"),
        ({"user_id": ""}, None),
        ({"user_id": 7}, None),
        ({}, None),
        (None, None),
        ("x", None),
    ],
)
def test_the_unit_is_the_user_that_the_metadata_name(metadata: Any, unit: str | None) -> None:
    assert unit_hint(request(USER, metadata=metadata)) == unit
    assert unit_hint(request(USER)) is None


def test_the_root_of_a_conversation_stays_the_same_over_its_turns() -> None:
    first = conversation_root(request(USER, system="Be kind."))
    later = [USER, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "More"}]
    assert first
    assert conversation_root(request(*later, system="Be kind.")) == first


@pytest.mark.parametrize(
    ("system", "user"),
    [("Be kind.", [text("Hi")]), ([text("Be kind.")], "Hi"), ([{**text("Be kind."), "cache_control": {}}], "Hi")],
)
def test_the_root_is_the_same_whether_a_text_is_a_string_or_a_block(system: Any, user: Any) -> None:
    plain = conversation_root(request(USER, system="Be kind."))
    assert conversation_root(request({"role": "user", "content": user}, system=system)) == plain


def test_different_conversations_have_different_roots() -> None:
    requests = [
        request(USER),
        request(USER, system="Be kind."),
        request(USER, system="Be rude."),
        request({"role": "user", "content": "Ho"}, system="Be kind."),
        request({"role": "user", "content": [text("Hi"), IMAGE]}),
        request({"role": "user", "content": [text("Hi"), FILE]}),
    ]
    assert len({conversation_root(asked) for asked in requests}) == len(requests)


def test_a_conversation_without_a_user_has_no_root() -> None:
    assert conversation_root(request(system="Be kind.")) == b""


@pytest.mark.parametrize(
    ("messages", "fields", "found"),
    [
        ([USER], {}, set()),
        ([USER], {"stream": True}, {"stream"}),
        ([USER], {"tools": [{"name": "f"}]}, {"tools"}),
        ([USER], {"tools": [], "stream": False}, set()),
        ([USER], {"output_config": {"format": {"type": "json_schema", "schema": {}}}}, {"schema"}),
        ([USER], {"output_config": {"effort": "low"}}, set()),
        ([USER], {"output_config": None}, set()),
        ([USER], {"output_config": 3}, set()),
        ([USER], {"output_format": {"type": "json_schema"}}, {"schema"}),
        ([{"role": "user", "content": [text("x"), IMAGE, FILE]}], {}, {"images", "documents"}),
        ([{"role": "user", "content": [SAID]}], {}, set()),
        ([{"role": "user", "content": [{"type": "document", "source": 5}]}], {}, {"documents"}),
        ([{"role": "user", "content": [{"type": "tool_result", "content": [IMAGE]}]}], {}, {"images"}),
        ([{"role": "user", "content": [FOREIGN, IMAGE]}], {}, {"images"}),
    ],
)
def test_features_are_what_a_target_must_be_able_to_do(messages: Any, fields: Any, found: set[str]) -> None:
    assert features(request(*messages, **fields)) == found
    assert seen(*messages, **fields).features == found


def test_characters_are_those_of_all_text() -> None:
    result = {"type": "tool_result", "tool_use_id": "a", "content": "1234"}
    blocks = {"type": "tool_result", "tool_use_id": "b", "content": [text("567"), IMAGE]}
    content = [text("Hi"), result, blocks, FOREIGN]
    assert seen({"role": "user", "content": content}, system=[text("ab"), text("ü")]).characters == 2 + 4 + 3 + 3


odd = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "user", "text", "image"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "source", "format"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(messages=odd, system=odd, config=odd, metadata=odd)
def test_no_json_whatever_makes_a_glance_raise(messages: Any, system: Any, config: Any, metadata: Any) -> None:
    fields = {"model": "m", "messages": messages, "system": system, "output_config": config, "metadata": metadata}
    read = envelope.read(json.dumps(fields).encode())
    assert isinstance(read, Envelope)
    assert isinstance(glance(read), Glance)


def test_a_document_that_is_text_is_as_long_as_its_text() -> None:
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
    broken = {"type": "document", "source": {"type": "text", "data": 5}}
    found = glance(request({"role": "user", "content": [text("Hi"), SAID, pdf, broken]}))
    assert isinstance(found, Glance)
    assert found.characters == len("Hi" + "many words")
