"""What other gateways got wrong and their users reported, each by its name, for all callers and targets it is about."""

import json
import socket
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from callers import DIALECTS, PATHS, Answer, ask, events
from harness import Gateway, Simulator, http, until
from sdks.asking import Question, request
from vendors import CLOUDS, before_one_of_each

TARGETS = (*DIALECTS, *CLOUDS)
PAIRS = list(product(DIALECTS, TARGETS))
every_pair = pytest.mark.parametrize(("caller", "target"), PAIRS, ids=lambda value: value)
every_target = pytest.mark.parametrize("target", TARGETS)
thinking_target = pytest.mark.parametrize("target", ["anthropic", "ollama", "vertex"])
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Oslo"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = (("weather", CITY), ("population", CITY))


class Stage:
    def __init__(self, gateway: Gateway, vendors: dict[str, Simulator]) -> None:
        self.gateway = gateway
        self.vendors = vendors
        self._asked = 0

    def word(self) -> str:
        self._asked += 1
        return f"word-{self._asked:06}"

    def ask(self, caller: str, target: str, script: dict[str, Any], *, stream: bool = True, **asked: Any) -> Answer:
        say = f"{asked.pop('say', 'Hello.')} sim:{json.dumps(script)}"
        answer = ask(self.gateway.url, caller, target, say, stream=stream, **asked)
        assert answer.status == 200, answer.body
        return answer

    def seen(self, target: str, word: str) -> dict[str, Any]:
        """The body of the request with this word, as the target got it."""
        log = json.loads(self.vendors[target].whole_log())
        (body,) = [entry["body"] for entry in log if word in (entry["body"] or "")]
        return dict(json.loads(body))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with before_one_of_each(tmp_path_factory.mktemp("regressions"), TARGETS, zone="cloud") as (gateway, vendors):
        yield Stage(gateway, vendors)


# -- what a stream says, by dialect


def _calls(caller: str, told: list[dict[str, Any]]) -> list[tuple[int, str, Any]]:
    """(index, name, arguments as they were spelt) of each call in a stream."""
    if caller == "ollama":
        found = [call["function"] for event in told for call in event["message"].get("tool_calls", ())]
        return [(call.get("index", number), call["name"], call["arguments"]) for number, call in enumerate(found)]
    calls: dict[int, tuple[str, str]] = {}
    for event in told:
        if caller == "openai":
            for choice in event["choices"]:
                for call in choice["delta"].get("tool_calls") or ():
                    name, spelt = calls.get(call["index"], ("", ""))
                    function = call["function"]
                    calls[call["index"]] = (name or function.get("name", ""), spelt + function.get("arguments", ""))
        elif event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
            calls[event["index"]] = (event["content_block"]["name"], "")
        elif event["type"] == "content_block_delta" and event["delta"]["type"] == "input_json_delta":
            name, spelt = calls[event["index"]]
            calls[event["index"]] = (name, spelt + event["delta"]["partial_json"])
    return [(index, *call) for index, call in sorted(calls.items())]


def _thoughts_and_text(caller: str, told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The pieces of a stream in order: ("thought" or "text", what it says)."""
    pieces: list[tuple[str, Any]] = []
    for event in told:
        if caller == "ollama":
            pieces += [("thought", event["message"].get("thinking")), ("text", event["message"].get("content"))]
        elif caller == "openai":
            for choice in event["choices"]:
                pieces += [
                    ("thought", choice["delta"].get("reasoning_content")),
                    ("text", choice["delta"].get("content")),
                ]
        elif event["type"] == "content_block_delta":
            pieces += [("thought", event["delta"].get("thinking")), ("text", event["delta"].get("text"))]
    return [(kind, text) for kind, text in pieces if text]


def _finish(caller: str, told: list[dict[str, Any]]) -> Any:
    if caller == "openai":
        return next(c["finish_reason"] for event in told for c in event["choices"] if c.get("finish_reason"))
    if caller == "anthropic":
        return next(event["delta"]["stop_reason"] for event in told if event["type"] == "message_delta")
    return told[-1]["done_reason"]


def _numbered(count: int) -> str:
    return " ".join(f"t{number}" for number in range(count))


# -- streams


@every_target
@pytest.mark.parametrize("script", [{"tokens": 4}, {"calls": 2, "fragment": 3}, {"reasoning": 3, "tokens": 3}])
def test_litellm_13373_every_piece_belongs_to_a_block_that_is_open(stage: Stage, target: str, script: Any) -> None:
    tools = TOOLS if "calls" in script else ()
    told = events("anthropic", stage.ask("anthropic", target, script, tools=tools, thinks="reasoning" in script).body)
    open_block, began = None, -1
    for event in told:
        match event["type"]:
            case "content_block_start":
                assert open_block is None
                assert event["index"] == began + 1
                open_block = began = event["index"]
            case "content_block_delta":
                assert event["index"] == open_block
            case "content_block_stop":
                assert event["index"] == open_block
                open_block = None
    assert open_block is None
    assert began >= 0


@every_pair
def test_litellm_25321_a_call_without_arguments_is_a_call(stage: Stage, caller: str, target: str) -> None:
    nothing = (("now", {"type": "object", "properties": {}, "additionalProperties": False}),)
    told = events(caller, stage.ask(caller, target, {"calls": 1, "arguments": "{}"}, tools=nothing).body)
    ((_, name, spelt),) = _calls(caller, told)
    assert name == "now"
    assert spelt == {} if caller == "ollama" else json.loads(spelt or "{}") == {}
    whole = json.loads(stage.ask(caller, target, {"calls": 1, "arguments": "{}"}, tools=nothing, stream=False).body)
    assert {"openai": '"arguments":"{}"', "anthropic": '"input":{}', "ollama": '"arguments":{}'}[caller] in json.dumps(
        whole, separators=(",", ":")
    ).replace("\\", "")


@thinking_target
def test_litellm_32357_thoughts_are_never_inside_a_block_of_text(stage: Stage, target: str) -> None:
    told = events("anthropic", stage.ask("anthropic", target, {"reasoning": 6, "tokens": 6}, thinks=True).body)
    kinds = {event["index"]: event["content_block"]["type"] for event in told if event["type"] == "content_block_start"}
    fitting = {"thinking": {"thinking_delta", "signature_delta"}, "text": {"text_delta"}}
    for event in told:
        if event["type"] == "content_block_delta":
            assert event["delta"]["type"] in fitting[kinds[event["index"]]]
    assert list(kinds.values()) == ["thinking", "text"]


@every_target
def test_litellm_33224_a_message_starts_and_stops_once(stage: Stage, target: str) -> None:
    told = [event["type"] for event in events("anthropic", stage.ask("anthropic", target, {"tokens": 5}).body)]
    assert (told[0], told[-1]) == ("message_start", "message_stop")
    assert [told.count(once) for once in ("message_start", "message_delta", "message_stop")] == [1, 1, 1]


@every_pair
def test_litellm_26102_a_stream_is_not_held_back(stage: Stage, caller: str, target: str) -> None:
    word = stage.word()
    say = f"{word} sim:{json.dumps({'tokens': 4000, 'rate': 100})}"
    body = json.dumps({**request(caller, Question(say=say, model=target, most=4000)), "stream": True}).encode()
    head = f"POST {PATHS[caller]} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    read = b""
    with socket.create_connection(("127.0.0.1", int(stage.gateway.url.rpartition(":")[2])), timeout=20) as connection:
        connection.sendall(head + body)
        while b"t2" not in read:
            read += connection.recv(65536)
        entry = next(entry for entry in reversed(stage.vendors[target].seen()) if entry["stream"])
        assert entry["how"] == "open", "the first words are here while the last are still to come"
    until(lambda: stage.vendors[target].seen()[entry["ordinal"]]["how"] == "cancelled", "the end upstream")


@thinking_target
@pytest.mark.parametrize("caller", DIALECTS)
def test_ollama_17101_thoughts_come_before_the_text(stage: Stage, caller: str, target: str) -> None:
    told = events(caller, stage.ask(caller, target, {"reasoning": 4, "tokens": 4}, thinks=True).body)
    kinds = [kind for kind, _ in _thoughts_and_text(caller, told)]
    assert kinds == sorted(kinds, reverse=True)
    assert set(kinds) == {"thought", "text"}


@every_pair
def test_litellm_35663_a_stream_of_calls_says_that_it_ends_in_calls(stage: Stage, caller: str, target: str) -> None:
    told = events(caller, stage.ask(caller, target, {"calls": 2}, tools=TOOLS).body)
    # Ollama has no word for it; its clients look at the calls.
    assert _finish(caller, told) == {"openai": "tool_calls", "anthropic": "tool_use", "ollama": "stop"}[caller]


@every_pair
def test_litellm_33678_each_call_has_an_index_of_its_own(stage: Stage, caller: str, target: str) -> None:
    told = events(caller, stage.ask(caller, target, {"calls": 4, "fragment": 3}, tools=TOOLS).body)
    calls = _calls(caller, told)
    # Anthropic counts blocks, and what was thought before the calls is one.
    first = calls[0][0] if caller == "anthropic" else 0
    assert [index - first for index, _, _ in calls] == [0, 1, 2, 3]
    assert [name for _, name, _ in calls] == ["weather", "population"] * 2


@every_pair
def test_litellm_37792_arguments_are_spelt_as_the_dialect_has_them(stage: Stage, caller: str, target: str) -> None:
    told = events(caller, stage.ask(caller, target, {"calls": 2, "fragment": 2}, tools=TOOLS).body)
    for _, _, spelt in _calls(caller, told):
        assert spelt == {"city": "Oslo"} if caller == "ollama" else json.loads(spelt) == {"city": "Oslo"}
    whole = json.loads(stage.ask(caller, target, {"calls": 1}, tools=TOOLS, stream=False).body)
    match caller:
        case "openai":
            spelt = whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
            assert isinstance(spelt, str)
            assert json.loads(spelt) == {"city": "Oslo"}
        case "anthropic":
            assert [block["input"] for block in whole["content"] if block["type"] == "tool_use"] == [{"city": "Oslo"}]
        case _:
            assert whole["message"]["tool_calls"][0]["function"]["arguments"] == {"city": "Oslo"}


@every_target
def test_litellm_34692_no_block_is_empty_and_calls_do_not_end_a_turn(stage: Stage, target: str) -> None:
    told = events("anthropic", stage.ask("anthropic", target, {"calls": 1}, tools=TOOLS).body)
    kinds = [event["content_block"]["type"] for event in told if event["type"] == "content_block_start"]
    assert [kind for kind in kinds if kind != "thinking"] == ["tool_use"]
    assert _finish("anthropic", told) == "tool_use"
    whole = json.loads(stage.ask("anthropic", target, {"calls": 1}, tools=TOOLS, stream=False).body)
    assert [block["type"] for block in whole["content"] if block["type"] != "thinking"] == ["tool_use"]
    assert whole["stop_reason"] == "tool_use"


@thinking_target
@pytest.mark.parametrize("caller", DIALECTS)
def test_litellm_20737_no_thought_is_lost(stage: Stage, caller: str, target: str) -> None:
    told = events(caller, stage.ask(caller, target, {"reasoning": 12, "tokens": 5}, thinks=True).body)
    pieces = _thoughts_and_text(caller, told)
    assert "".join(text for kind, text in pieces if kind == "thought") == _numbered(12)
    assert "".join(text for kind, text in pieces if kind == "text") == _numbered(5)


# -- requests


def _with_results(caller: str, word: str) -> dict[str, Any]:
    """A second turn: two calls, and their results in the other order where results are linked by ids."""
    asked = request(caller, Question(say="Ask both.", tools=TOOLS))
    city = {"city": "Oslo"}
    if caller == "anthropic":
        calls = [{"type": "tool_use", "id": f"call_{name}", "name": name, "input": city} for name, _ in TOOLS]
        results = [
            {"type": "tool_result", "tool_use_id": f"call_{name}", "content": f"{word} of {name}"}
            for name, _ in reversed(TOOLS)
        ]
        turns = [{"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    elif caller == "openai":
        calls = [
            {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": json.dumps(city)}}
            for name, _ in TOOLS
        ]
        results = [
            {"role": "tool", "tool_call_id": f"call_{name}", "content": f"{word} of {name}"}
            for name, _ in reversed(TOOLS)
        ]
        turns = [{"role": "assistant", "content": None, "tool_calls": calls}, *results]
    else:
        calls = [{"function": {"name": name, "arguments": city}} for name, _ in TOOLS]
        results = [{"role": "tool", "tool_name": name, "content": f"{word} of {name}"} for name, _ in TOOLS]
        turns = [{"role": "assistant", "content": "", "tool_calls": calls}, *results]
    return {**asked, "messages": [*asked["messages"], *turns], "stream": False}


def _linked(target: str, body: dict[str, Any]) -> dict[str, str]:
    """The tools' names by what their results say, as the target will see them."""
    names: dict[str, str] = {}
    linked: dict[str, str] = {}
    if target == "gemini":
        parts = [part for turn in body["contents"] for part in turn["parts"]]
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        return {"".join(result["response"].values()): result["name"] for result in results}
    if target == "responses":
        names = {item["call_id"]: item["name"] for item in body["input"] if item["type"] == "function_call"}
        results = [item for item in body["input"] if item["type"] == "function_call_output"]
        return {_text_in(result["output"]): names[result["call_id"]] for result in results}
    for turn in body["messages"]:
        blocks = turn["content"] if isinstance(turn.get("content"), list) else []
        for call in turn.get("tool_calls") or ():
            names[call.get("id", "")] = call["function"]["name"]
        for block in blocks:
            if block["type"] == "tool_use":
                names[block["id"]] = block["name"]
            elif block["type"] == "tool_result":
                linked[_text_in(block["content"])] = names[block["tool_use_id"]]
        if turn["role"] == "tool":
            linked[turn["content"]] = turn.get("tool_name") if target == "ollama" else names[turn["tool_call_id"]]
    return linked


def _text_in(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@every_pair
def test_litellm_26094_each_result_stays_with_its_call(stage: Stage, caller: str, target: str) -> None:
    word = stage.word()
    status, _, _ = http("POST", stage.gateway.url + PATHS[caller], {**_with_results(caller, word), "model": target})
    assert status == 200
    assert _linked(target, stage.seen(target, word)) == {f"{word} of {name}": name for name, _ in TOOLS}


@every_pair
def test_litellm_35711_tools_arrive_with_their_schemas(stage: Stage, caller: str, target: str) -> None:
    word = stage.word()
    stage.ask(caller, target, {"tokens": 1}, say=word, tools=TOOLS, stream=False)
    sent = stage.seen(target, word)["tools"]
    if target == "gemini":
        sent = sent[0]["functionDeclarations"]
    found = [tool.get("function", tool) for tool in sent]
    assert [tool["name"] for tool in found] == ["weather", "population"]
    names = {"anthropic": "input_schema", "vertex": "input_schema", "gemini": "parametersJsonSchema"}
    schemas = [tool[names.get(target, "parameters")] for tool in found]
    assert all(schema["properties"]["city"]["enum"] == ["Oslo"] for schema in schemas)


@every_target
def test_litellm_14994_what_gemini_s_callers_say_beside_the_conversation_arrives(stage: Stage, target: str) -> None:
    word = stage.word()
    asked = {
        "systemInstruction": {"parts": [{"text": f"The word is {word}."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hello. sim:tokens=2"}]}],
        "tools": [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": CITY}]}],
    }
    status, _, body = http("POST", f"{stage.gateway.url}/v1beta/models/{target}:generateContent", asked)
    assert (status, json.loads(body)["candidates"][0]["content"]["parts"][-1]) == (200, {"text": "t0 t1"})
    sent = stage.seen(target, word)
    assert "weather" in json.dumps(sent["tools"])
    assert "Oslo" in json.dumps(sent["tools"])


@every_pair
def test_litellm_7131_a_wanted_format_is_asked_for(stage: Stage, caller: str, target: str) -> None:
    word = stage.word()
    answer = stage.ask(caller, target, {}, say=word, schema=CITY, stream=False)
    body = stage.seen(target, word)
    wanted = {
        "openai": lambda: body["response_format"]["json_schema"]["schema"],
        "anthropic": lambda: body["output_config"]["format"]["schema"],
        "ollama": lambda: body["format"],
        "gemini": lambda: body["generationConfig"]["responseJsonSchema"],
        "responses": lambda: body["text"]["format"]["schema"],
    }[{"azure": "openai", "vertex": "anthropic"}.get(target, target)]()
    assert wanted["properties"]["city"]["enum"] == ["Oslo"]
    assert "Oslo" in answer.body.decode()
