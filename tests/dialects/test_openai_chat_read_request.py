"""Requests read into the vocabulary."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from earthward.chat import (
    Audio,
    ChatRequest,
    Document,
    Failure,
    FailureKind,
    Image,
    Message,
    OutputFormat,
    ReasoningControl,
    Role,
    Sampling,
    Text,
    Tool,
    ToolChoice,
)
from earthward.dialects.json_limits import JsonLimits
from earthward.dialects.openai_chat import read_request, write_request

GOLDEN = Path(__file__).parent / "golden/requests"
HI = {"role": "user", "content": "Hi"}


def read(**fields: Any) -> ChatRequest:
    found = read_request(json.dumps({"model": "m", "messages": [HI], **fields}).encode())
    assert isinstance(found, ChatRequest), found
    return found


def refusal(**fields: Any) -> Failure:
    found = read_request(json.dumps({"model": "m", "messages": [HI], **fields}).encode())
    assert isinstance(found, Failure)
    return found


def test_every_field_is_read() -> None:
    found = read_request((GOLDEN / "every_field.json").read_bytes())
    assert isinstance(found, ChatRequest)
    schema = json.loads((GOLDEN / "every_field.json").read_bytes())["tools"][0]["function"]["parameters"]
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: WORD"}}
    rest = dict(found.rest)
    assert found == ChatRequest(
        model="gpt-4.1",
        messages=(
            Message(Role.DEVELOPER, (Text("Be brief."),), "rules"),
            Message(Role.USER, (Text("Weather in Oslo?"),), "ann"),
        ),
        tools=(
            Tool("get_weather", "Weather", schema, True),
            Tool("run", "Runs code", kind="custom", rest={"format": grammar}),
        ),
        tool_choice=ToolChoice("auto", ("get_weather", "run")),
        parallel_tool_calls=False,
        sampling=Sampling(0.5, 0.9, None, None, -1.0, 0.25, None, 7, ("END", "\n\n")),
        max_tokens=256,
        output=OutputFormat("json", schema, "weather", True, "The weather"),
        reasoning=ReasoningControl("low"),
        answers=2,
        logprobs=True,
        top_logprobs=5,
        stream=True,
        stream_usage=True,
        user="u-1",
        metadata={"team": "search"},
        rest=rest,
    )
    assert rest.pop("stream_options") == {"include_obfuscation": False}
    assert set(rest) == {
        "logit_bias",
        "modalities",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "verbosity",
        "web_search_options",
    }


def test_a_request_with_nothing_but_the_least_has_the_defaults() -> None:
    assert read() == ChatRequest("m", (Message(Role.USER, (Text("Hi"),)),))


def test_null_is_as_good_as_absent() -> None:
    names = [
        "temperature",
        "stop",
        "tools",
        "tool_choice",
        "response_format",
        "n",
        "metadata",
        "stream_options",
        "user",
    ]
    assert read(**dict.fromkeys(names)) == read()


def test_the_newer_name_of_the_output_cap_wins() -> None:
    assert read(max_tokens=5, max_completion_tokens=7).max_tokens == 7
    assert read(max_tokens=5).max_tokens == 5
    assert read(max_tokens=5, max_completion_tokens=0).max_tokens == 0


def test_stop_is_a_string_or_a_list() -> None:
    assert read(stop="END").sampling.stop == ("END",)
    assert read(stop=["a", "b"]).sampling.stop == ("a", "b")


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("required", ("f",))),
        ({"type": "custom", "custom": {"name": "f"}}, ToolChoice("required", ("f",))),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"function": {"name": "f"}}]}},
            ToolChoice("required", ("f",)),
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "name": "f"}]}},
            ToolChoice("auto", ("f",)),
        ),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}, ToolChoice("none")),
    ],
)
def test_every_form_of_tool_choice_is_read(wire: Any, choice: ToolChoice) -> None:
    assert read(tool_choice=wire).tool_choice == choice


def test_legacy_functions_are_tools() -> None:
    functions = [{"name": "f", "parameters": {"type": "object"}}]
    assert read(functions=functions).tools == (Tool("f", parameters={"type": "object"}),)
    assert read(functions=functions, function_call="none").tool_choice == ToolChoice("none")
    assert read(functions=functions, function_call={"name": "f"}).tool_choice == ToolChoice("required", ("f",))


def test_fields_without_a_word_ride_along() -> None:
    assert read(store=True, new_field={"a": None}).rest == {"store": True, "new_field": {"a": None}}
    assert read(tools=[{"type": "function", "function": {"name": "f", "new": 1}}]).tools[0].rest == {"new": 1}
    assert read(messages=[{**HI, "new": 1}]).messages[0].rest == {"new": 1}


def test_an_effort_that_is_not_known_yet_rides_along() -> None:
    assert read(reasoning_effort="ultra").rest == {"reasoning_effort": "ultra"}
    assert read(reasoning_effort="ultra").reasoning is None


@pytest.mark.parametrize(
    ("fields", "kind", "param", "words"),
    [
        ({"model": None}, FailureKind.BAD_REQUEST, "model", "Expected `str`"),
        ({"model": 1}, FailureKind.BAD_REQUEST, "model", "Expected `str`"),
        ({"messages": "x"}, FailureKind.BAD_REQUEST, "messages", "Expected `array`"),
        ({"messages": [1]}, FailureKind.BAD_REQUEST, "messages[0]", "Expected `object`"),
        ({"messages": [{}]}, FailureKind.BAD_REQUEST, "messages[0]", "role"),
        ({"messages": [HI, {"role": "robot"}]}, FailureKind.BAD_REQUEST, "messages[1].role", "assistant"),
        ({"messages": [{"role": "tool"}]}, FailureKind.BAD_REQUEST, "messages[0]", "tool_call_id"),
        ({"n": "2"}, FailureKind.BAD_REQUEST, "n", "Expected `int"),
        ({"stream": "yes"}, FailureKind.BAD_REQUEST, "stream", "Expected `bool"),
        ({"stop": [1]}, FailureKind.BAD_REQUEST, "stop[0]", "Expected `str`"),
        ({"tool_choice": "any"}, FailureKind.BAD_REQUEST, "tool_choice", "auto, none, required"),
        ({"tool_choice": {"type": "x"}}, FailureKind.UNSUPPORTED, "tool_choice", "'x'"),
        ({"tools": [{"type": "web_search"}]}, FailureKind.UNSUPPORTED, "tools[0]", "web_search"),
        ({"tools": [{"type": "function"}]}, FailureKind.UNSUPPORTED, "tools[0]", "function"),
        ({"tools": [{"type": "function", "function": {}}]}, FailureKind.BAD_REQUEST, None, "name"),
        ({"response_format": {"type": "grammar"}}, FailureKind.UNSUPPORTED, "response_format", "json_schema"),
        ({"response_format": {"type": "json_schema"}}, FailureKind.UNSUPPORTED, "response_format", "json_schema"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    fields: dict[str, Any], kind: FailureKind, param: str | None, words: str
) -> None:
    failure = refusal(**fields)
    assert (failure.kind, failure.param) == (kind, param)
    assert words in failure.message


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"model":"\xff"}', b'{"a":' + b"[" * 99 + b"]" * 99 + b"}"]
)
def test_what_is_no_request_is_a_bad_request(body: bytes) -> None:
    failure = read_request(body)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BAD_REQUEST


def test_limits_are_the_caller_s() -> None:
    assert isinstance(read_request(b'{"model":"m","messages":[]}', JsonLimits(depth=1)), Failure)


# Requests made by the official SDK keep their meaning: read and written, they are the same bodies.


class Weather(BaseModel):
    city: str
    degrees: float


def made_by_the_sdk(ask: Callable[[openai.OpenAI], object]) -> Any:
    sent: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.read())
        return httpx2.Response(400, json={"error": {"message": "enough"}})

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        openai.OpenAI(api_key="k", base_url="http://x/v1", http_client=http) as client,
        pytest.raises(openai.BadRequestError),
    ):
        ask(client)
    return json.loads(sent[0])


def again(body: Any) -> Any:
    found = read_request(json.dumps(body).encode())
    assert isinstance(found, ChatRequest), found
    written = write_request(found, extensions=False)
    assert isinstance(written, bytes)
    return json.loads(written)


def test_a_plain_call_of_the_sdk_keeps_its_meaning() -> None:
    body = made_by_the_sdk(
        lambda client: client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            temperature=0.2,
            max_completion_tokens=50,
            stop=["END"],
            user="u",
        )
    )
    assert again(body) == body


def test_tools_and_a_stream_of_the_sdk_keep_their_meaning() -> None:
    body = made_by_the_sdk(
        lambda client: client.chat.completions.create(
            model="gpt-4o",
            messages=[
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
                {"role": "tool", "tool_call_id": "c", "content": "r"},
            ],
            tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
            tool_choice="auto",
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    # The SDK leaves `content` out where it is null.
    body["messages"][1]["content"] = None
    assert again(body) == body


def test_a_schema_of_the_sdk_keeps_its_meaning() -> None:
    body = made_by_the_sdk(
        lambda client: client.chat.completions.parse(
            model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], response_format=Weather
        )
    )
    del body["stream"]
    assert body["response_format"]["json_schema"]["strict"] is True
    assert again(body) == body


def test_parts_are_read_in_their_order() -> None:
    found = read_request((GOLDEN / "parts.json").read_bytes())
    assert isinstance(found, ChatRequest)
    assert found.messages[0].parts == (
        Text("What are these?"),
        Image("image/png", "iVBORw0KGgo="),
        Image(url="https://example.com/cat.jpg?x=1,2;3", detail="low"),
        Audio("wav", "UklGRg=="),
        Document("application/pdf", "JVBERi0=", name="a.pdf"),
        Document(file_id="file-abc"),
    )


WORDS = ["", "auto", "text", "json_schema", "user", "tool", "function"]
KEYS = ["role", "content", "type", "text", "image_url", "file", "function", "custom", "name", "tool_calls", "url"]
MORE_KEYS = ["mode", "allowed_tools", "tools", "json_schema", "include_usage", "input_audio", "function_call"]
odd = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*KEYS, *MORE_KEYS]), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = [
    "messages",
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "stop",
    "response_format",
    "stream_options",
    "n",
]


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), odd, max_size=4))
def test_no_json_whatever_makes_the_reader_raise(fields: dict[str, Any]) -> None:
    body = json.dumps({"model": "m", "messages": [HI], **fields}).encode()
    assert isinstance(read_request(body), ChatRequest | Failure)
