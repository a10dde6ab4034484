"""What Ollama does to calls of tools and to forms, and what callers get of it with the gateway before it."""

import json

import anthropic
import openai
import pytest

from harness import Gateway, Simulator, running

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  house: {kind: ollama, base_url: "URL"}
targets:
  llama: {provider: house, model: "qwen3:8b", context: 8192, tools: native}
routes:
  - {name: all, use: llama}
"""
PLACE = {
    "type": "object",
    "properties": {
        "city": {"$ref": "#/$defs/name"},
        "days": {"type": "integer", "minimum": 1, "maximum": 7, "default": 3},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"name": {"type": "string"}},
}
ASKED = {"model": "llama", "messages": [{"role": "user", "content": "Weather in Oslo?"}], "max_tokens": 50}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "It.", "parameters": PLACE}}
    for name in ("weather", "clock")
]
CLAUDES = [{"name": "weather", "description": "It.", "input_schema": PLACE}]
AS_TEXT = '{"name": "weather", "parameters": {"city": "Oslo"}}'


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    simulator = Simulator(tmp_path_factory.mktemp("house"), "--bodies", "--disk", "qwen3:8b", name="house")
    with running(simulator):
        yield simulator


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, house):
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), CONFIG.replace("URL", house.url))
    with running(gateway):
        assert gateway.chat("llama")[0] == 200
        yield gateway


@pytest.fixture
def says(house):
    """Lets the host say these things in turn."""

    def told(*answers):
        house.script(queue=[{"behaviour": answer} for answer in answers])

    house.reset()
    yield told
    house.reset()


def called(sdk, stream, **more):
    """The calls of OpenAI's SDK, and why the answer ended."""
    if not stream:
        (choice,) = sdk.chat.completions.create(**ASKED, tools=TOOLS, **more).choices
    else:
        with sdk.chat.completions.stream(**ASKED, tools=TOOLS, **more) as events:
            (choice,) = events.get_final_completion().choices
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or ()]
    return calls, choice.finish_reason, choice.message.content or None


@pytest.mark.parametrize("stream", [False, True])
def test_gotcha_19_a_call_that_must_be_made_leaves_the_host_no_other_way_to_answer(sdk, claude, house, stream):
    ((name, arguments),), reason, content = called(
        sdk, stream, tool_choice={"type": "function", "function": {"name": "weather"}}
    )
    assert (name, reason, not content) == ("weather", "tool_calls", True)
    assert isinstance(arguments["city"], str)
    (sent,) = house.bodies("/api/chat")[-1:]
    assert "tools" not in sent
    assert sent["format"]["required"] == ["calls"]
    assert "clock" not in json.dumps(sent)
    said = {**ASKED, "tools": CLAUDES, "tool_choice": {"type": "any"}}
    if stream:
        with claude.messages.stream(**said) as events:
            answer = events.get_final_message()
    else:
        answer = claude.messages.create(**said)
    assert {block.name for block in answer.content if block.type == "tool_use"} == {"weather"}


def test_gotcha_19_calls_of_two_turns_are_not_called_the_same(sdk):
    asked = {**ASKED, "tools": TOOLS, "tool_choice": "required"}
    answers = [sdk.chat.completions.create(**asked).choices[0].message.tool_calls for _ in range(2)]
    assert len({call.id for calls in answers for call in calls}) == sum(map(len, answers))


@pytest.mark.parametrize("stream", [False, True])
def test_gotcha_20_a_call_that_arrives_as_text_is_a_call(sdk, claude, says, stream):
    says({"say": AS_TEXT}, {"say": AS_TEXT}, {"say": "Call weather."})
    assert called(sdk, stream) == ([("weather", {"city": "Oslo"})], "tool_calls", None)
    said = {**ASKED, "tools": CLAUDES}
    if stream:
        with claude.messages.stream(**said) as events:
            answer = events.get_final_message()
    else:
        answer = claude.messages.create(**said)
    assert answer.stop_reason == "tool_use"
    found = [(block.name, block.input) for block in answer.content if block.type != "thinking"]
    assert found == [("weather", {"city": "Oslo"})]
    assert called(sdk, stream) == ([], "stop", "Call weather.")


def test_gotcha_20_who_offers_no_such_tool_meant_the_text(sdk, says):
    says(*[{"say": AS_TEXT}] * 2)
    assert sdk.chat.completions.create(**ASKED).choices[0].message.content == AS_TEXT
    assert called(sdk, False, tool_choice="none") == ([], "stop", AS_TEXT)


def test_gotcha_21_the_host_is_told_what_its_templates_lose(sdk, says, house):
    says({"say": "It rains."})
    called(sdk, False)
    (sent,) = house.bodies("/api/chat")[-1:]
    given = sent["tools"][0]["function"]["parameters"]["properties"]
    assert "$ref" not in json.dumps(sent["tools"])
    assert given["city"]["type"] == "string"
    assert all(word in given["days"]["description"] for word in ("1", "7", "3"))


def test_gotcha_21_arguments_that_do_not_match_are_asked_for_again(sdk, says, house):
    says({"calls": 1, "arguments": '{"town": "Oslo"}'}, {"calls": 1, "arguments": '{"city": "Oslo"}'})
    assert called(sdk, False) == ([("weather", {"city": "Oslo"})], "tool_calls", None)
    first, second = house.bodies("/api/chat")[-2:]
    assert len(second["messages"]) == len(first["messages"]) + 2
    assert "'city' is a required property" in second["messages"][-1]["content"]
    says(*[{"calls": 1, "arguments": '{"city": "Oslo", "days": 90}'}] * 2)
    with pytest.raises(openai.APIStatusError, match="90 is greater than the maximum of 7"):
        called(sdk, False)


def test_gotcha_33_a_document_that_is_text_is_said_and_any_other_refused(claude, says, house):
    says({"say": "Read."})
    source = {"type": "text", "media_type": "text/plain", "data": "The code is 4711."}
    document = {"type": "document", "title": "Notes", "source": source}
    content = [document, {"type": "text", "text": "What is it?"}]
    claude.messages.create(**{**ASKED, "messages": [{"role": "user", "content": content}]})
    (sent,) = house.bodies("/api/chat")[-1:]
    assert sent["messages"][-1]["content"] == "Notes\n\nThe code is 4711.\nWhat is it?"
    document["source"] = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    with pytest.raises(anthropic.BadRequestError, match="can't do documents"):
        claude.messages.create(**{**ASKED, "messages": [{"role": "user", "content": content}]})


@pytest.mark.parametrize("responses", [False, True])
def test_text_in_a_file_is_said_under_its_name_and_a_pdf_refused(sdk, says, house, responses):
    def ask(data):
        if responses:
            file = {"type": "input_file", "filename": "codes.csv", "file_data": data}
            return sdk.responses.create(model="llama", input=[{"role": "user", "content": [file]}], store=False)
        file = {"type": "file", "file": {"filename": "codes.csv", "file_data": data}}
        return sdk.chat.completions.create(**{**ASKED, "messages": [{"role": "user", "content": [file]}]})

    says({"say": "Read."})
    ask("data:text/csv;base64,Y29kZSw0NzExCg==")
    (sent,) = house.bodies("/api/chat")[-1:]
    assert sent["messages"][-1]["content"] == "codes.csv\n\ncode,4711\n"
    with pytest.raises(openai.BadRequestError, match="can't do documents"):
        ask("data:application/pdf;base64,JVBERi0=")
    with pytest.raises(openai.BadRequestError, match="not text in UTF-8") as refused:
        ask("data:text/csv;base64,/w==")
    assert "file_data" in refused.value.param


def test_gotcha_40_an_answer_without_the_form_is_asked_for_again_and_then_a_failure(sdk, says, house):
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": PLACE}}
    says({"say": "Sure! It is Oslo."}, {"say": '{"city": "Oslo"}'})
    answer = sdk.chat.completions.create(**ASKED, response_format=form)
    assert answer.choices[0].message.content == '{"city": "Oslo"}'
    first, second = house.bodies("/api/chat")[-2:]
    assert first["format"] == second["format"]
    assert "maximum" in json.dumps(first["messages"])
    assert "it is not JSON" in second["messages"][-1]["content"]
    says(*[{"say": '{"town": "Oslo"}'}] * 2)
    with pytest.raises(openai.APIStatusError, match="the answer has not the form that was asked for") as error:
        sdk.chat.completions.create(**ASKED, response_format=form)
    assert error.value.code == "wrong_form"
