"""What is translated comes to the same on the straight line and on the general path, for each pair of dialects."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from earthward.bench.exchange import SENTENCE, ollamas_answer, whole_answer
from earthward.config.snapshot import Endpoint, Shown, Snapshot
from earthward.fleet.found import Probed
from earthward.gateway.lanes import TARGETS
from earthward.gateway.worker import Worker
from earthward.ledger.record import Settled
from earthward.routing.balance.standing import Report
from earthward.routing.balance.view import Resident
from gateway.test_straight import KEY, Pieces, Seen, answered, general, made, seen

KINDS = {"openai_chat": "openai", "anthropic_messages": "anthropic", "ollama": "ollama", "gemini": "gemini"}
OPENAI, ANTHROPIC = "openai_chat", "anthropic_messages"
PAIRS = [(caller, target) for caller in (OPENAI, ANTHROPIC) for target in sorted(TARGETS) if target != caller]
ALL_PAIRS = pytest.mark.parametrize(("caller", "target"), PAIRS)
PATHS = {OPENAI: b"/v1/chat/completions", ANTHROPIC: b"/v1/messages"}
HI = [{"role": "user", "content": "Hi."}]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
TOOL = {"name": "weather", "input_schema": SCHEMA}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
USE = {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Oslo"}}


def posted(path: bytes, body: bytes, *lines: bytes) -> bytes:
    head = [
        b"POST %b HTTP/1.1" % path,
        b"host: localhost",
        b"authorization: Bearer " + KEY,
        *lines,
        b"content-length: %d" % len(body),
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def asked(caller: str, **fields: Any) -> bytes:
    body = {"model": "gpt-4o-mini", "messages": HI, "max_tokens": 50, **fields}
    return posted(PATHS[caller], msgspec.json.encode({name: it for name, it in body.items() if it is not None}))


COMMON: dict[str, dict[str, Any]] = {
    "plainly": {},
    "without a cap": {"max_tokens": None},
    "in other letters": {"messages": [{"role": "user", "content": "Grüße 🦊 \u0000"}]},
    "in turns": {"messages": [*HI, {"role": "assistant", "content": "Yes?"}, *HI, *HI]},
    "in parts": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    },
    "with wishes": {"temperature": 0.5, "top_p": 0.9},
    "with what nobody knows": {"zeal": 7, "service_tier": "auto"},
    "with a message that says more than is known": {"messages": [{**HI[0], "mood": "glad"}]},
    "for nothing": {"messages": []},
    "with silence": {"messages": [{"role": "user", "content": ""}]},
    "by a stranger role": {"messages": [{"role": "oracle", "content": "Hi."}]},
    "with a wrong type": {"temperature": "hot"},
    "with no messages at all": {"messages": 7},
    "with a number beyond all": {"seed": 10**30},
    "with much": {"messages": [{"role": "user", "content": "word " * 100_000}]},
}
ASKED: dict[str, dict[str, dict[str, Any]]] = {
    OPENAI: {
        **COMMON,
        "with a system text": {"messages": [{"role": "system", "content": "Be kind."}, *HI]},
        "with one too late": {"messages": [*HI, {"role": "developer", "content": "Be kind."}]},
        "with a name": {"messages": [{**HI[0], "name": "bob"}]},
        "with tools": {"tools": [FUNCTION]},
        "with tools that must be called": {"tools": [FUNCTION], "tool_choice": "required"},
        "with calls one at a time": {"tools": [FUNCTION], "parallel_tool_calls": False},
        "with a tool's result": {
            "messages": [
                *HI,
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            ],
            "tools": [FUNCTION],
        },
        "with a picture": {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}],
                }
            ]
        },
        "with a picture elsewhere": {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/b"}}]}
            ]
        },
        "for JSON": {"response_format": {"type": "json_object"}},
        "for a schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA}}},
        "for several": {"n": 2},
        "for none": {"n": 0},
        "with logprobs": {"logprobs": True, "top_logprobs": 2},
        "with stops and a seed": {"stop": ["END"], "seed": 7, "top_k": 5, "repetition_penalty": 1.1},
        "with effort": {"reasoning_effort": "high"},
        "for somebody": {"user": "ann", "metadata": {"a": "b"}, "store": False},
        "to be searched": {"web_search_options": {}},
        "in the old way": {"functions": [FUNCTION["function"]], "function_call": "auto"},
    },
    ANTHROPIC: {
        **COMMON,
        "with a system text": {"system": "Be kind."},
        "with tools": {"tools": [TOOL]},
        "with tools that must be called": {"tools": [TOOL], "tool_choice": {"type": "any"}},
        "with a tool's result": {
            "messages": [
                *HI,
                {"role": "assistant", "content": [USE]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "rain"}]},
            ],
            "tools": [TOOL],
        },
        "with a picture": {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
                    ],
                }
            ]
        },
        "with marks for a cache": {"system": [{"type": "text", "text": "Be.", "cache_control": {"type": "ephemeral"}}]},
        "with thinking": {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 4096},
        "for a schema": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        "for somebody": {"metadata": {"user_id": "ann"}},
        "with stops": {"stop_sequences": ["END"], "top_k": 5},
        "with servers of tools": {"mcp_servers": [{"url": "https://a.example"}]},
    },
}
RAW = [
    b'{"model":"gpt-4o","max_tokens":5,"messages":[{"role":"user","role":"assistant","content":"a","content":"b"}]}',
    b'{"model":"gpt-4o","max_tokens":5,"messages":[{"role":5,"role":"user","content":"Hi."}]}',
    b'{"model":"gpt-4o","max_tokens":5,"max_tokens":6,"messages":[{"role":"user","content":"Hi."}],"a":1,"a":2}',
    b'{"model":"gpt-4o","max_tokens":5,"messages":[{"role":"user","content":"Hi."}],"temperature":1e999}',
    b'{"model":"gpt-4o","max_tokens":5,"messages":[{"role":"user","content":"\\ud800"}]}',
    b'{"model":"gpt-4o","max_tokens":5,"messages":["\xff"]}',
    b"{",
]


def whole(target: str, **changes: Any) -> bytes:
    """An answer that reads well, with changes at its top."""
    return answered(msgspec.json.encode({**GOOD[target], **changes}))


GOOD: dict[str, dict[str, Any]] = {
    OPENAI: msgspec.json.decode(whole_answer()[0].partition(b"\r\n\r\n")[2]),
    "ollama": msgspec.json.decode(ollamas_answer()[0].partition(b"\r\n\r\n")[2]),
    ANTHROPIC: {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": SENTENCE}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "output_tokens": 30},
    },
    "gemini": {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": SENTENCE}]}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 30, "totalTokenCount": 50},
        "modelVersion": "gemini-2.5",
    },
}
USAGES = {OPENAI: "usage", ANTHROPIC: "usage", "gemini": "usageMetadata"}
ERRORS = {
    OPENAI: {"error": {"message": "no", "type": "invalid_request_error"}},
    ANTHROPIC: {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}},
    "gemini": {"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}},
    "ollama": {"error": "no"},
}


def said(target: str, text: str | None, *, calls: bool = False, reason: str | None = None) -> bytes:
    """Another answer of the target's."""
    match target:
        case "openai_chat":
            message = {"role": "assistant", "content": text, **({"tool_calls": [CALL]} if calls else {})}
            return whole(target, choices=[{"index": 0, "message": message, "finish_reason": reason}])
        case "anthropic_messages":
            return whole(
                target,
                content=[*([{"type": "text", "text": text}] if text else []), *([USE] if calls else [])],
                stop_reason=reason,
            )
        case "gemini":
            call = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}
            parts = [*([{"text": text}] if text else []), *([call] if calls else [])]
            return whole(target, candidates=[{"content": {"parts": parts}, "finishReason": reason}])
    call = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    message = {"role": "assistant", "content": text, **({"tool_calls": [call]} if calls else {})}
    return whole(target, message=message, done_reason=reason)


def without_usage(target: str) -> bytes:
    if target == "ollama":
        return whole(target, prompt_eval_count=None, eval_count=None)
    return whole(target, **{USAGES[target]: None})


def odd_usage(target: str) -> bytes:
    if target == "ollama":
        return whole(target, prompt_eval_count=True, eval_count=10**30)
    counts = {"prompt_tokens": 10**30, "input_tokens": -5, "promptTokenCount": "x", "output_tokens": 10**12}
    return whole(target, **{USAGES[target]: counts})


ANSWERED: dict[str, Callable[[str], Pieces]] = {
    "well": lambda target: [whole(target)],
    "in pieces": lambda target: [whole(target)[:20], whole(target)[20:200], whole(target)[200:]],
    "with calls": lambda target: [said(target, None, calls=True, reason="stop")],
    "with text and calls": lambda target: [said(target, "Now.", calls=True, reason="tool_calls")],
    "with a call told as text": lambda target: [
        said(target, '{"name":"weather","arguments":{"city":"a"}}', reason="stop")
    ],
    "with calls in the wrong form": lambda target: [said(target, '{"city": 7}', reason="stop")],
    "in the right form": lambda target: [said(target, '```json\n{"city":"Oslo"}\n```', reason="stop")],
    "emptily": lambda target: [said(target, "", reason="stop")],
    "with null": lambda target: [said(target, None, reason="stop")],
    "cut off": lambda target: [said(target, "And", reason="length")],
    "for a reason nobody knows": lambda target: [said(target, "And", reason="tired")],
    "with an end that is none": lambda target: [said(target, "And", reason="load")],
    "without usage": lambda target: [without_usage(target)],
    "with odd usage": lambda target: [odd_usage(target)],
    "not to the end": lambda target: [whole(target, done=False, choices=[], content=[], candidates=[])],
    "with wrong types": lambda target: [whole(target, model=7, message=5, choices=7, content=7, candidates=7)],
    "with an error as if it were well": lambda target: [answered(msgspec.json.encode(ERRORS[target]))],
    "with an error beside an answer": lambda target: [whole(target, **ERRORS[target], model=7)],
    "with keys given twice": lambda target: [answered(msgspec.json.encode(GOOD[target])[:-1] + b',"model":"other"}')],
    "with a wrong key given twice": lambda target: [answered(b'{"model":7,' + msgspec.json.encode(GOOD[target])[1:])],
    "with what is no UTF-8": lambda target: [answered(b'{"zeal":"\xff",' + msgspec.json.encode(GOOD[target])[1:])],
    "with a half of a character": lambda target: [
        answered(b'{"zeal":"\\ud800",' + msgspec.json.encode(GOOD[target])[1:])
    ],
    "in no JSON": lambda target: [answered(b"<html>")],
    "in half of it": lambda target: [answered(msgspec.json.encode(GOOD[target])[:-9])],
    "with a list": lambda target: [answered(b"[]")],
    "with nothing": lambda target: [answered(b"")],
    "with an id": lambda target: [answered(msgspec.json.encode(GOOD[target]), b"x-request-id: r", b"retry-after: 7")],
    "compressed": lambda target: [answered(msgspec.json.encode(GOOD[target]), b"content-encoding: gzip")],
    "with more bytes than may be": lambda target: [answered(b"x" * 5000)],
    "400": lambda target: [answered(msgspec.json.encode(ERRORS[target]), status=b"400 Bad Request")],
    "429": lambda target: [answered(msgspec.json.encode(ERRORS[target]), b"retry-after: 7", status=b"429 Too Many")],
    "500": lambda target: [answered(b"oops", status=b"500 Internal Server Error")],
    "by going away": lambda target: [b""],
    "by going away in the middle": lambda target: [whole(target)[:-5], b""],
    "not before the caller leaves": lambda target: [],
}


def of(target: str, **changes: Any) -> Snapshot:
    """Both arms are asked in this dialect; `changes` are the targets'."""
    plain = made()
    providers = (msgspec.structs.replace(it, kind=KINDS[target], dialect=target) for it in plain.providers)
    targets = (
        msgspec.structs.replace(it, abilities=frozenset({"tools", "images", "schema", "stream"}), **changes)
        for it in plain.targets
    )
    return msgspec.structs.replace(plain, providers=tuple(providers), targets=tuple(targets))


def timeless(answer: bytes) -> bytes:
    """Without the second in which it was written, and the ids that were drawn for Gemini's calls."""
    return re.sub(rb'"created":[0-9]+|"id":"call_[0-9a-f]{12}_', b"", answer)


def on_both(
    asks: list[bytes],
    pieces: Pieces,
    settings: Snapshot,
    before: Callable[[Worker], object] = lambda serving: None,
) -> Seen:
    """What the straight line did, which is what the general path did."""
    straight = seen(asks, pieces, settings, before)
    other = seen(asks, pieces, general(settings), before)
    assert other.straight == 0
    assert straight.upstream == other.upstream
    assert list(map(timeless, straight.caller)) == list(map(timeless, other.caller))
    assert straight.entries == other.entries
    return straight


@ALL_PAIRS
def test_both_paths_ask_the_same(caller: str, target: str) -> None:
    asks = [asked(caller, **fields) for fields in ASKED[caller].values()]
    found = on_both(asks, [whole(target)], of(target))
    assert found.straight >= len(asks) // 2


@ALL_PAIRS
def test_both_paths_read_the_same_of_what_is_hardly_json(caller: str, target: str) -> None:
    on_both([posted(PATHS[caller], body) for body in RAW], [whole(target)], of(target))


@ALL_PAIRS
@pytest.mark.parametrize("how", ANSWERED)
def test_both_paths_answer_the_same(caller: str, target: str, how: str) -> None:
    asks = [
        asked(caller),
        *(asked(caller, **ASKED[caller][it]) for it in ("with tools", "for a schema", "for somebody")),
    ]
    found = on_both(asks, ANSWERED[how](target), of(target))
    assert found.straight


@ALL_PAIRS
def test_what_is_translated_goes_straight(caller: str, target: str) -> None:
    asks = [asked(caller, messages=[{"role": "user", "content": f"Hi {number}."}]) for number in range(9)]
    assert on_both(asks, [whole(target)], of(target)).straight == len(asks)


def test_what_could_not_be_said_is_told_and_put_on_record() -> None:
    found = on_both([asked(OPENAI, user="ann", zeal=7)], [whole("ollama")], of("ollama"))
    assert found.straight == 1
    assert b"x-earthward-dropped: user, zeal\r\n" in found.caller[0]
    assert [entry.record.dropped for entry in found.entries if isinstance(entry, Settled)] == [("user", "zeal")]


@pytest.mark.parametrize("fields", [{"n": 3}, ASKED[OPENAI]["for a schema"]])
def test_what_takes_another_round_goes_on_in_the_general_path(fields: dict[str, Any]) -> None:
    found = on_both([asked(OPENAI, **fields)], [whole("ollama")], of("ollama"))
    assert found.straight == 1
    assert len(found.upstream) > 1


# -- heads that come again -----------------------------------------------------------------------------------------


def of_one_address(*kinds: str) -> Snapshot:
    """Both providers have the same endpoint, and so the same connections."""
    plain = made()
    providers = (
        msgspec.structs.replace(
            it,
            kind=kind,
            endpoints=(Endpoint("http://127.0.0.1:1/v1", place),),
        )
        for place, (it, kind) in enumerate(zip(plain.providers, kinds, strict=True))
    )
    return msgspec.structs.replace(plain, providers=tuple(providers))


def test_a_head_that_comes_again_is_another_kinds_where_providers_share_a_connection() -> None:
    own = (b"x-request-id: req_1", b"openai-processing-ms: 5", b"x-ratelimit-limit-requests: 7", b"server: vllm")
    answer = answered(msgspec.json.encode(GOOD[OPENAI]), *own)
    body = msgspec.json.encode({"model": "gpt-4o", "messages": HI})
    asks = [posted(PATHS[OPENAI], body, b"x-earthward-unit: %d" % unit) for unit in range(12)]
    found = on_both(asks, [answer], of_one_address("openai", "openai_compatible"))
    assert found.straight == len(asks)
    told = {(b"x-earthward-target: mini" in it, b"openai-processing-ms" in it) for it in found.caller}
    assert told == {(True, True), (False, False)}


@pytest.mark.parametrize("target", ["ollama", "gemini"])
def test_a_head_that_comes_again_is_another_callers_where_they_share_a_connection(target: str) -> None:
    asks = [asked(OPENAI), asked(ANTHROPIC)] * 3
    found = on_both(asks, [whole(target)], of(target))
    assert found.straight == len(asks)
    named = [(b"\r\nx-request-id: " in it, b"\r\nrequest-id: " in it) for it in found.caller]
    assert named == [(True, False), (False, True)] * 3


@pytest.mark.parametrize("caller", [OPENAI, ANTHROPIC])
def test_a_head_that_came_to_one_who_passes_it_on_is_not_passed_on_in_translation(caller: str) -> None:
    """Both kinds of callers are served by one provider, one of them in its own dialect."""
    answer = answered(msgspec.json.encode(GOOD[caller]), b"request-id: r1", b"x-request-id: r2", b"retry-after: 3")
    found = on_both([asked(OPENAI), asked(ANTHROPIC)] * 3, [answer], of(caller))
    assert found.straight == 6
    passed = [b"retry-after" in it or b": r1" in it or b": r2" in it for it in found.caller]
    assert passed == [caller == OPENAI, caller == ANTHROPIC] * 3


# -- Ollama's hosts ------------------------------------------------------------------------------------------------


def loaded(context: int | None) -> Callable[[Worker], object]:
    """What hosts tell of the models that they hold: these, with so much context; None for none."""
    names = ("gpt-4o-mini:latest", "llama:latest")
    residents = () if context is None else tuple(Resident(name, context) for name in names)

    def tell(serving: Worker) -> None:
        for provider in serving.serving.providers.values():
            report = Report(1.0, residents, sizes=tuple((name, 1) for name in names))
            serving.serving.hear([Probed(provider.name, provider.endpoints[0].url, report)])

    return tell


@pytest.mark.parametrize(
    ("context", "has", "is_straight"), [(None, 2048, True), (8192, 8192, True), (8192, 4096, False)]
)
def test_only_a_host_that_need_not_load_is_asked_straight(context: int | None, has: int, *, is_straight: bool) -> None:
    settings = of("ollama", context=context, keep_alive="10m")
    found = on_both([asked(OPENAI)], [whole("ollama")], settings, loaded(has))
    assert found.straight == is_straight
    attempts = [entry.record.attempts[0] for entry in found.entries if isinstance(entry, Settled)]
    assert attempts[0].context == (context or 0)


@pytest.mark.parametrize("made_for", [2048, 131_072])
def test_what_hosts_show_of_a_model_leads_nowhere_else(made_for: int) -> None:
    """They show it of every model that a target names, mostly with more context than is asked for."""
    names = ("gpt-4o-mini:latest", "llama:latest")
    shown = tuple(Shown(name, ("completion", "tools", "thinking"), context=made_for, stop=("</s>",)) for name in names)

    def tell(serving: Worker) -> None:
        for provider in serving.serving.providers.values():
            residents = tuple(Resident(name, min(4096, made_for)) for name in names)
            report = Report(1.0, residents, sizes=tuple((name, 1) for name in names), shown=shown)
            serving.serving.hear([Probed(provider.name, provider.endpoints[0].url, report)])

    asks = [asked(OPENAI), asked(OPENAI, stop=["END"]), asked(OPENAI, tools=[FUNCTION])]
    settings = of("ollama", context=4096, states_abilities=True)
    assert on_both(asks, [whole("ollama")], settings, tell).straight == len(asks)


def test_a_host_without_the_model_is_left_to_the_general_path() -> None:
    assert on_both([asked(OPENAI)], [whole("ollama")], of("ollama"), loaded(None)).straight == 0


def test_among_several_hosts_only_the_one_that_was_drawn_has_to_hold_the_model() -> None:
    plain = of("ollama")

    def two(number: int) -> tuple[Endpoint, ...]:
        return tuple(Endpoint(f"http://127.0.0.1:{number + at}", number + at) for at in (0, 1))

    providers = (
        msgspec.structs.replace(it, balance="warmest", endpoints=two(10 * (place + 1)))
        for place, it in enumerate(plain.providers)
    )
    settings = msgspec.structs.replace(plain, providers=tuple(providers))

    def tell(serving: Worker) -> None:
        loaded(4096)(serving)
        for provider in serving.serving.providers.values():
            report = Report(1.0, (), sizes=(("gpt-4o-mini:latest", 1), ("llama:latest", 1)))
            serving.serving.hear([Probed(provider.name, provider.endpoints[1].url, report)])

    assert on_both([asked(OPENAI)] * 3, [whole("ollama")], settings, tell).straight == 3


@pytest.mark.parametrize(("counted", "status"), [(1000, "failed"), (20, "failed"), (5000, "ok")])
def test_a_prompt_that_was_cut_is_seen_on_both_paths(counted: int, status: str) -> None:
    ask = asked(OPENAI, messages=[{"role": "user", "content": "word " * 2000}])
    pieces = [whole("ollama", prompt_eval_count=counted)]
    found = on_both([ask], pieces, of("ollama", context=1024), loaded(1024))
    assert found.straight == 1
    assert [entry.record.status for entry in found.entries if isinstance(entry, Settled)] == [status]


@pytest.mark.parametrize("field", ["tiers", "widest"])
def test_contexts_to_choose_from_lead_away(field: str) -> None:
    settings = of("ollama", context=4096, **{field: (2048, 4096) if field == "tiers" else 8192})
    assert on_both([asked(OPENAI)], [whole("ollama")], settings, loaded(4096)).straight == 0


@pytest.mark.parametrize(("characters", "is_straight"), [(100, True), (4 * 1024, False), (40_000, False)])
def test_where_another_target_waits_a_prompt_must_fit_for_sure(characters: int, *, is_straight: bool) -> None:
    plain = of("ollama", context=1024)
    route = msgspec.structs.replace(plain.routes[0], use="mini", baseline=None, candidate=None, fallback=("llama",))
    settings = msgspec.structs.replace(plain, routes=(route,))
    ask = asked(OPENAI, messages=[{"role": "user", "content": "x" * characters}])
    assert on_both([ask], [whole("ollama")], settings).straight == is_straight


@pytest.mark.parametrize(("setting", "is_straight"), [("keep_alive", True), ("zeal", False)])
def test_settings_of_a_kind_lead_away_unless_they_are_known(setting: str, *, is_straight: bool) -> None:
    plain = of("ollama")
    providers = tuple(msgspec.structs.replace(it, settings=((setting, "10m"),)) for it in plain.providers)
    settings = msgspec.structs.replace(plain, providers=providers)
    assert on_both([asked(OPENAI)], [whole("ollama")], settings).straight == is_straight


def test_an_address_stays_in_the_house_on_both_paths() -> None:
    plain = of("ollama", zone="local")
    ask = asked(OPENAI, **ASKED[OPENAI]["with a picture elsewhere"])
    found = on_both([ask], [whole("ollama")], plain)
    assert (found.straight, found.upstream) == (0, [])
