"""What routing needs to know of a request."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import Failure, FailureKind
from earthward.dialects import envelope
from earthward.dialects.envelope import Envelope
from earthward.dialects.openai_chat import Glance, conversation_root, features, glance, unit_hint

SYSTEM = {"role": "system", "content": "Be kind."}
USER = {"role": "user", "content": "Hi"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
FILE = {"type": "file", "file": {"file_id": "file-1"}}


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def request(*messages: Any, **fields: Any) -> Envelope:
    read = envelope.read(json.dumps({"model": "m", "messages": messages, **fields}).encode())
    assert isinstance(read, Envelope)
    return read


def seen(asked: Envelope) -> Glance:
    found = glance(asked)
    assert isinstance(found, Glance)
    return found


def test_a_request_that_names_model_and_messages_is_fine() -> None:
    assert seen(request(USER)).model == "m"
    assert seen(request(USER, stream=True)).stream is True
    assert seen(request(USER, stream=False)).stream is False
    assert seen(request(USER, stream=None)).stream is False
    assert seen(request(USER)).stream is False


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "model"),
        (b'{"model":null,"messages":[]}', "model"),
        (b'{"model":"","messages":[]}', "model"),
        (b'{"model":1,"messages":[]}', "model"),
        (b'{"model":["m"],"messages":[]}', "model"),
        (b'{"model":1e999,"messages":[]}', "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":[],"stream":"true"}', "stream"),
        (b'{"model":"m","messages":[],"stream":1}', "stream"),
        (b'{"model":"m","messages":[],"stream":1e999}', "stream"),
    ],
)
def test_what_decides_the_way_of_a_request_must_be_clear(body: bytes, param: str) -> None:
    read = envelope.read(body)
    assert isinstance(read, Envelope)
    failure = glance(read)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BAD_REQUEST
    assert failure.param == param


def test_the_unit_is_the_user_or_what_openai_calls_it_now() -> None:
    assert unit_hint(request(USER, user="u", safety_identifier="s")) == "u"
    assert unit_hint(request(USER, safety_identifier="s")) == "s"
    assert unit_hint(request(USER, user="")) is None
    assert unit_hint(request(USER, user=7)) is None
    assert unit_hint(request(USER)) is None


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
        (SYSTEM, {"role": "user", "content": [text("Hi"), IMAGE]}),
        (SYSTEM, SYSTEM, USER),
        ({"role": "user", "content": "Be kind."}, USER),
    ],
)
def test_another_beginning_is_another_root(messages: tuple[Any, ...]) -> None:
    assert conversation_root(request(*messages)) != conversation_root(request(SYSTEM, USER))


def test_another_image_is_another_root() -> None:
    other = {"type": "image_url", "image_url": {"url": "data:image/png;base64,BB=="}}
    roots = {conversation_root(request({"role": "user", "content": [part]})) for part in (IMAGE, other, AUDIO, FILE)}
    assert len(roots) == 4


def test_a_text_is_the_same_root_as_a_string_and_as_a_part() -> None:
    parts = request(
        {"role": "system", "content": [text("Be "), text("kind.")]}, {"role": "user", "content": [text("Hi")]}
    )
    assert conversation_root(parts) == conversation_root(request(SYSTEM, USER))


@pytest.mark.parametrize(
    "messages",
    [(), (SYSTEM,), ({"role": "assistant", "content": "x"},), ("odd",), ({"role": "user", "content": 7},), (None,)],
)
def test_without_a_user_message_there_is_no_root(messages: tuple[Any, ...]) -> None:
    assert conversation_root(request(*messages)) == b""


TOOL = {"type": "function", "function": {"name": "f"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}


@pytest.mark.parametrize(
    ("messages", "fields", "expected"),
    [
        ((USER,), {}, set()),
        ((USER,), {"stream": True}, {"stream"}),
        ((USER,), {"stream": False, "tools": [], "functions": None, "response_format": None}, set()),
        ((USER,), {"tools": [TOOL]}, {"tools"}),
        ((USER,), {"functions": [{"name": "f"}]}, {"tools"}),
        ((USER,), {"response_format": SCHEMA}, {"schema"}),
        ((USER,), {"response_format": {"type": "json_object"}}, set()),
        ((USER,), {"response_format": "json_schema"}, set()),
        ((USER,), {"modalities": ["text", "audio"]}, {"audio"}),
        ((USER,), {"modalities": "audio"}, set()),
        (({"role": "user", "content": [text("x"), IMAGE]},), {}, {"images"}),
        (({"role": "user", "content": [AUDIO]},), {}, {"audio"}),
        (({"role": "user", "content": [FILE, IMAGE]},), {}, {"documents", "images"}),
        ((USER, {"role": "assistant", "content": None}, {"role": "user", "content": [IMAGE]}), {}, {"images"}),
        (({"role": "user", "content": '"image_url" {"type":"image_url"}'},), {}, set()),
        (({"role": "user", "content": [text("image_url")]},), {}, set()),
        (({"role": "user", "content": [{"type": "__class__"}]},), {}, set()),
    ],
)
def test_features_are_what_a_target_must_be_able_to_do(messages: Any, fields: Any, expected: set[str]) -> None:
    assert features(request(*messages, **fields)) == expected


def test_one_glance_finds_all_of_it() -> None:
    asked = request(SYSTEM, {"role": "user", "content": [text("Hi"), IMAGE]}, user="u", stream=True)
    found = seen(asked)
    assert found.unit == unit_hint(asked)
    assert found.root == conversation_root(asked)
    assert found.features == features(asked)
    assert found.characters == len("Be kind.Hi")


odd = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "user", "system", "text", "image_url"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "image_url", "file"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["model", "messages", "stream", "user", "tools", "modalities"]), odd))
def test_no_json_whatever_makes_a_glance_raise(fields: dict[str, Any]) -> None:
    read = envelope.read(json.dumps(fields).encode())
    assert isinstance(read, Envelope)
    glance(read)


@pytest.mark.parametrize("name", ["Model", "MODEL", "Stream", "\u017ftream", "Messages"])
def test_a_field_that_only_a_careless_server_would_take_for_ours_is_refused(name: str) -> None:
    envelope = Envelope({**request({"role": "user", "content": "Hi"}).fields, name: msgspec.Raw(b'"other"')})
    refused = glance(envelope)
    assert isinstance(refused, Failure)
    assert refused.kind is FailureKind.BAD_REQUEST
