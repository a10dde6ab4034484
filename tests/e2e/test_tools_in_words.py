"""Tool calls with real tokens, from a model whose template knows no tools: by two SDKs, and through an Ollama."""

import json
import os

import anthropic
import openai
import pytest

from e2e.coding_agent import NAMES, by_messages
from e2e.test_agents import FORM, by_frameworks, failures
from harness import ANSWERS_WITHIN, Gateway, running, until

ENGINE = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  here: {kind: embedded, context: 4096, slots: 2}
targets:
  smol: {provider: here, model: smollm2}
routes:
  - {name: everything, use: smol}
"""
CHAINED = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  house: {kind: ollama, base_url: "URL"}
targets:
  smol: {provider: house, model: smollm2, context: 2048, tools: SAYS}
routes:
  - {name: everything, use: smol}
"""
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"enum": ["celsius", "fahrenheit"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
# A real model computes: on a busy machine that takes its time.
pytestmark = pytest.mark.timeout(900)
TARGETS = ("embedded", "ollama in words", "ollama")
ASKED = "What is the weather in Oslo, in celsius?"
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": CITY}}
COLD = {"extra_body": {"temperature": 0}}
"""For Anthropic's SDK, which knows no temperature any more."""
FORCED = {"type": "function", "function": {"name": "weather"}}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("engine"), ENGINE)
    until(lambda: gateway.chat("smollm2", max_tokens=1)[0] == 200, "the model to be loaded", ANSWERS_WITHIN)
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def gateways(engine, tmp_path_factory):
    """The engine itself, and others to which the first is an Ollama."""
    configs = [CHAINED.replace("URL", engine.url).replace("SAYS", says) for says in ("words", "native")]
    chained = [Gateway(tmp_path_factory.mktemp("chained"), config) for config in configs]
    with running(*chained):
        yield dict(zip(TARGETS, (engine, *chained), strict=True))


@pytest.fixture(params=TARGETS if os.environ.get("EVERY_TARGET") else TARGETS[:2])
def gateway(request, gateways):
    return gateways[request.param]


def is_right(arguments: dict) -> bool:
    return set(arguments) == {"city", "unit"} and arguments["unit"] in ("celsius", "fahrenheit")


def test_openais_sdk_gets_a_call_whole_and_streamed(gateway):
    sdk = openai.OpenAI(base_url=gateway.v1, api_key="unused", max_retries=0)
    asked = {
        "model": "smollm2",
        "messages": [{"role": "user", "content": ASKED}],
        "tools": [CHAT_TOOL],
        "tool_choice": FORCED,
        "temperature": 0,
        "max_tokens": 100,
    }
    (choice,) = sdk.chat.completions.create(**asked).choices
    call, *_ = choice.message.tool_calls
    assert (choice.finish_reason, call.function.name) == ("tool_calls", "weather")
    assert is_right(json.loads(call.function.arguments))
    with sdk.chat.completions.stream(**asked) as stream:
        streamed, *_ = stream.get_final_completion().choices[0].message.tool_calls
    assert is_right(json.loads(streamed.function.arguments))


def test_anthropics_sdk_gets_a_call_whole_and_streamed(gateway):
    sdk = anthropic.Anthropic(base_url=gateway.url, api_key="unused", max_retries=0)
    asked = {
        "model": "smollm2",
        "messages": [{"role": "user", "content": ASKED}],
        "tools": [{"name": "weather", "description": "Weather", "input_schema": CITY}],
        "tool_choice": {"type": "tool", "name": "weather"},
        "max_tokens": 100,
        **COLD,
    }
    answer = sdk.messages.create(**asked)
    block, *_ = answer.content
    assert (answer.stop_reason, block.type, block.name) == ("tool_use", "tool_use", "weather")
    assert is_right(block.input)
    with sdk.messages.stream(**asked) as stream:
        streamed, *_ = stream.get_final_message().content
    assert is_right(streamed.input)


def test_a_model_that_may_choose_answers_or_calls(engine):
    sdk = openai.OpenAI(base_url=engine.v1, api_key="unused", max_retries=0)
    answer = sdk.chat.completions.create(
        model="smollm2",
        messages=[{"role": "user", "content": ASKED}],
        tools=[CHAT_TOOL],
        temperature=0,
        max_tokens=100,
    )
    (choice,) = answer.choices
    if choice.message.tool_calls:
        assert all(is_right(json.loads(call.function.arguments)) for call in choice.message.tool_calls)
    else:
        assert not (choice.message.content or "").startswith("{")


def test_a_form_is_kept_and_several_answers_come(gateway):
    sdk = openai.OpenAI(base_url=gateway.v1, api_key="unused", max_retries=0)
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
    asked = {"model": "smollm2", "messages": [{"role": "user", "content": ASKED}], "n": 2}
    asked |= {"seed": 7, "max_tokens": 60}
    answer = sdk.chat.completions.create(**asked, response_format=form)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(is_right(json.loads(choice.message.content)) for choice in answer.choices)
    texts: dict[int, str] = {}
    for chunk in sdk.chat.completions.create(**{**asked, "max_tokens": 8}, stream=True):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
    assert set(texts) == {0, 1}
    assert all(texts.values())


def test_instructor_gets_its_form_from_real_tokens(gateways):
    asked = [{"url": gateways[name].url, "model": "smollm2", "at": name} for name in ("embedded", "ollama")]
    told = by_frameworks(asked)
    assert not failures(told), told
    assert len(told) == 3 * len(asked)
    assert all(set(it["form"]) == FORM for it in told.values())


def test_a_coding_agent_with_twenty_tools_gets_a_call_from_real_tokens(engine):
    asked = by_messages("smollm2")
    path = {"type": "object", "properties": {"path": {"type": "string", "maxLength": 12}}, "required": ["path"]}
    with anthropic.Anthropic(base_url=engine.url, api_key="none", max_retries=0).messages.stream(
        model="smollm2",
        max_tokens=200,
        system=[{**block, "text": block["text"][:300]} for block in asked["system"]],
        messages=[{"role": "user", "content": "Read /app/steps.py"}],
        tools=[{"name": name, "description": "Does it.", "input_schema": path} for name in NAMES],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        **COLD,
    ) as stream:
        (call,) = stream.get_final_message().content
    assert call.name in NAMES
    assert set(call.input) == {"path"}
