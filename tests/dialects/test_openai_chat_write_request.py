"""Requests, written: what is written reads back, and what was read is written as it was."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import (
    Audio,
    ChatRequest,
    Document,
    Failure,
    FailureKind,
    Image,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningControl,
    Refusal,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from earthward.dialects.openai_chat import losses, read_request, write_request

GOLDEN = Path(__file__).parent / "golden/requests"
NAMES = [path.stem for path in sorted(GOLDEN.glob("*.json")) if not path.stem.endswith(".written")]


def read(body: bytes) -> ChatRequest:
    found = read_request(body)
    assert isinstance(found, ChatRequest), found
    return found


def write(request: ChatRequest, extensions: bool = True) -> Any:
    written = write_request(request, extensions)
    assert isinstance(written, bytes), written
    return json.loads(written)


def request(**fields: Any) -> ChatRequest:
    return ChatRequest(**{"model": "m", "messages": (Message(Role.USER, (Text("Hi"),)),), **fields})


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_request_is_written_as_it_was_or_as_its_companion_says(name: str) -> None:
    body = (GOLDEN / f"{name}.json").read_bytes()
    companion = GOLDEN / f"{name}.written.json"
    expected = json.loads(companion.read_bytes() if companion.exists() else body)
    assert write(read(body), extensions=False) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_request_written_with_extensions_reads_back(name: str) -> None:
    original = read((GOLDEN / f"{name}.json").read_bytes())
    assert read(json.dumps(write(original)).encode()).messages == original.messages


def test_a_server_that_knows_more_is_told_more() -> None:
    messages = (Message(Role.ASSISTANT, (Reasoning("Hm"), Text("x"))),)
    sampling = Sampling(top_k=40, min_p=0.1, repeat_penalty=1.1)
    asked = request(
        messages=messages, sampling=sampling, max_tokens=9, rest={"chat_template_kwargs": {}, "store": True}
    )
    more, less = write(asked), write(asked, extensions=False)
    assert more["max_tokens"] == more["max_completion_tokens"] == 9
    assert more["repeat_penalty"] == more["repetition_penalty"] == 1.1
    assert more["messages"][0]["reasoning_content"] == "Hm"
    assert set(less) == {"model", "messages", "max_completion_tokens", "store"}
    assert set(less["messages"][0]) == {"role", "content"}
    assert losses(asked) == ()
    assert losses(asked, extensions=False) == (
        "top_k",
        "min_p",
        "repeat_penalty",
        "chat_template_kwargs",
        "messages.reasoning",
    )


@pytest.mark.parametrize(
    ("budget", "effort"), [(0, "none"), (1024, "low"), (1025, "medium"), (8192, "medium"), (8193, "high"), (-1, None)]
)
def test_a_budget_of_thinking_is_said_roughly_and_named_as_a_loss(budget: int, effort: str | None) -> None:
    asked = request(reasoning=ReasoningControl(budget=budget))
    assert write(asked).get("reasoning_effort") == effort
    assert losses(asked) == ("reasoning",)


def test_an_effort_goes_before_a_budget() -> None:
    assert write(request(reasoning=ReasoningControl("high", 1)))["reasoning_effort"] == "high"


def test_signatures_of_other_vendors_are_a_loss() -> None:
    signed = request(messages=(Message(Role.ASSISTANT, (Reasoning("Hm", "signature"), Text("x"))),))
    assert losses(signed) == ("messages.reasoning",)


@pytest.mark.parametrize(
    "messages",
    [
        (Message(Role.USER, (Image(file_id="f"),)),),
        (Message(Role.USER, (Document(url="http://x/a.pdf"),)),),
        (Message(Role.USER, (Reasoning("Hm"),)),),
        (Message(Role.USER, (ToolCall("a", "f", "{}"),)),),
        (Message(Role.USER, (Text("x"), Image(file_id="f"))),),
    ],
)
def test_content_without_a_word_here_is_never_dropped(messages: tuple[Message, ...]) -> None:
    failure = write_request(request(messages=messages))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.UNSUPPORTED


def test_a_hosted_tool_is_refused_by_name() -> None:
    failure = write_request(request(tools=(Tool("web_search_20250305", kind="hosted"),)))
    assert isinstance(failure, Failure)
    assert "web_search_20250305" in failure.message


def test_stream_options_are_for_streams_only() -> None:
    assert "stream_options" not in write(request(stream_usage=True))
    assert write(request(stream=True, stream_usage=True))["stream_options"] == {"include_usage": True}


def test_a_schema_without_a_name_gets_one() -> None:
    assert write(request(output=OutputFormat("json", {})))["response_format"]["json_schema"]["name"]


def test_a_name_of_a_custom_tool_is_called_one() -> None:
    asked = request(tools=(Tool("run", kind="custom"), Tool("f")), tool_choice=ToolChoice("auto", ("run", "f", "x")))
    kinds = [tool["type"] for tool in write(asked)["tool_choice"]["allowed_tools"]["tools"]]
    assert kinds == ["custom", "function", "function"]


# Whatever this dialect can say, written and read, is the same request.

texts = st.text(min_size=1)
words = st.text("abcdef_", min_size=1, max_size=6)
base64 = st.sampled_from(["AA==", "AAA=", "AAAA", "+/8="])
json_objects = st.dictionaries(words, st.none() | st.booleans() | st.integers(0, 9) | st.text(), max_size=3)
media_types = st.sampled_from(["image/png", "application/pdf"])
details = st.none() | st.just("low")
images = st.builds(
    lambda media, data, detail: Image(media, data, detail=detail), media_types, base64, details
) | st.builds(lambda path, detail: Image(url=f"https://x/{path}", detail=detail), words, details)
documents = st.builds(
    lambda media, data, name: Document(media, data, name=name), st.none() | media_types, base64, st.none() | words
) | st.builds(lambda file_id, name: Document(file_id=file_id, name=name), words, st.none() | words)
audio = st.builds(Audio, st.sampled_from(["wav", "mp3"]), base64)
calls = st.builds(ToolCall, words, words, texts, st.booleans())
user_parts: st.SearchStrategy[Part] = st.builds(Text, texts) | images | documents | audio


@st.composite
def message_parts(draw: st.DrawFn, role: Role) -> tuple[Part, ...]:
    if role is Role.TOOL:
        content = draw(st.lists(st.builds(Text, texts), max_size=2).map(tuple))
        return (ToolResult(draw(words), content, draw(st.none() | words)),)
    if role is Role.ASSISTANT:
        reasoning = draw(st.lists(st.builds(Reasoning, texts), max_size=1))
        said = draw(st.lists(st.builds(Text, texts) | st.builds(Refusal, texts), max_size=3))
        return (*reasoning, *said, *draw(st.lists(calls, max_size=2)))
    return tuple(draw(st.lists(user_parts if role is Role.USER else st.builds(Text, texts), max_size=3)))


@st.composite
def messages(draw: st.DrawFn) -> Message:
    role = draw(st.sampled_from(Role))
    name = None if role is Role.TOOL else draw(st.none() | words)
    return Message(role, draw(message_parts(role)), name, draw(st.just({}) | st.just({"audio": {"id": "a"}})))


tools = st.builds(
    Tool,
    words,
    st.none() | texts,
    st.none() | json_objects,
    st.none() | st.booleans(),
    st.sampled_from(["function", "custom"]),
    st.just({}) | st.just({"format": {"type": "text"}}),
)
choices = st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"])) | st.builds(
    ToolChoice, st.sampled_from(["auto", "required"]), st.lists(words, min_size=1, max_size=3).map(tuple)
)
numbers = st.none() | st.floats(-2, 2)
sampling = st.builds(
    Sampling,
    *[numbers] * 2,
    st.none() | st.integers(0, 99),
    *[numbers] * 4,
    st.none() | st.integers(0, 2**53),
    st.lists(texts, max_size=3).map(tuple),
)
outputs = (
    st.just(OutputFormat("text"))
    | st.just(OutputFormat("json"))
    | st.builds(
        OutputFormat, st.just("json"), st.none() | json_objects, words, st.none() | st.booleans(), st.none() | texts
    )
)
controls = st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]).map(ReasoningControl)


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    stream, logprobs = draw(st.booleans()), draw(st.booleans())
    return ChatRequest(
        model=draw(texts),
        messages=tuple(draw(st.lists(messages(), max_size=4))),
        tools=tuple(draw(st.lists(tools, max_size=2))),
        tool_choice=draw(st.none() | choices),
        parallel_tool_calls=draw(st.none() | st.booleans()),
        sampling=draw(sampling),
        max_tokens=draw(st.none() | st.integers(0, 2**31)),
        output=draw(st.none() | outputs),
        reasoning=draw(st.none() | controls),
        answers=draw(st.integers(1, 9)),
        logprobs=logprobs,
        top_logprobs=draw(st.none() | st.integers(0, 20)) if logprobs else None,
        stream=stream,
        stream_usage=stream and draw(st.booleans()),
        user=draw(st.none() | st.text()),
        metadata=draw(st.dictionaries(words, st.text(), max_size=2)),
        rest=draw(st.dictionaries(words.map(lambda word: f"x_{word}"), json_objects, max_size=2)),
    )


@settings(max_examples=100, deadline=None)
@given(requests())
def test_a_request_written_reads_back(original: ChatRequest) -> None:
    written = write_request(original)
    assert isinstance(written, bytes)
    assert read(written) == original


def test_what_another_dialect_means_by_stream_options_does_no_harm() -> None:
    request = ChatRequest("m", (Message(Role.USER, (Text("Hi"),)),), stream=True, rest={"stream_options": 5})
    body = write_request(request)
    assert isinstance(body, bytes)
    assert "stream_options" not in json.loads(body)


def test_of_more_stops_than_openai_takes_the_first_are_written() -> None:
    asked = request(sampling=Sampling(stop=tuple("abcde")))
    assert write(asked, extensions=False)["stop"] == list("abcd")
    assert losses(asked, extensions=False) == ("stop",)
    assert write(asked)["stop"] == list("abcde")
    assert losses(asked) == ()
    assert losses(request(sampling=Sampling(stop=tuple("abcd"))), extensions=False) == ()


def test_the_number_of_alternatives_is_written_where_there_are_any() -> None:
    asked = request(top_logprobs=2)
    assert "top_logprobs" not in write(asked)
    assert losses(asked) == ("top_logprobs",)
    asked = request(logprobs=True, top_logprobs=0)
    assert write(asked)["top_logprobs"] == 0
    assert losses(asked) == ()
