"""Requests from every dialect to every other: what both can say arrives, whatever was said."""

import base64
import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import (
    Answer,
    ChatRequest,
    Choice,
    Event,
    Failure,
    Image,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    collect,
    events_of,
)
from every_dialect import BY_NAME, CONVERSING, Dialect

SOLID = st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))
IDS = st.from_regex(r"call_[a-z0-9]{1,6}", fullmatch=True)
NAMES = st.sampled_from(["weather", "clock", "search_2"])
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
ARGUMENTS = st.dictionaries(
    st.text(max_size=8), SCALARS | st.text(max_size=8) | st.lists(st.integers(0, 9), max_size=3)
)
PNGS = st.binary(max_size=8).map(lambda tail: Image("image/png", _base64(b"\x89PNG\r\n\x1a\n\x00" + tail)))
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = tuple(Tool(name, f"The {name}", SCHEMA) for name in ("weather", "clock", "search_2"))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """System text, then turns: each side speaks, tools are called and answer, in the order they were called."""
    messages = [Message(Role.SYSTEM, (Text(draw(SOLID)),))] if draw(st.booleans()) else []
    ids: set[str] = set()
    for _ in range(draw(st.integers(1, 3))):
        images = draw(st.lists(PNGS, max_size=2))
        messages.append(Message(Role.USER, (Text(draw(SOLID)), *images)))
        calls = [
            ToolCall(call_id, draw(NAMES), json.dumps(draw(ARGUMENTS)))
            for call_id in draw(st.lists(IDS, max_size=3, unique=True))
            if call_id not in ids
        ]
        ids |= {call.id for call in calls}
        spoken = [Text(draw(SOLID))] if not calls or draw(st.booleans()) else []
        messages.append(Message(Role.ASSISTANT, (*spoken, *calls)))
        messages += [Message(Role.TOOL, (ToolResult(call.id, (Text(draw(SOLID)),), call.name),)) for call in calls]
    return (*messages, Message(Role.USER, (Text(draw(SOLID)),)))


REQUESTS = st.builds(
    ChatRequest,
    st.just("m"),
    conversations(),
    tools=st.just(TOOLS),
    sampling=st.builds(Sampling, temperature=st.none() | st.floats(0, 1), top_p=st.none() | st.floats(0, 1)),
    max_tokens=st.integers(1, 100_000),
    output=st.none() | st.just(OutputFormat("json", SCHEMA)),
)


def read(dialect: Dialect, body: bytes) -> ChatRequest:
    request = dialect.read_request(body)
    assert isinstance(request, ChatRequest), request
    return request


def write(dialect: Dialect, request: ChatRequest) -> bytes:
    body = dialect.write_request(request)
    assert isinstance(body, bytes), body
    return body


def said(request: ChatRequest) -> Any:
    """A conversation without white space, and without asking which messages and parts it was said in."""
    system = "".join(message.text for message in request.messages if message.role in (Role.SYSTEM, Role.DEVELOPER))
    turns: list[list[Any]] = []
    for message in request.messages:
        for part in message.parts:
            if message.role in (Role.SYSTEM, Role.DEVELOPER):
                continue
            role = "tool" if isinstance(part, ToolResult) else message.role.value
            if not turns or turns[-1][0] != role:
                turns.append([role, "", [], []])
            match part:
                case Text(text):
                    turns[-1][1] += "".join(text.split())
                case Image(data=data):
                    turns[-1][2].append(data)
                case ToolCall(id, name, arguments):
                    turns[-1][3].append((id, name, json.loads(arguments)))
                case ToolResult(call_id, content):
                    text = "".join(inner.text for inner in content if isinstance(inner, Text))
                    turns[-1][3].append((call_id, "".join(_canonical(text).split())))
    return ["".join(system.split()), turns]


def _canonical(text: str) -> str:
    """A result that is an object is shown to some models as one, and comes back spelt in another way."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return json.dumps(found) if isinstance(found, dict) else text


@settings(max_examples=120, deadline=None)
@given(REQUESTS, st.sampled_from(CONVERSING), st.sampled_from(CONVERSING))
def test_what_both_can_say_arrives_from_every_dialect_at_every_other(
    request: ChatRequest, caller: Dialect, target: Dialect
) -> None:
    if {caller.name, target.name} & {"ollama"}:
        # A grammar for the answer would keep its models from calling any tool.
        request = msgspec.structs.replace(request, output=None)
    asked = read(caller, write(caller, request))
    arrived = read(target, write(target, asked))
    assert said(arrived) == said(asked) == said(request)
    assert [(tool.name, tool.description, tool.parameters) for tool in arrived.tools] == [
        (tool.name, tool.description, tool.parameters) for tool in TOOLS
    ]
    assert arrived.max_tokens == request.max_tokens
    assert arrived.sampling == request.sampling
    assert (arrived.output and arrived.output.schema) == (request.output and request.output.schema)
    assert said(read(caller, write(caller, arrived))) == said(asked)


CHOICES = st.sampled_from(
    [None, ToolChoice("auto"), ToolChoice("none"), ToolChoice("required"), ToolChoice("required", ("clock",))]
)


@settings(max_examples=60, deadline=None)
@given(REQUESTS, CHOICES, st.sampled_from([dialect for dialect in CONVERSING if dialect.name != "ollama"]))
def test_what_was_written_is_written_again_the_same(request: ChatRequest, choice: Any, dialect: Dialect) -> None:
    body = write(dialect, msgspec.structs.replace(request, tool_choice=choice))
    again = read(dialect, body)
    assert again.tool_choice == choice
    assert json.loads(write(dialect, again)) == json.loads(body)


CALLS = st.builds(lambda call_id, name, given: ToolCall(call_id, name, json.dumps(given)), IDS, NAMES, ARGUMENTS)
PARTS = st.lists(
    st.builds(Text, SOLID) | st.builds(Reasoning, SOLID) | CALLS,
    max_size=5,
    unique_by=lambda part: part.id if isinstance(part, ToolCall) else id(part),
)


def answered(parts: list[Part]) -> Answer:
    called = any(isinstance(part, ToolCall) for part in parts)
    return Answer("x", "m", 5, (Choice(tuple(parts), "tool_calls" if called else "stop"),))


def told(parts: tuple[Part, ...]) -> Any:
    """Texts, thoughts and calls, each in their order: some dialects keep no order among them."""
    texts = "".join(part.text for part in parts if isinstance(part, Text | Refusal))
    thoughts = "".join(part.text for part in parts if isinstance(part, Reasoning))
    calls = [(part.id, part.name, json.loads(part.arguments)) for part in parts if isinstance(part, ToolCall)]
    return texts, thoughts, calls


@settings(max_examples=120, deadline=None)
@given(PARTS, st.sampled_from(CONVERSING), st.sampled_from(CONVERSING), st.integers(1, 30))
def test_an_answer_arrives_whole_and_streamed_from_every_dialect_at_every_other(
    parts: list[Part], target: Dialect, caller: Dialect, size: int
) -> None:
    answer = answered(parts)
    whole = target.write_answer(answer)
    assert isinstance(whole, bytes)
    found = target.read_answer(whole)
    assert isinstance(found, Answer)
    forwarded = caller.write_answer(found)
    assert isinstance(forwarded, bytes)
    arrived = caller.read_answer(forwarded)
    assert isinstance(arrived, Answer)
    assert told(arrived.choices[0].parts) == told(answer.choices[0].parts)
    assert arrived.choices[0].reason == answer.choices[0].reason

    stream = target.write_stream(events_of(answer))
    events: list[Event] = target.read_stream(*(stream[at : at + size] for at in range(0, len(stream), size)))
    streamed = collect(caller.read_stream(caller.write_stream(events)))
    assert isinstance(streamed, Answer), streamed
    assert told(streamed.choices[0].parts) == told(answer.choices[0].parts)
    assert streamed.choices[0].reason == answer.choices[0].reason


def test_every_golden_stream_is_the_same_at_every_split_in_every_dialect() -> None:
    for dialect in BY_NAME.values():
        for stream in dialect.golden_streams():
            whole = dialect.read_stream(stream)
            for at in range(0, len(stream), max(1, len(stream) // 40)):
                assert dialect.read_stream(stream[:at], stream[at:]) == whole


def test_a_failure_is_never_a_clean_end_in_any_other_dialect() -> None:
    for dialect in BY_NAME.values():
        for stream in dialect.golden_streams():
            events = dialect.read_stream(stream)
            if isinstance(collect(events), Failure):
                for other in BY_NAME.values():
                    assert isinstance(collect(other.read_stream(other.write_stream(events))), Failure)


PROMPTS = st.builds(
    lambda text, temperature, stop, most: ChatRequest(
        "m",
        (Message(Role.USER, (Text(text),)),),
        sampling=Sampling(temperature=temperature, stop=tuple(stop)),
        max_tokens=most,
    ),
    SOLID,
    st.none() | st.floats(0, 1),
    st.lists(st.sampled_from(["END", "\n\n", "Q:"]), max_size=2, unique=True),
    st.integers(1, 100_000),
)


@settings(max_examples=60, deadline=None)
@given(PROMPTS, st.sampled_from(CONVERSING))
def test_what_completions_can_say_arrives_at_every_other_dialect_and_comes_back(
    request: ChatRequest, other: Dialect
) -> None:
    completions = BY_NAME["openai_completions"]
    if other.name in ("openai_responses", "anthropic_messages"):
        # The one has no stops, the other none of white space alone.
        request = msgspec.structs.replace(request, sampling=msgspec.structs.replace(request.sampling, stop=()))
    for caller, target in ((completions, other), (other, completions)):
        asked = read(caller, write(caller, request))
        arrived = read(target, write(target, asked))
        assert said(arrived) == said(request)
        assert arrived.max_tokens == request.max_tokens
        assert arrived.sampling == request.sampling
        assert said(read(caller, write(caller, arrived))) == said(request)
