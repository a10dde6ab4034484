"""The native API, by itself and as Ollama's own SDK sees it; what the machine does is its own tests' business."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from math import isclose
from typing import Any

import ollama
import pytest
from ollama import AsyncClient

from earthward.simulator import Hardware, LocalModel, Simulator
from speech import OLLAMA

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK: dict[str, Any] = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}
GENERATE = {"path": "/api/generate", "model": "llama3.2", "messages": None, "prompt": "hello"}
TURNS = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "old " * 1000},
    {"role": "assistant", "content": "older " * 1000},
    {"role": "user", "content": "new"},
]
SMALL = LocalModel("small", kv=0)


def talk(stage: Any, play: Callable[[AsyncClient], Awaitable[Any]], **options: Any) -> Any:
    async def whole_talk() -> Any:
        async with Simulator(**options) as simulator:
            client = AsyncClient(simulator.url)
            try:
                return await play(client)
            finally:
                await client.close()

    return stage.run(whole_talk())


def asked(text: str = "hello", model: str = "llama3.2", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


def told(seen: Any) -> tuple[int, str]:
    return seen.status, seen.json["error"]


def get(path: str, method: str = "GET") -> dict[str, Any]:
    return {"method": method, "path": path}


def test_the_sdk_reads_a_whole_answer(stage):
    answer = talk(stage, lambda client: client.chat(**asked("hello sim:tokens=5")))
    assert (answer.message.role, answer.message.content) == ("assistant", "t0 t1 t2 t3 t4")
    assert (answer.model, answer.done, answer.done_reason) == ("llama3.2", True, "stop")
    assert (answer.eval_count, answer.prompt_eval_count) == (5, 9)
    assert answer.total_duration >= answer.prompt_eval_duration + answer.eval_duration > 0


def test_the_sdk_reads_a_stream(stage):
    async def play(client: AsyncClient) -> Any:
        return [part async for part in await client.chat(**asked("hello sim:tokens=5,rate=500"), stream=True)]

    parts = talk(stage, play)
    assert "".join(part.message.content for part in parts) == "t0 t1 t2 t3 t4"
    assert [part.done for part in parts] == [False] * 5 + [True]
    assert [part.eval_count for part in parts] == [None] * 5 + [5]


def test_the_sdk_generates_whole_and_streamed(stage):
    async def play(client: AsyncClient) -> Any:
        request = {"model": "llama3.2", "prompt": "hello sim:tokens=3"}
        parts = [part.response async for part in await client.generate(**request, stream=True)]
        return await client.generate(**request), parts

    whole, parts = talk(stage, play)
    assert whole.response == "".join(parts) == "t0 t1 t2"
    assert whole.context


def test_streams_are_lines_and_the_default(stage):
    chat, generate = stage.answers({**OLLAMA.body, "path": "/api/chat"}, GENERATE)
    for seen in (chat, generate):
        assert seen.headers["content-type"] == "application/x-ndjson"
        assert OLLAMA.is_last(OLLAMA.events(seen.text)[-1])


def test_thoughts_are_shown_by_a_model_that_has_them_unless_forbidden(stage):
    async def play(client: AsyncClient) -> Any:
        request = asked("sim:reasoning=3,tokens=2", "qwen3:8b")
        parts = [part async for part in await client.chat(**request, stream=True)]
        return await client.chat(**request), parts, await client.chat(**request, think=False)

    whole, parts, without = talk(stage, play)
    assert (whole.message.thinking, whole.message.content, whole.eval_count) == ("t0 t1 t2", "t0 t1", 5)
    assert "".join(part.message.thinking or "" for part in parts) == "t0 t1 t2"
    assert "".join(part.message.content for part in parts) == "t0 t1"
    assert (without.message.thinking, without.eval_count) == (None, 2)


def test_calls_come_whole_each_in_a_line_before_the_last(stage):
    request = {"tools": [WEATHER, CLOCK], "sim": {"calls": 2}}
    whole, streamed = stage.answers(OLLAMA.asked(False, **request), OLLAMA.asked(True, **request))
    calls = whole.json["message"]["tool_calls"]
    assert [call["function"] for call in calls] == [
        {"index": 0, "name": "weather", "arguments": {"city": "t0"}},
        {"index": 1, "name": "clock", "arguments": {}},
    ]
    assert len({call["id"] for call in calls}) == 2
    *lines, last = OLLAMA.events(streamed.text)
    assert [line["message"]["tool_calls"][0]["function"]["name"] for line in lines] == ["weather", "clock"]
    assert (last["done_reason"], "tool_calls" in last["message"]) == ("stop", False)


def test_the_format_is_obeyed(stage):
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    shaped, free = stage.answers(OLLAMA.asked(False, format=schema), OLLAMA.asked(False, format="json"))
    assert json.loads(shaped.json["message"]["content"]) == {"name": "t0"}
    assert json.loads(free.json["message"]["content"]) == {}


def test_options_end_an_answer(stage):
    short, stopped = stage.answers(
        OLLAMA.asked(False, options={"num_predict": 3}), OLLAMA.asked(False, options={"stop": [" t2"]})
    )
    assert (short.json["message"]["content"], short.json["done_reason"]) == ("t0 t1 t2", "length")
    assert (stopped.json["message"]["content"], stopped.json["done_reason"]) == ("t0 t1", "stop")


# -- context


def test_what_does_not_fit_is_dropped_from_the_oldest_on_and_nothing_tells_but_the_count(stage):
    whole, cut = stage.answers(
        OLLAMA.asked(False, messages=TURNS, options={"num_ctx": 4096}),
        OLLAMA.asked(False, messages=TURNS, options={"num_ctx": 2048}),
    )
    assert (whole.status, cut.status) == (200, 200)
    assert whole.json["prompt_eval_count"] > 2500
    assert 1500 < cut.json["prompt_eval_count"] <= 2048


def test_system_messages_are_not_dropped(stage):
    turns = [{"role": "system", "content": "rule " * 800}, *TURNS[1:]]
    (seen,) = stage.answers(OLLAMA.asked(False, messages=turns, options={"num_ctx": 1500}))
    assert 1000 < seen.json["prompt_eval_count"] < 1100


def test_a_single_prompt_is_cut_in_its_middle_to_the_context(stage):
    (seen,) = stage.answers({**GENERATE, "prompt": "word " * 5000, "stream": False, "options": {"num_ctx": 1024}})
    assert seen.json["prompt_eval_count"] == 1024


@pytest.mark.parametrize(
    "fields",
    [{"truncate": False}, {"model": "mistral:7b", "messages": TURNS[1:2]}, {"shift": False, "messages": TURNS[1:2]}],
)
def test_what_may_not_be_cut_is_refused_by_an_error_within_the_error(stage, fields):
    """Without truncation; by a model whose prompts llama.cpp writes; and without context shift."""
    (seen,) = stage.answers(OLLAMA.asked(False, **{"messages": TURNS, "options": {"num_ctx": 512}} | fields))
    status, text = told(seen)
    inner = json.loads(text)["error"]
    assert (status, inner["type"], inner["n_ctx"]) == (400, "exceed_context_size_error", 512)
    assert inner["n_prompt_tokens"] > 512


def test_without_context_shift_an_answer_ends_where_the_context_does(stage):
    shifted, ended = stage.answers(
        *(OLLAMA.asked(False, sim={"tokens": 90}, options={"num_ctx": 64}, shift=shift) for shift in (True, False))
    )
    assert (shifted.json["eval_count"], shifted.json["done_reason"]) == (90, "stop")
    assert ended.json["done_reason"] == "length"
    assert ended.json["prompt_eval_count"] + ended.json["eval_count"] == 64


@pytest.mark.parametrize(("gib", "context"), [(8, 4096), (24, 32_768), (48, 131_072)])
def test_the_context_follows_from_the_memory(stage, gib, context):
    async def play() -> Any:
        async with Simulator(hardware=Hardware(memory=gib * 2**30, models=(SMALL,))) as simulator:
            await stage.ask(simulator, **OLLAMA.asked(False, model="small"))
            return (await stage.ask(simulator, **get("/api/ps"))).json["models"]

    (loaded,) = stage.run(play())
    assert loaded["context_length"] == context


# -- models


def test_the_sdk_sees_what_is_on_disk_and_what_is_loaded(stage):
    async def play(client: AsyncClient) -> Any:
        before = await client.ps()
        await client.chat(**asked(), options={"num_ctx": 8192}, keep_alive="10m")
        return await client.list(), before, await client.ps(), await client.show("qwen3:8b")

    listed, before, after, shown = talk(stage, play)
    assert {"llama3.2:latest", "qwen3:8b", "llama:latest"} <= {model.model for model in listed.models}
    assert before.models == []
    (loaded,) = after.models
    assert (loaded.name, loaded.context_length, loaded.size) == ("llama3.2:latest", 8192, loaded.size_vram)
    assert "thinking" in shown.capabilities
    assert shown.modelinfo["qwen3.context_length"] == 40_960


def test_an_empty_prompt_only_loads_and_without_keep_alive_unloads(stage):
    async def play() -> Any:
        async with Simulator() as simulator:
            loaded = await stage.ask(simulator, **OLLAMA.asked(False, messages=[]))
            resident = list(simulator.machine.runners)
            unloaded = await stage.ask(simulator, **OLLAMA.asked(False, messages=[], keep_alive=0))
            return loaded.json, resident, unloaded.json, list(simulator.machine.runners), simulator.stats()["output"]

    loaded, resident, unloaded, left, output = stage.run(play())
    assert (loaded["done"], loaded["done_reason"], unloaded["done_reason"]) == (True, "load", "unload")
    assert (resident, left, output) == (["llama3.2:latest"], [], 0)


def test_the_sdk_pulls_deletes_copies_and_creates(stage):
    async def play(client: AsyncClient) -> Any:
        await client.delete("qwen3:8b")
        with pytest.raises(ollama.ResponseError, match="not found"):
            await client.chat(**asked(model="qwen3:8b"))
        states = [state async for state in await client.pull("qwen3:8b", stream=True)]
        await client.copy("qwen3:8b", "mine")
        await client.create("wide", from_="qwen3:8b", parameters={"num_ctx": 16384})
        await client.chat(**asked(model="wide"))
        return states, (await client.list()).models, (await client.ps()).models

    states, listed, loaded = talk(stage, play)
    assert (states[0].status, states[-1].status) == ("pulling manifest", "success")
    assert max(state.completed or 0 for state in states) == states[1].total
    assert len({model.digest for model in listed if model.model in ("qwen3:8b", "mine:latest", "wide:latest")}) == 1
    assert [(model.name, model.context_length) for model in loaded] == [("wide:latest", 16384)]


def test_a_model_answered_before_is_gone_once_it_is_deleted(stage):
    request = OLLAMA.asked(False)
    seen = stage.answers(request, {"method": "DELETE", "path": "/api/delete", "model": "llama3.2"}, request)
    assert [each.status for each in seen] == [200, 200, 404]


def test_what_the_house_has_is_on_the_disk_unless_that_is_described(stage):
    asked_for = OLLAMA.asked(False, model="llama")
    (plain,) = stage.answers(asked_for, hardware=Hardware(memory=2**34))
    (described,) = stage.answers(asked_for, hardware=Hardware(models=(SMALL,)))
    assert (plain.status, described.status) == (200, 404)


def test_a_pull_of_what_nobody_has_fails_in_its_last_line(stage):
    (seen, whole) = stage.answers(
        {"path": "/api/pull", "model": "nobodys"}, {"path": "/api/pull", "model": "nobodys", "stream": False}
    )
    assert (seen.status, OLLAMA.events(seen.text)[-1]) == (200, {"error": "pull model manifest: file does not exist"})
    assert whole.status == 500


def test_the_sdk_embeds_texts_each_in_its_own_direction(stage):
    async def play(client: AsyncClient) -> Any:
        request = {"model": "nomic-embed-text", "input": ["one", "two", "one"]}
        return await client.embed(**request), await client.embeddings("nomic-embed-text", "one")

    several, single = talk(stage, play)
    one, two, again = several.embeddings
    assert one == again != two
    assert list(single.embedding) == one
    assert len(one) == 768
    assert isclose(sum(each * each for each in one), 1.0)
    assert several.prompt_eval_count > 0


def test_a_text_too_long_to_embed_is_cut_unless_that_is_forbidden(stage):
    request = {"path": "/api/embed", "model": "nomic-embed-text", "input": "word " * 5000}
    cut, refused = stage.answers(request, {**request, "truncate": False})
    assert cut.json["prompt_eval_count"] == 2048
    assert told(refused) == (400, "the input length exceeds the context length")


# -- the cloud


@pytest.mark.parametrize("name", ["gpt-oss:120b-cloud", "glm-4.6:cloud"])
def test_cloud_models_answer_without_a_pull_and_without_the_machine(stage, name):
    async def play() -> Any:
        async with Simulator() as simulator:
            return (await stage.ask(simulator, **OLLAMA.asked(False, model=name))).json, simulator.machine.runners

    answer, runners = stage.run(play())
    assert answer["remote_host"] == "https://ollama.com:443"
    assert answer["done"]
    assert not runners


@pytest.mark.parametrize(("cloud", "status", "field"), [("off", 403, "error"), ("signed_out", 401, "signin_url")])
def test_the_cloud_may_be_off_or_unknown(stage, cloud, status, field):
    refused, state = stage.answers(
        OLLAMA.asked(False, model="glm-4.6:cloud"), get("/api/status"), hardware=Hardware(cloud=cloud)
    )
    assert refused.status == status
    assert refused.json[field]
    assert state.json["cloud"]["disabled"] is (cloud == "off")


# -- the machine, seen from outside


def test_a_conversation_that_goes_on_is_evaluated_only_where_it_is_new(stage):
    question = {"role": "user", "content": "word " * 400}

    async def play() -> Any:
        async with Simulator(hardware=Hardware(prefill=100_000.0)) as simulator:
            first = await stage.ask(simulator, **OLLAMA.asked(False, messages=[question]))
            more = [question, first.json["message"], {"role": "user", "content": "and?"}]
            second = await stage.ask(simulator, **OLLAMA.asked(False, messages=more))
            return first.json, second.json, simulator.log()[1]["cached"]

    first, second, cached = stage.run(play())
    assert second["prompt_eval_count"] > first["prompt_eval_count"]
    assert second["prompt_eval_duration"] < first["prompt_eval_duration"] / 4
    assert cached > 400


def test_rates_make_the_durations_and_a_script_overrides_them(stage):
    machine = Hardware(prefill=20_000.0, decode=2000.0, load=10**12)
    paced, scripted = stage.answers(
        OLLAMA.asked(False, sim={"tokens": 21}), OLLAMA.asked(False, sim={"tokens": 21, "rate": 4000}), hardware=machine
    )
    assert paced.json["eval_duration"] == 10_000_000 + 21_000
    assert scripted.json["eval_duration"] == 5_000_000 + 21_000
    assert paced.json["prompt_eval_duration"] == 300_000 + 6000
    assert paced.json["load_duration"] > scripted.json["load_duration"]


def test_nothing_is_sent_while_a_model_loads_and_a_client_that_leaves_ends_the_load(stage):
    async def play() -> Any:
        async with Simulator(hardware=Hardware(load=1000.0)) as simulator:
            seen = await stage.ask(simulator, **OLLAMA.asked(True, silence=0.05))
            await stage.until(lambda: not simulator.machine.runners)
            return seen, simulator.log()[0]

    seen, entry = stage.run(play())
    assert (seen.raw, seen.end) == (b"", "open")
    assert (entry["how"], entry["status"]) == ("cancelled", 0)


def test_a_client_that_leaves_in_the_middle_gives_its_slot_to_the_next(stage):
    async def play() -> Any:
        async with Simulator() as simulator:
            await stage.ask(simulator, **OLLAMA.asked(True, sim={"tokens": 1000, "rate": 10}, silence=0.05))
            return await stage.ask(simulator, **OLLAMA.asked(False, sim={"tokens": 2}))

    assert stage.run(play()).json["eval_count"] == 2


def test_a_request_that_waits_for_a_slot_hangs_and_is_then_served(stage):
    async def play() -> Any:
        async with Simulator() as simulator:
            slow = asyncio.create_task(stage.ask(simulator, **OLLAMA.asked(True, sim={"tokens": 101, "rate": 100})))
            await stage.until(lambda: simulator.machine.runners)
            waited = (await stage.ask(simulator, **OLLAMA.asked(False))).json
            return await slow, waited, simulator.log()

    first, waited, log = stage.run(play())
    assert first.status == 200
    assert waited["total_duration"] - waited["eval_duration"] > 50_000_000
    assert log[1]["waited"] > 0.05
    assert log[1]["waited"] > log[0]["waited"]


def test_too_many_that_wait_for_a_load_are_refused(stage):
    async def play() -> Any:
        async with Simulator(hardware=Hardware(load=1000.0, queue=1)) as simulator:
            models = ("llama3.2", "qwen3:8b", "mistral:7b")
            asks = [stage.ask(simulator, **OLLAMA.asked(False, model=model, silence=1.5)) for model in models]
            return await asyncio.gather(*asks)

    seen = stage.run(play())
    (refused,) = [each for each in seen if each.raw]
    assert told(refused) == (503, "server busy, please try again.  maximum pending requests exceeded")
    assert "retry-after" not in refused.headers


# -- errors

WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"raw_body": b""}, 400, "missing request body"),
    ({"raw_body": b"{"}, 400, "truncated"),
    ({"raw_body": b'{"model": 5}'}, 400, "json: cannot unmarshal"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, 400, "json: cannot unmarshal"),
    ({"options": {"num_ctx": "many"}}, 400, 'option "num_ctx" must be of type integer'),
    ({"options": {"temperature": "hot"}}, 400, 'option "temperature"'),
    ({"think": "harder"}, 400, "invalid think value"),
    ({"think": True}, 400, '"llama3.2" does not support thinking'),
    ({"model": "gemma3:4b", "tools": [WEATHER]}, 400, "does not support tools"),
    ({"messages": [{"role": "user", "content": "x", "images": ["AAAA"]}]}, 400, "does not support vision"),
    ({"model": "nomic-embed-text"}, 400, "does not support chat"),
    ({"path": "/api/generate", "prompt": "x", "suffix": "y"}, 400, "does not support insert"),
    ({"keep_alive": "soon"}, 400, "invalid duration"),
    ({"model": "gpt-4o"}, 404, "model 'gpt-4o' not found"),
    ({"path": "/api/show", "model": "gpt-4o"}, 404, "model 'gpt-4o' not found"),
    ({"sim": {"tokns": 5}}, 400, "tokns"),
]


@pytest.mark.parametrize(("change", "status", "message"), WRONG)
def test_a_wrong_request_is_told_what_is_wrong(stage, change, status, message):
    (seen,) = stage.answers(OLLAMA.asked(False, **change))
    assert seen.status == status
    assert message in seen.json["error"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", ["400", "404", "429", "500", "503"])
def test_the_sdk_raises_on_the_status(stage, fault, stream):
    async def play(client: AsyncClient) -> Any:
        with pytest.raises(ollama.ResponseError) as caught:
            answer = await client.chat(**asked(f"sim:fault={fault}"), stream=stream)
            if stream:
                [part async for part in answer]
        return caught.value

    assert talk(stage, play).status_code == int(fault)


def test_the_sdk_raises_on_an_error_in_the_middle_of_a_stream(stage):
    async def play(client: AsyncClient) -> Any:
        with pytest.raises(ollama.ResponseError, match="CUDA"):
            [part async for part in await client.chat(**asked("sim:fault=error_event"), stream=True)]

    talk(stage, play)


def test_a_crash_of_its_engine_is_an_error_within_the_error(stage):
    (seen,) = stage.answers(OLLAMA.asked(False, sim={"fault": "500"}))
    assert json.loads(told(seen)[1])["error"]["type"] == "server_error"


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/", 200, b"Ollama is running"),
        ("GET", "/api/nothing", 404, b"404 page not found"),
        ("GET", "/api/chat", 405, b"405 method not allowed"),
        ("POST", "/api/tags", 405, b"405 method not allowed"),
    ],
)
def test_other_paths_are_answered_in_plain_text(stage, method, path, status, text):
    (seen,) = stage.answers(get(path, method))
    assert (seen.status, seen.text) == (status, text)
    assert seen.headers["content-type"].startswith("text/plain")


def test_its_version_is_told_and_no_key_is_asked_for(stage):
    version, answer = stage.answers(
        get("/api/version"), OLLAMA.asked(False), hardware=Hardware(version="0.20.6"), keys=["sk-right"]
    )
    assert version.json == {"version": "0.20.6"}
    assert answer.status == 200
