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


MADE = {
    "name": "made:latest",
    "capabilities": ["completion"],
    "options": {"stop": ["t5", "t9"]},
}


def test_gotcha_6_a_callers_stop_strings_leave_the_models_own_in_force(tmp_path):
    house = Simulator(tmp_path, "--disk", json.dumps(MADE), "--bodies", name="house")
    with running(house):
        text = CONFIG.replace("URL", house.url).replace("llama3.2:latest", "made:latest")
        gateway = Gateway(tmp_path, text.replace(", fallback: [seeing]", ""))
        with running(gateway):
            asked = {"model": "made", "messages": [{"role": "user", "content": "hello sim:tokens=12"}], "stream": False}
            alone = json.loads(http("POST", f"{house.url}/api/chat", {**asked, "options": {"stop": ["t7"]}})[2])
            assert alone["message"]["content"].split()[-1] == "t6", "the host has forgotten the model's own"
            until(lambda: "says its host" in str(explained(gateway, "one")), "the host to have told")
            for stop, last in ((["t7"], "t4"), (["t3"], "t2"), (None, "t4")):
                _, _, answer = gateway.chat("one", "hello sim:tokens=12", **({"stop": stop} if stop else {}))
                assert answer["choices"][0]["message"]["content"].split()[-1] == last


@pytest.mark.parametrize(("version", "tells"), [("0.34.0", True), ("0.33.0", False)])
def test_gotcha_54_what_a_host_tells_of_its_cache_is_told_and_what_it_does_not_tell_is_no_zero(
    tmp_path, version, tells
):
    house = Simulator(tmp_path, "--disk", "llama3.2", "--ollama-version", version, name="house")
    with running(house):
        text = CONFIG.replace("URL", house.url).replace(", fallback: [seeing]", "").replace("gemma3:4b", "llama3.2")
        gateway = Gateway(tmp_path, text)
        with running(gateway):
            asked = {"text": "many words " * 200, "max_tokens": 4}
            gateway.chat("one", **asked)
            _, headers, answer = gateway.chat("one", **asked)
            usage = answer["usage"]
            if tells:
                cached = usage["prompt_tokens_details"]["cached_tokens"]
                assert 0 < cached <= usage["prompt_tokens"]
            else:
                cached = None
                assert "cached_tokens" not in usage.get("prompt_tokens_details", {})
            assert gateway.row(headers["x-earthward-id"])["cached_tokens"] == cached
