"""What breaks when applications move to Ollama, tried on a simulated host: what it is sent, and what callers get."""

import contextlib
import json

import anthropic
import ollama
import openai
import pytest

from harness import Gateway, Simulator, http, running, until

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  house: {kind: ollama, base_url: "URL", eject_after: 1000}
targets:
  thinker: {provider: house, model: "qwen3:8b", context: 8192, tools: native}
  seeing: {provider: house, model: "gemma3:4b", context: 8192}
  vectors: {provider: house, model: "nomic-embed-text", context: 2048}
routes:
  - {name: gpt, when: {model: "gpt-*"}, use: thinker}
  - {name: rescued, when: {model: rescued}, use: thinker, fallback: [seeing]}
  - {name: look, when: {model: look}, use: seeing}
  - {name: vectors, when: {model: vectors}, use: vectors}
  - {name: all, use: thinker}
"""
SAID = [{"role": "user", "content": "hello"}]
PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "weather", "description": "It.", "parameters": PLACE}}
ASKED = {"model": "gpt-4o", "messages": SAID}
PNG = "iVBORw0KGgo="


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    disk = [word for model in ("qwen3:8b", "gemma3:4b", "nomic-embed-text") for word in ("--disk", model)]
    simulator = Simulator(tmp_path_factory.mktemp("house"), "--bodies", *disk, name="house")
    with running(simulator):
        yield simulator


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, house):
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), CONFIG.replace("URL", house.url))
    with running(gateway):
        # What its host says of a model decides how it is asked.
        until(lambda: "think" in sent(gateway, house), "the host to have told what its models can do")
        yield gateway


@pytest.fixture(autouse=True)
def quiet(house):
    yield
    house.reset()


def asked_of(house):
    """The last chat or embedding that the host was asked for."""
    return house.bodies("/api/chat", "/api/embed")[-1]


def post(gateway, path, body, **headers):
    status, _, answer = http("POST", f"{gateway.url}{path}", body, headers)
    return status, answer


def sent(gateway, house, path="/v1/chat/completions", **fields):
    """What the host gets of a request."""
    usual = {"model": "gpt-4o", "messages": SAID} if path == "/v1/chat/completions" else {}
    status, answer = post(gateway, path, {**usual, **fields})
    assert status == 200, answer
    return asked_of(house)


def test_gotchas_2_3_and_7_the_context_is_the_targets_and_nothing_is_cut_or_shifted(gateway, house):
    for more in ({}, {"num_ctx": 2048}, {"options": {"num_ctx": 2048}}):
        wire = sent(gateway, house, **more)
        assert (wire["options"]["num_ctx"], wire["truncate"], wire["shift"]) == (8192, False, False)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"max_completion_tokens": 7}),
        ("/v1/chat/completions", {"max_tokens": 7}),
        ("/v1/responses", {"model": "gpt-4o", "input": "hello", "max_output_tokens": 7}),
        ("/v1/messages", {"model": "gpt-4o", "messages": SAID, "max_tokens": 7}),
    ],
)
def test_gotcha_4_every_word_for_the_longest_answer_is_heard(gateway, house, path, body):
    assert sent(gateway, house, path, **body)["options"]["num_predict"] == 7


def test_gotcha_5_a_model_thinks_when_it_is_asked_to_and_not_before(gateway, house, claude):
    assert sent(gateway, house)["think"] is False
    assert sent(gateway, house, reasoning_effort="high")["think"] is True
    claude.messages.create(
        model="gpt-4o", max_tokens=3000, messages=SAID, thinking={"type": "enabled", "budget_tokens": 2000}
    )
    assert asked_of(house)["think"] is True


@pytest.mark.parametrize("stream", [False, True])
def test_gotchas_22_23_and_24_calls_come_whole_numbered_and_are_why_the_answer_ends(house, sdk, stream):
    house.script(queue=[{"behaviour": {"calls": 3}}])
    asked = {"model": "gpt-4o", "messages": SAID, "tools": [TOOL]}
    if stream:
        chunks = list(sdk.chat.completions.create(**asked, stream=True))
        calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
        assert [call.index for call in calls if call.function.name] == [0, 1, 2]
        reason = [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1]
        arguments = ["".join(call.function.arguments or "" for call in calls if call.index == at) for at in range(3)]
    else:
        (choice,) = sdk.chat.completions.create(**asked).choices
        calls, reason = choice.message.tool_calls, choice.finish_reason
        arguments = [call.function.arguments for call in calls]
    assert reason == "tool_calls"
    assert [set(json.loads(each)) for each in arguments] == [{"city"}] * 3
    assert len({call.id for call in calls if call.id}) == 3


def test_gotchas_25_26_and_36_history_is_mended_and_results_stay_with_their_calls(gateway, house):
    call = {"type": "function", "function": {"name": "weather", "arguments": ""}}
    history = [
        {"role": "user", "content": "one"},
        {"role": "user", "content": [{"type": "text", "text": "two"}, {"type": "text", "text": "three"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a", **call}, {"id": "b", **call}]},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "rain"}]},
        {"role": "tool", "tool_call_id": "a", "content": "sun"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "user", "content": "and?"},
    ]
    told = sent(gateway, house, messages=history, tools=[TOOL])["messages"]
    assert [message["role"] for message in told] == ["user", "assistant", "tool", "tool", "assistant", "user"]
    assert all(word in told[0]["content"] for word in ("one", "two", "three"))
    assert [call["function"]["arguments"] for call in told[1]["tool_calls"]] == [{}, {}]
    assert [(it["tool_call_id"], it["tool_name"], it["content"]) for it in told[2:4]] == [
        ("b", "weather", "rain"),
        ("a", "weather", "sun"),
    ]
    assert told[4]["content"] == "no"


@pytest.mark.parametrize("fault", ["500", "503", "empty"])
def test_gotchas_27_and_44_an_answer_that_fails_or_breaks_off_is_the_next_targets(house, sdk, fault):
    house.script(models={"qwen3:8b": {"fault": fault}})
    asked = {"model": "rescued", "messages": SAID, "stream": True}
    with sdk.chat.completions.create(**asked) as chunks:
        said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert said.startswith("t0 t1")
    assert asked_of(house)["model"] == "gemma3:4b"


@pytest.mark.parametrize("fault", ["cut_short", "no_done", "error_event"])
def test_gotcha_44_an_answer_that_broke_off_after_it_began_is_an_error_and_no_end(house, sdk, fault):
    house.script(models={"qwen3:8b": {"fault": fault}})
    with pytest.raises(openai.APIError), sdk.chat.completions.create(**ASKED, stream=True) as chunks:
        assert not [chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]


def test_gotcha_29_ollamas_own_client_goes_on_without_the_ids_of_calls(gateway, house):
    house.script(queue=[{"behaviour": {"calls": 1}}])
    result = {"role": "tool", "tool_name": "weather", "content": "rain"}
    with contextlib.closing(ollama.Client(host=gateway.url)) as client:
        answer = client.chat("gpt-4o", messages=SAID, tools=[TOOL])
        assert client.chat("gpt-4o", messages=[*SAID, answer.message, result], tools=[TOOL]).message.content
    *_, asked, told = asked_of(house)["messages"]
    assert (asked["tool_calls"][0]["function"]["name"], told["tool_name"], told["content"]) == (
        "weather",
        "weather",
        "rain",
    )


def test_gotcha_30_a_schema_yields_to_tools_until_there_is_an_answer(gateway, house):
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": PLACE}}
    body = {**ASKED, "tools": [TOOL], "response_format": form}
    house.script(queue=[{"behaviour": {"calls": 1}}])
    status, headers, answer = http("POST", f"{gateway.v1}/chat/completions", body)
    assert (status, headers["x-earthward-dropped"]) == (200, "response_format")
    assert json.loads(answer)["choices"][0]["finish_reason"] == "tool_calls"
    wire = asked_of(house)
    assert wire["tools"]
    assert "format" not in wire
    assert '"city"' in wire["messages"][0]["content"]
    # What is no call and has not the form is asked for again, by the schema alone.
    _, answer = post(gateway, "/v1/chat/completions", body)
    assert set(json.loads(json.loads(answer)["choices"][0]["message"]["content"])) == {"city"}
    assert asked_of(house)["format"]["required"] == ["city"]
    assert "tools" not in asked_of(house)


def test_gotcha_31_a_developer_is_the_system(gateway, house):
    told = sent(gateway, house, messages=[{"role": "developer", "content": "Be brief."}, *SAID])["messages"]
    assert told[0] == {"role": "system", "content": "Be brief."}


def test_gotcha_32_pictures_are_bare_standard_base64(gateway, house):
    data = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    wire = sent(gateway, house, model="look", messages=[{"role": "user", "content": [data]}])
    assert wire["messages"][-1]["images"] == [PNG]
    part = {"inline_data": {"mime_type": "image/png", "data": "-_-_iVBORw0KGgo="}}
    asked = {"contents": [{"parts": [part, {"text": "What?"}]}]}
    wire = sent(gateway, house, "/v1beta/models/look:generateContent", **asked)
    assert wire["messages"][-1]["images"] == ["+/+/iVBORw0KGgo="]


def test_gotcha_37_nothing_is_forced_that_nobody_said(gateway, house):
    options = sent(gateway, house)["options"]
    assert {"temperature", "top_p", "seed"}.isdisjoint(options)
    assert sent(gateway, house, temperature=0, seed=7)["options"].items() >= {"temperature": 0, "seed": 7}.items()


def test_gotchas_39_and_41_a_form_is_asked_for_from_every_dialect_and_said_in_words(gateway, house):
    wire = sent(gateway, house, response_format={"type": "json_object"})
    assert wire["format"] == "json"
    assert "JSON" in wire["messages"][0]["content"]
    asked = {"model": "gpt-4o", "input": "hello", "text": {"format": {"type": "json_object"}}}
    assert sent(gateway, house, "/v1/responses", **asked)["format"] == "json"
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": PLACE}}
    wire = sent(gateway, house, response_format=form)
    assert wire["format"]["required"] == ["city"]
    assert '"city"' in wire["messages"][0]["content"]


def test_gotcha_43_thoughts_are_told_in_each_callers_words(house, sdk, claude):
    house.script(queue=[{"behaviour": {"reasoning": 3}}] * 2)
    (choice,) = sdk.chat.completions.create(model="gpt-4o", messages=SAID, reasoning_effort="high").choices
    assert choice.message.reasoning_content
    answer = claude.messages.create(
        model="gpt-4o", max_tokens=3000, messages=SAID, thinking={"type": "enabled", "budget_tokens": 2000}
    )
    assert [block.type for block in answer.content] == ["thinking", "text"]


def test_gotchas_45_and_46_errors_have_the_status_and_code_of_the_callers_vendor(house, gateway, sdk, claude):
    long = [{"role": "user", "content": "word " * 20_000}]
    with pytest.raises(openai.BadRequestError) as too_long:
        sdk.chat.completions.create(model="gpt-4o", messages=long)
    assert too_long.value.code == "context_length_exceeded"
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        claude.messages.create(model="gpt-4o", max_tokens=5, messages=long)
    house.script(default={"fault": "404"})
    with pytest.raises(openai.NotFoundError) as missing:
        sdk.chat.completions.create(model="gpt-4o", messages=SAID)
    assert missing.value.code == "model_not_found"


def test_gotcha_48_a_vendors_name_for_a_model_is_the_models_own_at_its_host(gateway, house):
    assert sent(gateway, house, model="gpt-4o-mini")["model"] == "qwen3:8b"


@pytest.mark.parametrize("stream", [False, True])
def test_gotcha_50_claudes_client_gets_counts_content_and_events_in_order(claude, stream):
    assert claude.messages.count_tokens(model="gpt-4o", messages=SAID).input_tokens > 0
    asked = {"model": "gpt-4o", "max_tokens": 50, "messages": SAID}
    if stream:
        with claude.messages.stream(**asked) as events:
            answer = events.get_final_message()
    else:
        answer = claude.messages.create(**asked)
    assert answer.content[0].type == "text"
    assert answer.usage.output_tokens > 0


@pytest.mark.parametrize("calls", [0, 2])
def test_gotcha_51_the_helper_for_responses_reads_every_item_at_an_index_of_its_own(house, sdk, calls):
    house.script(queue=[{"behaviour": {"calls": calls, "reasoning": 3}}])
    tool = {"type": "function", **TOOL["function"]}
    asked = {"model": "gpt-4o", "input": "hello", "tools": [tool], "reasoning": {"effort": "high", "summary": "auto"}}
    with sdk.responses.stream(**asked) as events:
        told = [event for event in events if event.type == "response.output_item.done"]
        answer = events.get_final_response()
    assert [event.output_index for event in told] == list(range(len(answer.output)))
    assert len([item for item in answer.output if item.type == "function_call"]) == calls


def test_gotchas_55_and_56_vectors_are_of_one_model_and_texts_are_not_cut(gateway, house, sdk):
    found = sdk.embeddings.create(model="vectors", input=["one", "two"])
    assert [len(each.embedding) for each in found.data] == [768, 768]
    assert (asked_of(house)["model"], asked_of(house)["truncate"]) == ("nomic-embed-text", False)
    with pytest.raises(openai.BadRequestError):
        sdk.embeddings.create(model="vectors", input="word " * 5000)


def test_gotchas_63_and_65_googles_client_gets_bare_events_and_may_spell_as_it_likes(gateway, house):
    for config in ({"generationConfig": {"maxOutputTokens": 5}}, {"generation_config": {"max_output_tokens": 5}}):
        asked = {"contents": [{"parts": [{"text": "hello"}]}], **config}
        status, answer = post(gateway, "/v1beta/models/gpt-4o:streamGenerateContent?alt=sse", asked)
        assert status == 200
        lines = [line for line in answer.decode().splitlines() if line]
        assert all(line.startswith("data: {") for line in lines)
        assert json.loads(lines[-1][6:])["candidates"][0]["finishReason"] == "MAX_TOKENS"
        assert asked_of(house)["options"]["num_predict"] == 5


def test_gotcha_66_words_of_googles_older_sdks_may_be_numbers(gateway, house):
    parameters = {"type": 6, "properties": {"city": {"type": 1}}}
    tool = {"function_declarations": [{"name": "weather", "parameters": parameters}]}
    asked = {"contents": [{"parts": [{"text": "hello"}], "role": "user"}], "tools": [tool]}
    (told,) = sent(gateway, house, "/v1beta/models/gpt-4o:generateContent", **asked)["tools"]
    assert told["function"]["parameters"]["properties"]["city"]["type"] == "string"
