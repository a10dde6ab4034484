"""What Ollama hosts tell of their models decides where requests go, and how models are told of tools."""

import json

import pytest

from harness import Gateway, Simulator, http, running, until

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  house: {kind: ollama, base_url: "URL"}
targets:
  blind: {provider: house, model: "llama3.2:latest", context: 8192}
  seeing: {provider: house, model: "gemma3:4b", context: 8192}
routes:
  - {name: one, when: {model: one}, use: blind}
  - {name: two, when: {model: two}, use: blind, fallback: [seeing]}
  - {name: three, when: {model: three}, use: seeing}
"""
PNG = "data:image/png;base64,iVBORw0KGgo="
LOOK = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}]
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def gateway(tmp_path):
    house = Simulator(tmp_path, "--disk", "llama3.2", "--disk", "gemma3:4b", "--bodies", name="house")
    with running(house):
        gateway = Gateway(tmp_path, CONFIG.replace("URL", house.url))
        with running(gateway):
            until(lambda: "says its host" in str(explained(gateway, "one")), "the hosts to have told")
            yield gateway, house


def explained(gateway, model, **fields):
    body = {"model": model, "messages": LOOK, **fields}
    return json.loads(http("POST", f"{gateway.v1}/chat/completions", body, {"x-earthward-explain": "1"})[2])


def test_a_request_goes_to_the_target_that_can_serve_it_and_the_reason_is_told(gateway):
    gateway, _ = gateway
    found = explained(gateway, "two")
    assert [it["target"] for it in found["attempts"]] == ["seeing"]
    assert found["excluded"] == [{"target": "blind", "why": "can't do images, says its host"}]
    status, headers, _ = gateway.chat("two", messages=LOOK)
    assert (status, headers["x-earthward-target"]) == (200, "seeing")
    status, _, answer = gateway.chat("one", messages=LOOK)
    assert status == 400
    assert "says its host" in answer["error"]["message"]


def test_a_model_of_which_its_host_says_that_it_knows_no_tools_is_told_of_them_in_words(gateway):
    gateway, house = gateway
    asked = {"messages": [{"role": "user", "content": "Weather?"}], "tools": [TOOL], "tool_choice": "required"}
    assert explained(gateway, "three", **asked)["attempts"][0]["made_up"] == ["tools"]
    status, _, answer = gateway.chat("three", **asked)
    assert status == 200, answer
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "weather"
    log = json.loads(http("GET", f"{house.url}/sim/log?bodies=1")[2])
    sent = json.loads([line["body"] for line in log if line["path"] == "/api/chat"][-1])
    assert "tools" not in sent
    assert "weather" in sent["messages"][0]["content"]
