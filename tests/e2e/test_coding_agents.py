"""A coding agent's traffic, in Anthropic's dialect and in OpenAI's responses, at every kind of target."""

import json

import anthropic
import openai
import pytest

from e2e.coding_agent import BETAS, FILE, NAMES, by_messages, by_responses
from harness import http
from vendors import CLOUDS, GEMINI_3, MODELS, before_one_of_each

TARGETS = (*MODELS, *CLOUDS, *GEMINI_3)
"""`vertex` is Claude at Vertex AI, and `gemini-3` is there, too."""
CLAUDE = ("anthropic", "vertex")
COUNTS = {name: "estimate" if name in ("ollama", "azure") else "exact" for name in TARGETS} | {"openai": "estimate"}
"""An Ollama has no tokenizer on the network, nor has Azure; of what only speaks OpenAI's API it is not known."""

every_target = pytest.mark.parametrize("target", TARGETS)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A gateway with a stand-in for each vendor."""
    with before_one_of_each(tmp_path_factory.mktemp("coding-agents"), TARGETS, zone="local", model="to-{}") as stage:
        yield stage


def calls_next(stage, target, **behaviour):
    stage[1][target].script(queue=[{"behaviour": {"calls": 2, "fragment": 5, "reasoning": 12, **behaviour}}])


def sent(stage, target):
    """The last request that the vendor's stand-in was sent, and its answer's path."""
    log = json.loads(stage[1][target].whole_log())
    asked = [json.loads(line["body"]) for line in log if line["method"] == "POST" and line["path"] != "/token"]
    return [body for body in asked if {"messages", "contents", "input"} & set(body)][-1]


def without_stream(request):
    return {name: value for name, value in request.items() if name != "stream"}


@every_target
def test_anthropics_sdk_takes_the_stream_and_the_target_is_told_everything(stage, target):
    calls_next(stage, target)
    sdk = anthropic.Anthropic(base_url=stage[0].url, api_key="none", max_retries=0)
    asked = without_stream(by_messages(f"to-{target}"))
    asked["extra_body"] = {"temperature": asked.pop("temperature")}
    kinds, pieces = [], 0
    with sdk.messages.stream(**asked, extra_headers={"anthropic-beta": BETAS}) as stream:
        for event in stream:
            kinds.append(event.type)
            pieces += event.type == "input_json"
        final = stream.get_final_message()
    calls = [block for block in final.content if block.type == "tool_use"]
    assert (final.stop_reason, len(calls)) == ("tool_use", 2)
    assert all(call.name in NAMES and "path" in call.input for call in calls)
    assert pieces >= len(calls)
    assert final.usage.input_tokens > 0
    body = json.dumps(sent(stage, target))
    assert all(name in body for name in NAMES)
    assert json.dumps(FILE)[1:-1] in body
    assert "no such folder" in body
    assert ("cache_control" in body) is (target in CLAUDE)
    assert ("c2lnbmVk" in body) is (target in CLAUDE), "a signature goes to the vendor that made it"


@every_target
def test_the_agent_is_told_how_long_its_prompt_has_become(stage, target):
    """It asks before it compacts; what is sent to be counted is all that would be sent to be answered."""
    sdk = anthropic.Anthropic(base_url=stage[0].url, api_key="none", max_retries=0)
    asked = by_messages(f"to-{target}")
    counted = {name: asked[name] for name in ("model", "system", "tools", "messages", "thinking")}
    told = sdk.messages.with_raw_response.count_tokens(**counted, extra_headers={"anthropic-beta": BETAS})
    assert told.headers["x-earthward-count"] == COUNTS[target]
    assert 4000 < told.parse().input_tokens < 20000
    if COUNTS[target] == "exact":
        body = json.dumps(sent(stage, target))
        assert all(name in body for name in NAMES)
        assert json.dumps(FILE)[1:-1] in body


@every_target
def test_openais_sdk_takes_the_responses_stream_and_the_target_is_told_everything(stage, target):
    calls_next(stage, target, calls=1)
    sdk = openai.OpenAI(base_url=stage[0].v1, api_key="none", max_retries=0)
    pieces = 0
    with sdk.responses.stream(**without_stream(by_responses(f"to-{target}"))) as stream:
        for event in stream:
            pieces += event.type == "response.function_call_arguments.delta"
        final = stream.get_final_response()
    (call,) = [item for item in final.output if item.type == "function_call"]
    assert (final.status, call.name in NAMES) == ("completed", True)
    assert "path" in json.loads(call.arguments)
    assert pieces >= 1
    body = json.dumps(sent(stage, target))
    assert all(name in body for name in NAMES)
    assert json.dumps(FILE)[1:-1] in body
    assert ("Z2lnYW50aWM=" in body) is (target == "responses"), "what one vendor has encrypted is nothing to another"


@every_target
def test_whoever_wants_one_call_gets_one(stage, target):
    calls_next(stage, target, calls=3)
    _, _, answer = http("POST", f"{stage[0].v1}/responses", {**by_responses(f"to-{target}"), "stream": False})
    calls = [item for item in json.loads(answer)["output"] if item["type"] == "function_call"]
    assert len(calls) == 1, "the vendors are told, and of an Ollama's calls the first is taken"
