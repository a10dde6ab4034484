"""Requests, written: what is written reads back, and what is lost is named."""

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
from earthward.dialects import envelope
from earthward.dialects.envelope import Envelope
from earthward.dialects.ollama import Model, custom_tools, left_out, losses, prepare, read_request, write_request

GOLDEN = Path(__file__).parent / "golden/ollama/requests"
NAMES = [path.stem for path in sorted(GOLDEN.glob("*.json")) if not path.stem.endswith(".written")]
PNG = "iVBORw0KGgo="
F = Tool("f", "Does it.", {"type": "object", "properties": {}})
G = Tool("g")
UNKNOWN = Model()
THINKS = Model(frozenset({"completion", "thinking"}))


def user(*parts: Part | str) -> Message:
    return Message(Role.USER, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def request(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(**{"model": "m", "messages": messages or (user("Hi"),), **fields})


def write(asked: ChatRequest, model: Model = UNKNOWN) -> Any:
    written = write_request(asked, model)
    assert isinstance(written, bytes), written
    return json.loads(written)


def read(body: bytes) -> ChatRequest:
    found = read_request(body)
    assert isinstance(found, ChatRequest), found
    return found


def refused(asked: ChatRequest) -> Failure:
    failure = write_request(asked)
    assert isinstance(failure, Failure), failure
    return failure


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_request_is_written_as_its_companion_says(name: str) -> None:
    expected = json.loads((GOLDEN / f"{name}.written.json").read_bytes())
    assert write(read((GOLDEN / f"{name}.json").read_bytes())) == expected


# -- messages --------------------------------------------------------------------------------------------------------


def test_all_system_text_comes_first_in_one_message() -> None:
    asked = request(
        Message(Role.SYSTEM, (Text("One."), Text("Two."))),
        user("Hi"),
        Message(Role.DEVELOPER, (Text("Three."),)),
        user("Ho"),
    )
    assert write(asked)["messages"] == [
        {"role": "system", "content": "One.\n\nTwo.\n\nThree."},
        {"role": "user", "content": "Hi\n\nHo"},
    ]
    assert losses(asked) == ("messages.order",)


def test_developer_is_system() -> None:
    """Ollama #18305: a role that the template does not know is left out, and with it the instructions."""
    asked = request(Message(Role.DEVELOPER, (Text("Be kind."),)), user("Hi"))
    assert write(asked)["messages"][0] == {"role": "system", "content": "Be kind."}
    assert losses(asked) == ()


def test_parts_of_text_become_one_string() -> None:
    assistant = Message(Role.ASSISTANT, (Text("Hel"), Text("lo"), Refusal("!")))
    said = write(request(user("a", "b"), assistant))["messages"]
    assert [message["content"] for message in said] == ["a\nb", "Hello!"]


def test_neighbours_of_one_role_become_one_message() -> None:
    asked = request(
        user("a", Image("image/png", PNG)),
        user("b", Image("image/png", PNG)),
        Message(Role.ASSISTANT, (Reasoning("x"), Text("c"))),
        Message(Role.ASSISTANT, (Reasoning("y"), Text("d"), ToolCall("1", "f", "{}"))),
        Message(Role.ASSISTANT, (Text("e"),)),
    )
    said = write(asked)["messages"]
    assert said[0] == {"role": "user", "content": "a\n\nb", "images": [PNG, PNG]}
    assert (said[1]["content"], said[1]["thinking"]) == ("c\n\nd", "x\n\ny")
    assert said[2] == {"role": "assistant", "content": "e"}


def test_images_are_bare_standard_base64() -> None:
    images = [Image("image/png", data) for data in (PNG, PNG.rstrip("="), f"data:image/png;base64,{PNG}", "_-8")]
    assert write(request(user("x", *images)))["messages"][0]["images"] == [PNG, PNG, PNG, "/+8="]


@pytest.mark.parametrize(
    ("part", "way_out"),
    [
        (Image(url="https://x/a.png"), "base64"),
        (Image(file_id="f"), "base64"),
        (Image("image/gif", "R0lGODlh"), "PNG"),
        (Image(None, "R0lGODlh"), "PNG"),
        (Image("image/heic", "AAAA"), "PNG"),
        (Document("application/pdf", data="AA==", name="a.pdf"), "send its text"),
        (Document(url="https://x/a.pdf"), "send its text"),
        (Document(file_id="f"), "send its text"),
        (Audio("wav", "AA=="), "transcript"),
    ],
)
def test_content_ollama_cannot_take_is_refused_with_the_place_and_the_way_out(part: Part, way_out: str) -> None:
    failure = refused(request(user("Hi"), user("x", part)))
    assert failure.kind is FailureKind.UNSUPPORTED
    assert failure.param == "messages[1].content"
    assert way_out in failure.message


def test_a_document_that_is_text_is_said() -> None:
    assert write(request(user(Document(text="Long.", name="a.txt"))))["messages"][0]["content"] == "a.txt\n\nLong."


def test_a_model_that_hears_is_sent_audio() -> None:
    asked = request(user("x", Audio("wav", "AA==")))
    assert write(asked, Model(frozenset({"audio"})))["messages"][0]["images"] == ["AA=="]


@pytest.mark.parametrize("part", [Reasoning("x"), ToolCall("a", "f", "{}")])
def test_what_only_an_assistant_says_is_refused_of_a_user(part: Part) -> None:
    assert refused(request(user(part))).kind is FailureKind.UNSUPPORTED


def test_an_empty_conversation_would_only_load_the_model() -> None:
    assert refused(ChatRequest("m", ())).kind is FailureKind.BAD_REQUEST


def test_calls_and_results_are_linked_by_name_and_id() -> None:
    """litellm #26094: results that lose their calls send agents round in circles."""
    asked = request(
        user("x"),
        Message(Role.ASSISTANT, (ToolCall("1", "f", '{"a": 1}'), ToolCall("2", "g", ""))),
        Message(Role.USER, (ToolResult("2", (Text("no"),), is_error=True), ToolResult("1", (Text("y"), Text("z"))))),
        Message(Role.TOOL, (ToolResult("3", (Text("w"), Image("image/png", PNG)), "h"),)),
    )
    said = write(asked)["messages"]
    assert said[1]["tool_calls"] == [
        {"id": "1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}},
        {"id": "2", "function": {"index": 1, "name": "g", "arguments": {}}},
    ]
    assert said[2:] == [
        {"role": "tool", "content": "Error: no", "tool_name": "g", "tool_call_id": "2"},
        {"role": "tool", "content": "y\nz", "tool_name": "f", "tool_call_id": "1"},
        {"role": "tool", "content": "w", "images": [PNG], "tool_name": "h", "tool_call_id": "3"},
    ]


def test_results_stand_right_after_their_calls_wherever_they_stood() -> None:
    call, result = (
        Message(Role.ASSISTANT, (ToolCall("1", "f", ""),)),
        Message(Role.TOOL, (ToolResult("1", (Text("y"),)),)),
    )
    said = write(request(user("x"), call, user("Well?"), result))["messages"]
    assert [one["role"] for one in said] == ["user", "assistant", "tool", "user"]


def test_a_turn_in_which_nothing_was_said_stays_a_turn() -> None:
    said = write(request(user("x"), Message(Role.ASSISTANT, ()), user("y")))["messages"]
    assert [(one["role"], one["content"]) for one in said] == [("user", "x"), ("assistant", ""), ("user", "y")]


@pytest.mark.parametrize(("arguments", "custom"), [('{"a": ', False), ("[1]", False), ("ls", True)])
def test_arguments_that_are_no_object_ride_along_in_one(arguments: str, custom: bool) -> None:
    """litellm #33678: a history with one broken call must not be refused for ever after."""
    asked = request(user("x"), Message(Role.ASSISTANT, (ToolCall("1", "f", arguments, custom),)))
    assert write(asked)["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"input": arguments}
    assert losses(asked) == ("messages.tool_calls",)


def test_an_answer_that_was_spoken_is_not_dropped() -> None:
    spoken = Message(Role.ASSISTANT, (), rest={"audio": {"id": "a"}})
    assert refused(request(user("x"), spoken)).param == "messages[1].audio"


# -- tools -----------------------------------------------------------------------------------------------------------


def names(asked: ChatRequest) -> list[str]:
    return [tool["function"]["name"] for tool in write(asked).get("tools", ())]


def test_tools_are_sent_with_an_object_for_parameters() -> None:
    """litellm #35711: tools that never arrive."""
    assert write(request(tools=(F, G)))["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "Does it.", "parameters": F.parameters}},
        {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
    ]


@pytest.mark.parametrize(
    ("choice", "offered", "lost"),
    [
        (None, ["f", "g"], ()),
        (ToolChoice("auto"), ["f", "g"], ()),
        (ToolChoice("none"), [], ()),
        (ToolChoice("required"), ["f", "g"], ("tool_choice",)),
        (ToolChoice("required", ("g",)), ["g"], ("tool_choice",)),
        (ToolChoice("auto", ("f",)), ["f"], ()),
    ],
)
def test_a_choice_of_tools_is_kept_as_far_as_it_goes(
    choice: ToolChoice | None, offered: list[str], lost: tuple[str, ...]
) -> None:
    asked = request(tools=(F, G), tool_choice=choice)
    assert names(asked) == offered
    assert losses(asked) == lost


def test_a_custom_tool_is_a_function_with_one_text() -> None:
    asked = request(tools=(Tool("run", kind="custom"),))
    parameters = write(asked)["tools"][0]["function"]["parameters"]
    assert parameters["properties"] == {"input": {"type": "string"}}
    assert custom_tools(asked.tools) == {"run"}


def test_a_hosted_tool_is_refused_by_name() -> None:
    failure = refused(request(tools=(Tool("web_search_20250305", kind="hosted"),)))
    assert "web_search_20250305" in failure.message


def test_a_schema_for_the_answer_yields_to_tools_since_it_forbids_their_calls() -> None:
    """Ollama #11037."""
    output = OutputFormat("json", {"type": "object"})
    assert "format" not in write(request(tools=(F,), output=output))
    assert losses(request(tools=(F,), output=output)) == ("output",)
    without = request(tools=(F,), output=output, tool_choice=ToolChoice("none"))
    assert write(without)["format"] == {"type": "object"}
    assert losses(without) == ()


def test_a_format_is_sent() -> None:
    """litellm #7131: `response_format` ignored."""
    assert write(request(output=OutputFormat("json")))["format"] == "json"
    assert write(request(output=OutputFormat("json", {"a": 1}, "x", True)))["format"] == {"a": 1}
    assert "format" not in write(request(output=OutputFormat("text")))


# -- options and loading ---------------------------------------------------------------------------------------------


def test_every_option_has_its_place() -> None:
    asked = request(sampling=Sampling(0, 0.5, 20, 0.05, 0.1, 0.2, 1.1, 7, ("END",)), max_tokens=99)
    assert write(asked)["options"] == {
        "temperature": 0,
        "top_p": 0.5,
        "top_k": 20,
        "min_p": 0.05,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "repeat_penalty": 1.1,
        "seed": 7,
        "stop": ["END"],
        "num_predict": 99,
    }


def test_stop_strings_join_those_of_the_modelfile() -> None:
    model = Model(stop=("<|eot|>", "END"))
    assert write(request(sampling=Sampling(stop=("END", "x"))), model)["options"]["stop"] == ["END", "x", "<|eot|>"]
    assert "options" not in write(request(), model)
    assert write(request(sampling=Sampling(temperature=0)), model)["options"] == {"temperature": 0}


def test_requests_that_differ_load_the_model_in_the_same_way() -> None:
    model = Model(num_ctx=16384, keep_alive=-1, load_options={"num_batch": 512}, num_predict=2048)
    one = write(request(), model)
    other = write(request(rest={"options": {"num_ctx": 2048, "num_gpu": 1}, "keep_alive": 0}, max_tokens=5), model)
    assert one["options"] == {"num_batch": 512, "num_ctx": 16384, "num_predict": 2048}
    assert other["options"] == {"num_batch": 512, "num_ctx": 16384, "num_predict": 5}
    assert one["keep_alive"] == other["keep_alive"] == -1
    for wire in (one, other):
        assert (wire["truncate"], wire["shift"]) == (False, False)


def test_a_client_s_own_loading_is_a_loss_and_its_other_options_are_not() -> None:
    asked = request(rest={"options": {"num_ctx": 2048, "typical_p": 0.5}, "keep_alive": 0})
    assert write(asked)["options"] == {"typical_p": 0.5}
    assert losses(asked) == ("options.num_ctx", "keep_alive")
    assert losses(request(rest={"truncate": False, "shift": False})) == ()
    assert losses(request(rest={"truncate": True})) == ("truncate",)


def test_whether_to_stream_is_always_said() -> None:
    assert write(request())["stream"] is False
    assert write(request(stream=True))["stream"] is True


# -- what is lost, and what must not be ------------------------------------------------------------------------------


def test_what_only_tunes_is_dropped_and_named() -> None:
    asked = request(
        Message(Role.USER, (Text("x"),), "Ann", {"cache_control": {}}),
        Message(Role.ASSISTANT, (Reasoning("Hm", "signature"), Reasoning("", redacted=True), Text("y"))),
        tools=(Tool("f", strict=True, parameters={"properties": {"a": {"type": "integer", "minimum": 1}}}),),
        parallel_tool_calls=False,
        user="u",
        metadata={"a": "b"},
        rest={"service_tier": "flex", "logit_bias": {}},
    )
    assert set(losses(asked)) == {
        "messages.name",
        "messages.cache_control",
        "messages.reasoning",
        "tools.strict",
        "tools.parameters",
        "parallel_tool_calls",
        "user",
        "metadata",
        "service_tier",
        "logit_bias",
    }
    wire = write(asked)
    assert set(wire) == {"model", "messages", "tools", "stream", "truncate", "shift"}
    assert wire["messages"][1]["thinking"] == "Hm"


def test_nothing_is_lost_of_a_plain_request() -> None:
    assert losses(request(Message(Role.SYSTEM, (Text("s"),)), user("Hi"), tools=(F,), logprobs=True)) == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"answers": 2},
        {"rest": {"previous_response_id": "r"}},
        {"rest": {"cachedContent": "c"}},
        {"rest": {"web_search_options": {"a": 1}}},
        {"rest": {"modalities": ["text", "audio"]}},
        {"rest": {"suffix": "x"}},
    ],
)
def test_what_carries_content_is_refused_by_name(fields: dict[str, Any]) -> None:
    failure = refused(request(**fields))
    assert failure.kind is FailureKind.UNSUPPORTED
    assert failure.param in {"n", *fields.get("rest", {})}


def test_text_is_a_modality_ollama_has() -> None:
    write(request(rest={"modalities": ["text"]}))


# -- passing through -------------------------------------------------------------------------------------------------


def prepared(model: Model = THINKS, **fields: Any) -> Any:
    asked = envelope.read(json.dumps({"model": "asked-for", **fields}).encode())
    assert isinstance(asked, Envelope)
    return json.loads(prepare(asked, "up", model))


def test_a_request_passes_through_but_for_how_the_model_is_loaded() -> None:
    model = Model(num_ctx=8192, keep_alive="1h")
    fields = {"messages": [], "options": {"num_ctx": 1, "num_thread": 2, "seed": 3}, "keep_alive": 0, "x": {"y": 1}}
    assert prepared(model, **fields) == {
        "model": "up",
        "messages": [],
        "options": {"seed": 3, "num_ctx": 8192},
        "keep_alive": "1h",
        "x": {"y": 1},
        "truncate": False,
        "shift": False,
    }


def test_generate_passes_through_whole() -> None:
    fields = {"prompt": "a", "suffix": "b", "raw": True, "context": [1], "template": "t", "stream": False}
    assert prepared(**fields) == {"model": "up", **fields, "truncate": False, "shift": False}


def test_a_client_that_asks_for_truncation_gets_it() -> None:
    assert prepared(truncate=True)["truncate"] is True
    assert prepared(truncate=None)["truncate"] is False
    assert prepared(shift=True)["shift"] is False


@pytest.mark.parametrize("options", [None, "odd", {}])
def test_options_of_another_form_are_no_options(options: Any) -> None:
    assert "options" not in prepared(options=options)


# -- whatever this dialect can say, written and read, is the same request ---------------------------------------------

texts = st.text(min_size=1).filter(str.strip)
words = st.text("abcdef_", min_size=1, max_size=6)
json_objects = st.dictionaries(words, st.none() | st.booleans() | st.integers(0, 9) | st.text(), max_size=3)
arguments = json_objects.map(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False))
images = st.builds(Image, st.just("image/png"), st.sampled_from([PNG, "iVBORw0KGgoAAAA="]))
controls = st.none() | st.sampled_from([ReasoningControl(), ReasoningControl("none")])
numbers = st.none() | st.floats(-2, 2)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    said: list[Message] = [Message(Role.SYSTEM, (Text(draw(texts)),))] if draw(st.booleans()) else []
    for turn in range(draw(st.integers(1, 3))):
        said.append(user(draw(texts), *draw(st.lists(images, max_size=2))))
        thought = draw(st.lists(st.builds(Reasoning, texts), max_size=1))
        calls = [
            ToolCall(f"call_{turn}_{place}", draw(words), draw(arguments)) for place in range(draw(st.integers(0, 2)))
        ]
        said.append(Message(Role.ASSISTANT, (*thought, Text(draw(texts)), *calls)))
        said += [Message(Role.TOOL, (ToolResult(call.id, (Text(draw(texts)),), call.name),)) for call in calls]
    return tuple(said)


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    stream = draw(st.booleans())
    tools = tuple(Tool(name, draw(st.none() | texts), F.parameters) for name in draw(st.lists(words, max_size=2)))
    formats = st.none() | st.just(OutputFormat("json")) | json_objects.map(lambda schema: OutputFormat("json", schema))
    return ChatRequest(
        model=draw(texts),
        messages=draw(conversations()),
        tools=tools,
        sampling=Sampling(
            *(draw(numbers) for _ in range(2)),
            draw(st.none() | st.integers(0, 99)),
            *(draw(numbers) for _ in range(4)),
            draw(st.none() | st.integers(0, 2**53)),
            tuple(draw(st.lists(texts, max_size=3, unique=True))),
        ),
        max_tokens=draw(st.none() | st.integers(0, 2**31)),
        output=None if tools else draw(formats),
        reasoning=draw(controls),
        logprobs=draw(st.booleans()),
        top_logprobs=draw(st.none() | st.integers(0, 20)),
        stream=stream,
        stream_usage=stream,
        rest={"truncate": False, "shift": False},
    )


@settings(max_examples=50, deadline=None)
@given(requests())
def test_a_request_written_reads_back(original: ChatRequest) -> None:
    written = write_request(original)
    assert isinstance(written, bytes)
    assert read(written) == original


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, ()),
        ({"options": {"num_ctx": 1, "temperature": 0, "num_gpu": 2}}, ("options.num_ctx", "options.num_gpu")),
        ({"keep_alive": 0, "shift": True, "truncate": True}, ("keep_alive", "shift")),
        ({"keep_alive": None, "shift": False, "options": None}, ()),
        ({"options": "num_ctx"}, ()),
    ],
)
def test_what_does_not_pass_through_is_named(fields: dict[str, Any], names: tuple[str, ...]) -> None:
    asked = envelope.read(json.dumps({"model": "m", **fields}).encode())
    assert isinstance(asked, Envelope)
    assert left_out(asked) == names
