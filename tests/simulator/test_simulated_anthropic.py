"""The wire format, by itself and as Anthropic's own SDK sees it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic

from earthward.simulator import Simulator
from speech import ANTHROPIC

WEATHER: dict[str, Any] = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK: dict[str, Any] = {"name": "clock", "input_schema": {"type": "object"}}
VERSION = ("anthropic-version", "2023-06-01")


@asynccontextmanager
async def sdk(**options: Any) -> AsyncIterator[tuple[AsyncAnthropic, Simulator]]:
    key = options.pop("key", "sk-ant-simulated")
    async with (
        Simulator(**options) as simulator,
        AsyncAnthropic(base_url=simulator.url, api_key=key, max_retries=0) as client,
    ):
        yield client, simulator


def talk(stage: Any, play: Callable[[AsyncAnthropic], Awaitable[Any]], **options: Any) -> Any:
    async def whole_talk() -> Any:
        async with sdk(**options) as (client, _):
            return await play(client)

    return stage.run(whole_talk())


def asked(text: str = "hello", **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"model": "claude-haiku-4-5", "max_tokens": 2000}
    return {**body, "messages": [{"role": "user", "content": text}], **fields}


async def events(client: AsyncAnthropic, **request: Any) -> list[Any]:
    return [event async for event in await client.messages.create(stream=True, **request)]


def both(stage: Any, **request: Any) -> tuple[Any, Any]:
    """What the SDK makes of a whole answer, and of the same one put together from its stream."""

    async def play(client: AsyncAnthropic) -> Any:
        async with client.messages.stream(**request) as stream:
            streamed = await stream.get_final_message()
        return await client.messages.create(**request), streamed

    whole, streamed = talk(stage, play)
    return whole, streamed


def test_the_sdk_reads_a_whole_answer_and_a_stream(stage):
    for answer in both(stage, **asked("hello sim:tokens=5")):
        assert [(block.type, block.text) for block in answer.content] == [("text", "t0 t1 t2 t3 t4")]
        assert (answer.role, answer.stop_reason, answer.stop_sequence) == ("assistant", "end_turn", None)
        assert (answer.model, answer.usage.output_tokens) == ("claude-haiku-4-5-20251001", 5)
        assert answer.id.startswith("msg_")


def test_the_request_id_is_in_the_head(stage):
    async def play(client: AsyncAnthropic) -> Any:
        return (await client.messages.create(**asked()))._request_id

    assert talk(stage, play).startswith("req_")


def test_events_come_in_their_order(stage):
    (seen,) = stage.answers(ANTHROPIC.asked(True, sim={"tokens": 2}))
    kinds = [event["type"] for event in ANTHROPIC.events(seen.text)]
    delta = ["content_block_delta"] * 2
    assert kinds == [
        *("message_start", "content_block_start", "ping", *delta, "content_block_stop"),
        *("message_delta", "message_stop"),
    ]
    names = [line[7:] for line in seen.text.decode().splitlines() if line.startswith("event: ")]
    assert names == kinds


def test_thoughts_come_first_and_are_signed(stage):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    for answer in both(stage, **asked("sim:reasoning=4,tokens=2", thinking=thinking)):
        thought, text = answer.content
        assert (thought.type, thought.thinking, text.text) == ("thinking", "t0 t1 t2 t3", "t0 t1")
        assert thought.signature
        assert answer.usage.output_tokens == 6


def test_thoughts_are_neither_shown_nor_billed_unless_asked_for(stage):
    for answer in both(stage, **asked("sim:reasoning=4,tokens=2")):
        assert [block.type for block in answer.content] == ["text"]
        assert answer.usage.output_tokens == 2


def test_parallel_calls_come_whole_and_in_fragments(stage):
    request = asked('sim:{"calls": 2, "fragment": 3}', tools=[WEATHER, CLOCK])
    for answer in both(stage, **request):
        assert answer.stop_reason == "tool_use"
        assert [(block.name, block.input) for block in answer.content] == [("weather", {"city": "t0"}), ("clock", {})]
        assert len({block.id for block in answer.content}) == 2

    async def play(client: AsyncAnthropic) -> list[str]:
        seen = await events(client, **request)
        return [event.delta.partial_json for event in seen if event.type == "content_block_delta" and event.index == 0]

    fragments = talk(stage, play)
    assert len(fragments) > 4
    assert json.loads("".join(fragments)) == {"city": "t0"}


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ({"type": "none"}, []),
        ({"type": "auto"}, []),
        ({"type": "any"}, ["weather"]),
        ({"type": "tool", "name": "clock"}, ["clock"]),
    ],
)
def test_the_tool_choice_is_obeyed(stage, choice, named):
    (seen,) = stage.answers(ANTHROPIC.asked(False, tools=[WEATHER, CLOCK], tool_choice=choice))
    assert [block["name"] for block in seen.json["content"] if block["type"] == "tool_use"] == named


def test_parallel_calls_may_be_forbidden(stage):
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    (seen,) = stage.answers(ANTHROPIC.asked(False, sim={"calls": 2}, tools=[WEATHER, CLOCK], tool_choice=choice))
    assert len(seen.json["content"]) == 1


@pytest.mark.parametrize(
    ("fields", "reason", "sequence"),
    [
        ({"max_tokens": 3}, "max_tokens", None),
        ({"stop_sequences": ["t9", " t5"]}, "stop_sequence", " t5"),
        ({"sim": {"refusal": "I won't say"}}, "refusal", None),
        ({"sim": {"finish": "content_filter"}}, "refusal", None),
    ],
)
def test_the_reason_of_the_end_is_told(stage, fields, reason, sequence):
    whole, streamed = stage.answers(*(ANTHROPIC.asked(stream, **fields) for stream in (False, True)))
    (told,) = [event["delta"] for event in ANTHROPIC.events(streamed.text) if event["type"] == "message_delta"]
    for answer in (whole.json, told):
        assert (answer["stop_reason"], answer["stop_sequence"]) == (reason, sequence)


def test_cached_and_stored_input_is_told_apart_and_billed_at_its_price(stage):
    sim = {"tokens": 2, "cached": 3, "cache_written": 4}

    async def play() -> tuple[Any, Any, int]:
        async with Simulator() as simulator:
            whole = await stage.ask(simulator, **ANTHROPIC.asked(False, sim=sim))
            streamed = await stage.ask(simulator, **ANTHROPIC.asked(True, sim=sim))
            return whole, streamed, simulator.log()[0]["nano_dollars"]

    whole, streamed, bill = stage.run(play())
    usage = whole.json["usage"]
    assert (usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]) == (3, 4)
    assert bill == usage["input_tokens"] * 1000 + 3 * 100 + 4 * 1250 + 2 * 5000
    read = ANTHROPIC.events(streamed.text)
    assert read[0]["message"]["usage"] == usage | {"output_tokens": 1}
    assert read[-2]["usage"] == usage


def test_a_stream_cut_short_after_shown_thoughts_bills_each_token_once(stage):
    async def play() -> Any:
        async with Simulator() as simulator:
            thinking = {"type": "enabled", "budget_tokens": 1024}
            sim = {"reasoning": 4, "fault": "cut_short", "after": 6}
            await stage.ask(simulator, **ANTHROPIC.asked(True, sim=sim, thinking=thinking, max_tokens=2000))
            return simulator.stats()["output"]

    assert stage.run(play()) == 6


def test_tokens_are_counted_as_they_are_billed(stage):
    fields = {"system": "be brief", "tools": [WEATHER]}

    async def play(client: AsyncAnthropic) -> Any:
        counted = await client.messages.count_tokens(
            model="claude-haiku-4-5", messages=[{"role": "user", "content": "hello"}], **fields
        )
        return counted.input_tokens, (await client.messages.create(**asked(**fields))).usage.input_tokens

    counted, billed = talk(stage, play)
    assert counted == billed > 10


def test_models_are_listed_page_by_page_and_are_not_openais(stage):
    async def play(client: AsyncAnthropic) -> Any:
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("gpt-4o")
        return [model.id async for model in client.models.list(limit=3)], await client.models.retrieve(
            "claude-haiku-4-5"
        )

    names, model = talk(stage, play)
    assert "claude-haiku-4-5-20251001" in names
    assert len(names) == len(set(names)) > 6
    assert not any(name.startswith("gpt") for name in names)
    assert (model.id, model.type) == ("claude-haiku-4-5-20251001", "model")
    openais, theirs = stage.answers(
        {"method": "GET", "path": "/v1/models"}, {"method": "GET", "path": "/v1/models", "headers": (VERSION,)}
    )
    assert not any(each["id"].startswith("claude") for each in openais.json["data"])
    assert theirs.json["has_more"] is False


ERRORS = [
    ("400", anthropic.BadRequestError, "invalid_request_error"),
    ("401", anthropic.AuthenticationError, "authentication_error"),
    ("403", anthropic.PermissionDeniedError, "permission_error"),
    ("404", anthropic.NotFoundError, "not_found_error"),
    ("429", anthropic.RateLimitError, "rate_limit_error"),
    ("500", anthropic.InternalServerError, "api_error"),
    ("529", anthropic.InternalServerError, "overloaded_error"),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("fault", "raised", "kind"), ERRORS)
def test_the_sdk_raises_the_class_of_the_status(stage, fault, raised, kind, stream):
    async def play(client: AsyncAnthropic) -> Any:
        with pytest.raises(raised) as caught:
            await client.messages.create(**asked(f"sim:fault={fault}"), stream=stream)
        return caught.value

    error: Any = talk(stage, play)
    assert error.body["error"]["type"] == kind
    assert error.body["request_id"] == error.response.headers["request-id"]


def test_the_sdk_raises_on_an_error_in_the_middle_of_a_stream(stage):
    async def play(client: AsyncAnthropic) -> Any:
        with pytest.raises(anthropic.APIStatusError) as caught:
            await events(client, **asked("sim:fault=error_event"))
        return caught.value.body

    assert talk(stage, play)["error"]["type"] == "overloaded_error"


def test_a_rate_limit_says_what_is_left_and_when_to_come_again(stage):
    plain, limited = stage.answers(
        ANTHROPIC.asked(False), ANTHROPIC.asked(False, sim={"fault": "429_retry_after", "retry_after": 20})
    )
    assert plain.headers["anthropic-ratelimit-requests-remaining"] == "49"
    assert limited.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert limited.headers["retry-after"] == "20"
    assert limited.headers["anthropic-ratelimit-tokens-reset"].endswith("Z")


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ((VERSION,), 401, "x-api-key header is required"),
        ((VERSION, ("x-api-key", "sk-wrong")), 401, "invalid x-api-key"),
        ((("x-api-key", "sk-right"),), 400, "anthropic-version: header is required"),
        ((("x-api-key", "sk-right"), ("anthropic-version", "1")), 400, '"1" is not a valid version'),
        ((VERSION, ("x-api-key", "sk-right")), 200, None),
        ((VERSION, ("authorization", "Bearer sk-right")), 200, None),
    ],
)
def test_key_and_version_are_demanded(stage, headers, status, message):
    (seen,) = stage.answers(ANTHROPIC.asked(False) | {"headers": headers}, keys=["sk-right"])
    assert seen.status == status
    assert message is None or message in seen.json["error"]["message"]


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"raw_body": b"{"}, 400, "not valid JSON"),
        ({"max_tokens": None}, 400, "max_tokens: "),
        ({"max_tokens": 0}, 400, "less than the minimum"),
        ({"max_tokens": 65_000}, 400, "maximum allowed number of output tokens"),
        ({"messages": []}, 400, "at least one message"),
        ({"messages": [{"role": "robot", "content": "x"}]}, 400, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, 400, "messages.0.content: Field required"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400, 'must use the "user" role'),
        ({"messages": [{"role": "user", "content": ""}]}, 400, "non-empty content"),
        ({"temperature": 1.5}, 400, "temperature"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, 400, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, 400, "must be greater than"),
        ({"model": "gpt-4o"}, 404, "model: gpt-4o"),
        ({"sim": {"tokns": 5}}, 400, "tokns"),
        ({"messages": [{"role": "user", "content": "word " * 170_000}]}, 400, "prompt is too long"),
        ({"method": "GET"}, 405, "Method Not Allowed"),
        ({"path": "/v1/messages/batches"}, 404, "Not Found"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(stage, change, status, message):
    (seen,) = stage.answers(ANTHROPIC.asked(False, **change))
    assert seen.status == status
    assert message in seen.json["error"]["message"]
    assert ANTHROPIC.error(seen.json)


def test_a_call_without_its_result_is_told_so(stage):
    call = {"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {}}
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": [call]}]
    lost, kept = stage.answers(
        ANTHROPIC.asked(False, messages=[*turns, {"role": "user", "content": "and?"}]),
        ANTHROPIC.asked(
            False,
            messages=[*turns, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]}],
        ),
    )
    assert (lost.status, kept.status) == (400, 200)
    assert "toolu_1" in lost.json["error"]["message"]


SEARCH: dict[str, Any] = {"type": "web_search_20250305", "name": "web_search"}
SKY: dict[str, Any] = {
    "type": "document",
    "title": "Sky",
    "source": {"type": "text", "media_type": "text/plain", "data": "Blue."},
    "citations": {"enabled": True},
}


def test_pages_are_cited_where_the_web_may_be_searched_and_documents_where_they_are_to_be(stage):
    for said in both(stage, **asked(tools=[SEARCH])):
        (block,) = said.content
        assert [(each.type, each.url, each.title) for each in block.citations] == [
            ("web_search_result_location", "https://example.com/1", "Page 1")
        ]
        assert block.citations[0].encrypted_index
    about: Any = [{"role": "user", "content": [SKY, {"type": "text", "text": "Why?"}]}]
    for said in both(stage, model="claude-haiku-4-5", max_tokens=99, messages=about):
        assert [(each.type, each.document_title) for each in said.content[0].citations] == [("char_location", "Sky")]
    for said in both(stage, **asked()):
        assert not said.content[0].citations


def test_later_models_are_told_by_one_of_two_how_to_draw(stage):
    both_told = {"temperature": 0.5, "top_p": 0.5}

    async def play(client: AsyncAnthropic) -> Any:
        with pytest.raises(anthropic.BadRequestError, match="cannot both be specified"):
            await client.messages.create(**asked(), extra_body=both_told)
        await client.messages.create(**asked(), extra_body={"temperature": 0.5})
        return await client.messages.create(**asked(model="claude-3-haiku"), extra_body=both_told)

    assert talk(stage, play).content


@pytest.mark.parametrize("model", ["claude-opus-4-8", "claude-opus-5"])
def test_the_newest_draw_as_they_will_and_think_by_no_budget(stage, model):
    async def play(client: AsyncAnthropic) -> Any:
        for name, value in (("temperature", 0.5), ("top_p", 0.9), ("top_k", 5)):
            with pytest.raises(anthropic.BadRequestError, match=f"`{name}` is deprecated"):
                await client.messages.create(**asked(model=model), extra_body={name: value})
        budget = {"type": "enabled", "budget_tokens": 1024}
        with pytest.raises(anthropic.BadRequestError, match="is not supported for this model"):
            await client.messages.create(**asked(model=model, max_tokens=2000), extra_body={"thinking": budget})
        told = {"temperature": 1, "thinking": {"type": "adaptive"}}
        return await client.messages.create(**asked(model=model), extra_body=told)

    assert talk(stage, play).content
