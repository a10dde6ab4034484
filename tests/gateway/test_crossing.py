"""Every way in to every way out: requests, whole answers, and recorded streams cut anywhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from earthward.chat import (
    ChatRequest,
    Count,
    Failure,
    FailureKind,
    Message,
    Reasoning,
    ReasoningControl,
    Role,
    Text,
    TextDelta,
    ToolCall,
    Usage,
)
from earthward.config.snapshot import Provider, Target
from earthward.dialects.envelope import Envelope, read
from earthward.dialects.openai_responses.ids import OURS
from earthward.gateway.crossing import MOST_NAMES, OTHER, Crossing, Translating, Written, crossing, plain_names
from earthward.gateway.doors import DOORS, EXITS, door_at
from earthward.gateway.doors.door import Question, entered
from earthward.gateway.terms import AS_ASKED, Terms
from earthward.providers import KINDS
from earthward.providers.kind import Kind

GOLDEN = Path(__file__).parents[1] / "dialects" / "golden"
STREAMS = {
    "openai_chat": GOLDEN / "streams",
    "anthropic_messages": GOLDEN / "anthropic_streams",
    "ollama": GOLDEN / "ollama" / "streams",
    "gemini": GOLDEN / "gemini_streams",
    "openai_responses": GOLDEN / "responses_streams",
}


def sse(*events: dict[str, Any], named: bool = False) -> bytes:
    names = [b"event: %b\n" % event["type"].encode() if named else b"" for event in events]
    return b"".join(
        b"%bdata: %b\n\n" % (name, json.dumps(event).encode()) for name, event in zip(names, events, strict=True)
    )


def chunk(choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "up", "choices": choices, **more}


def response(**fields: Any) -> dict[str, Any]:
    return {"id": "r", "object": "response", "created_at": 1, "model": "up", "output": [], **fields}


MESSAGE = {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}
CUT = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
LINE = {"model": "up", "created_at": "2026-01-01T00:00:00Z"}
TEXT = {
    "openai_chat": sse(
        chunk([{"index": 0, "delta": {"role": "assistant", "content": "Hello"}, "finish_reason": None}]),
        chunk([{"index": 0, "delta": {}, "finish_reason": "length"}]),
        chunk([], usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}),
    )
    + b"data: [DONE]\n\n",
    "anthropic_messages": sse(
        {"type": "message_start", "message": {"id": "m", "model": "up", "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
        named=True,
    ),
    "ollama": b"".join(
        json.dumps({**LINE, **line}).encode() + b"\n"
        for line in (
            {"message": {"role": "assistant", "content": "Hello"}, "done": False},
            {
                "message": {"role": "assistant", "content": ""},
                "done": True,
                "done_reason": "length",
                "prompt_eval_count": 3,
                "eval_count": 5,
            },
        )
    ),
    "gemini": sse(
        {"candidates": [{"content": {"parts": [{"text": "Hello"}]}, "index": 0}], "modelVersion": "up"},
        {
            "candidates": [{"finishReason": "MAX_TOKENS", "index": 0}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 5},
            "modelVersion": "up",
        },
    ),
    "openai_responses": sse(
        {"type": "response.created", "response": response(status="in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": {**MESSAGE, "content": []}},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hello"},
        {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE},
        {
            "type": "response.incomplete",
            "response": response(**CUT, output=[MESSAGE], usage={"input_tokens": 3, "output_tokens": 5}),
        },
        named=True,
    ),
}
WHOLE = {
    "openai_chat": {
        "id": "c", "object": "chat.completion", "created": 1, "model": "up",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    },
    "anthropic_messages": {
        "id": "m", "type": "message", "role": "assistant", "model": "up", "stop_reason": "max_tokens",
        "content": [{"type": "text", "text": "Hello"}], "usage": {"input_tokens": 3, "output_tokens": 5},
    },
    "ollama": {
        "model": "up", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": "Hello"},
        "done": True, "done_reason": "length", "prompt_eval_count": 3, "eval_count": 5,
    },
    "gemini": {
        "candidates": [{"content": {"parts": [{"text": "Hello"}]}, "finishReason": "MAX_TOKENS"}], "modelVersion": "up",
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 5},
    },
    "openai_responses": response(**CUT, output=[MESSAGE], usage={"input_tokens": 3, "output_tokens": 5}),
}  # fmt: skip
GENERATE = b"/v1beta/models/asked:generateContent"
CLAUDE = b"/v1/projects/acme/locations/eu/publishers/anthropic/models/asked:rawPredict"
DEPLOYMENT = b"/openai/deployments/asked/chat/completions"
VERTEX = b"/v1/projects/acme/locations/eu/publishers/google/models/asked:generateContent"
REQUESTS: dict[bytes, dict[str, Any]] = {
    GENERATE: {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "generationConfig": {"maxOutputTokens": 5}},
    VERTEX: {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
    CLAUDE: {
        "anthropic_version": "vertex-2023-10-16",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 5,
    },
    DEPLOYMENT: {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5},
    b"/v1/completions": {"prompt": "Hi", "max_tokens": 5},
    b"/v1/responses": {"input": "Hi", "max_output_tokens": 5},
    b"/v1/chat/completions": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5},
    b"/v1/messages": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5},
    b"/api/chat": {"messages": [{"role": "user", "content": "Hi"}], "options": {"num_predict": 5}},
    b"/api/generate": {"prompt": "Hi", "options": {"num_predict": 5}},
}
every_pair = pytest.mark.parametrize(
    ("path", "dialect"), [(path, dialect) for path in REQUESTS for dialect in EXITS], ids=lambda it: str(it)
)


def question(path: bytes, stream: bool = False, **fields: Any) -> Question:
    """Google's way to ask for a stream is another path."""
    is_google_s = b":" in path
    asked = {} if is_google_s else {"model": "asked", "stream": stream}
    envelope = read(json.dumps({**asked, **REQUESTS[path], **fields}).encode())
    assert isinstance(envelope, Envelope)
    if stream and is_google_s:
        path = path.replace(b":generate", b":streamGenerate").replace(b":raw", b":streamRaw")
    door = door_at(path, b"alt=sse")
    assert door is not None
    envelope = entered(door, envelope)
    glance = door.glance(envelope)
    assert not isinstance(glance, Failure), glance
    return Question(door, envelope, glance, "1", 1_700_000_000)


def way(asked: Question, dialect: str) -> Crossing:
    kind = next(kind for kind in KINDS.values() if dialect in dialects_of(kind))
    provider = Provider("p", kind.name, dialect, "local", ())
    target = Target("t", "p", "up", "local", context=4096)
    return crossing(asked, EXITS[dialect].way(target, provider), dialect, "up")


def dialects_of(kind: Kind) -> set[str]:
    return {kind.dialect, *(api.dialect for api in kind.apis)}


def written(asked: Question, dialect: str) -> Any:
    request = way(asked, dialect).request()
    assert isinstance(request, Written), request
    return json.loads(request.body)


def said(path: bytes, body: bytes) -> str:
    """The text in a whole answer, by the caller's own dialect."""
    answer = json.loads(body)
    if path in (b"/v1/messages", CLAUDE):
        return str(answer["content"][0]["text"])
    if path == b"/api/generate":
        return str(answer["response"])
    if path == b"/v1/completions":
        return str(answer["choices"][0]["text"])
    if path == b"/v1/responses":
        return str(answer["output"][0]["content"][0]["text"])
    if b":" in path:
        return str(answer["candidates"][0]["content"]["parts"][0]["text"])
    return str((answer if path == b"/api/chat" else answer["choices"][0])["message"]["content"])


def test_every_dialect_of_a_provider_has_an_exit() -> None:
    assert {dialect for kind in KINDS.values() for dialect in dialects_of(kind)} == set(EXITS)
    doors = [*DOORS.values(), *(door_at(path, b"") for path in REQUESTS)]
    assert {door.key_dialect for door in doors if door} <= {kind.whose_keys for kind in KINDS.values()}


def test_every_door_is_asked_here() -> None:
    assert set(DOORS) <= set(REQUESTS)


@every_pair
@pytest.mark.parametrize("stream", [False, True])
def test_a_request_asks_the_target_for_its_own_model_and_for_a_stream_if_one_is_wanted(
    path: bytes, dialect: str, stream: bool
) -> None:
    wire = written(question(path, stream), dialect)
    if dialect == "gemini":
        assert "model" not in wire
        assert "stream" not in wire, "both stand in the path"
        return
    assert wire["model"] == "up"
    assert bool(wire.get("stream", False)) is stream
    if dialect == "openai_chat" and stream:
        assert wire["stream_options"] == {"include_usage": True}, "usage is asked for, wanted or not"


@every_pair
def test_a_whole_answer_says_the_same_and_names_the_model_that_was_asked_for(path: bytes, dialect: str) -> None:
    asked = question(path)
    this = way(asked, dialect)
    assert isinstance(this.request(), Written)
    if path == b"/api/generate" and dialect == "ollama":
        heard = this.whole(json.dumps({**WHOLE["ollama"], "response": "Hello"}).encode())
    else:
        heard = this.whole(json.dumps(WHOLE[dialect]).encode())
    assert heard.failure is None
    assert said(path, heard.body) == "Hello"
    answer = json.loads(heard.body)
    assert answer.get("modelVersion", answer.get("model")) == "asked"
    assert (heard.usage.input.tokens, heard.usage.output.tokens, heard.characters_out) == (3, 5, 5)


@every_pair
def test_a_stream_says_the_same_and_is_over_when_its_last_event_came(path: bytes, dialect: str) -> None:
    asked = question(path, stream=True)
    this = way(asked, dialect)
    assert isinstance(this.request(), Written)
    listener = this.stream()
    out = listener.feed(TEXT[dialect])
    if dialect == "gemini":
        assert not listener.is_over, "its only end is that of the body"
        out += listener.end()
    assert (listener.failure, listener.has_content, listener.is_over) == (None, True, True)
    assert b"Hello" in out
    assert b'"asked"' in out or b'"model": "asked"' in out
    assert b'"up"' not in out
    assert (listener.usage.input.tokens, listener.usage.output.tokens, listener.characters_out) == (3, 5, 5)
    assert listener.end() == b"", "all was said"


@every_pair
def test_a_stream_that_only_stops_is_a_failure_and_no_end_is_written(path: bytes, dialect: str) -> None:
    asked = question(path, stream=True)
    this = way(asked, dialect)
    assert isinstance(this.request(), Written)
    listener = this.stream()
    whole = TEXT[dialect]
    out = listener.feed(whole[: whole.index(b"Hello") + 15])
    out += listener.end()
    assert listener.failure is not None
    assert not listener.is_over
    for end in (b"[DONE]", b"message_stop", b'"done":true', b"response.completed", b"finishReason"):
        assert end not in out
    last = this.broken_off(Failure(FailureKind.BROKEN_STREAM, "it broke"))
    assert b"it broke" in last


PAIRS_OF_STREAMS = [
    pytest.param(path, dialect, file, id=f"{path.decode()}-{dialect}-{file.stem}")
    for path in (b"/v1/chat/completions", b"/v1/messages", b"/api/chat", b"/v1/responses", GENERATE)
    for dialect, folder in STREAMS.items()
    if path not in DOORS or DOORS[path].dialect != dialect
    for file in sorted(folder.iterdir())
    if file.suffix in (".sse", ".ndjson") and file.stat().st_size < 6000
]


@pytest.mark.parametrize(("path", "dialect", "file"), PAIRS_OF_STREAMS)
def test_where_a_stream_is_cut_makes_no_difference_to_the_caller(path: bytes, dialect: str, file: Path) -> None:
    recorded = file.read_bytes()
    once = heard(path, dialect, [recorded])
    step = max(1, len(recorded) // 40)
    for cut in range(0, len(recorded), step):
        assert heard(path, dialect, [recorded[:cut], recorded[cut:]]) == once, cut
    assert heard(path, dialect, [recorded[at : at + 1] for at in range(len(recorded))]) == once


def heard(path: bytes, dialect: str, pieces: list[bytes]) -> tuple[Any, ...]:
    this = way(question(path, stream=True), dialect)
    assert isinstance(this.request(), Written)
    listener = this.stream()
    out = b"".join(map(listener.feed, pieces)) + listener.end()
    failure = listener.failure.kind if listener.failure else None
    return out, failure, listener.is_over, listener.finish_reason, listener.usage, listener.characters_out


def test_what_only_tunes_is_dropped_and_named() -> None:
    request = way(question(b"/v1/chat/completions", logit_bias={"1": 1}), "ollama").request()
    assert isinstance(request, Written)
    assert request.dropped == ("logit_bias",)


def test_a_wish_that_nothing_is_stored_is_granted_and_not_called_dropped() -> None:
    for store, dropped in ((False, ()), (True, ("store",))):
        request = way(question(b"/v1/chat/completions", store=store), "ollama").request()
        assert isinstance(request, Written)
        assert request.dropped == dropped


def test_what_carries_content_and_has_no_word_there_is_a_failure() -> None:
    refused = way(question(b"/v1/chat/completions", n=2), "ollama").request()
    assert isinstance(refused, Failure)
    assert refused.param == "n"


def test_a_request_that_can_t_be_read_is_a_failure_only_where_it_must_be_read() -> None:
    odd = question(b"/v1/chat/completions", tools="no list")
    assert isinstance(way(odd, "openai_chat").request(), Written)
    assert isinstance(way(odd, "ollama").request(), Failure)


def test_a_body_that_is_no_answer_is_a_failure_in_every_dialect() -> None:
    for path in REQUESTS:
        for dialect in EXITS:
            for body in (b"", b"null", b"[]", b"{}", b"<html>", b'{"choices": 5}', b'{"error": "x"}'):
                this = way(question(path), dialect)
                assert isinstance(this.request(), Written)
                found = this.whole(body)
                assert found.failure is not None, (path, dialect, body)
                assert found.body == b""


def test_a_stream_of_google_s_is_an_array_unless_events_were_asked_for() -> None:
    path = GENERATE.replace(b":generate", b":streamGenerate")
    events, array = door_at(path, b"alt=sse"), door_at(path, b"")
    assert events is not None
    assert array is not None
    assert (events.stream_type, array.stream_type) == (b"text/event-stream", b"application/json; charset=utf-8")
    asked = question(GENERATE, stream=True)
    this = way(Question(array, asked.envelope, asked.glance, "1", 0), "ollama")
    assert isinstance(this.request(), Written)
    answers = json.loads(this.stream().feed(TEXT["ollama"]))
    assert answers[0]["candidates"][0]["content"]["parts"] == [{"text": "Hello"}]


def test_a_key_of_google_s_may_stand_in_the_url() -> None:
    door = door_at(GENERATE, b"key=AIza-x")
    assert door is not None
    assert door.presented == b"AIza-x"
    colon = door_at(b"/v1beta/models/llama3.1:8b:generateContent", b"")
    assert colon is not None
    assert colon.glance(question(GENERATE).envelope).model == "llama3.1:8b"
    for path in (b"/v1beta/models/:generateContent", b"/v2/models/a:generateContent", GENERATE + b"x", b"/v1beta"):
        assert door_at(path, b"") is None


ODD = ("a\r\nset-cookie: b=1", "with space", "\x00", "ü", "a,b", "", "n" * 65)


@every_pair
def test_what_is_dropped_is_named_in_words_that_a_header_can_hold(path: bytes, dialect: str) -> None:
    """The callers' own names may be anything, and as many as fit a body."""
    fields = {**dict.fromkeys(ODD, 1), **{f"f{number}": 1 for number in range(500)}}
    request = way(question(path, **fields), dialect).request()
    assert isinstance(request, Written), request
    assert len(request.dropped) <= MOST_NAMES
    assert not set(ODD) & set(request.dropped)
    if path != b"/api/chat" and path != b"/api/generate" and dialect == "ollama":
        assert request.dropped[-1] == OTHER


@pytest.mark.parametrize("name", ODD)
def test_a_name_that_is_no_name_is_another(name: str) -> None:
    assert plain_names(["top_k", name, "messages.name", name]) == ("top_k", OTHER, "messages.name")


@every_pair
def test_a_stream_that_breaks_off_has_used_what_was_told_before_and_no_count_of_a_mere_beginning(
    path: bytes, dialect: str
) -> None:
    asked = question(path, stream=True)
    crossed = way(asked, dialect)
    crossed.request()
    listener = crossed.stream()
    begun = TEXT[dialect].replace(b'"usage": {"input_tokens": 3}', b'"usage": {"input_tokens": 3, "output_tokens": 1}')
    listener.feed(begun[: begun.index(b"Hello") + 70])
    assert listener.has_content
    assert not listener.is_over
    assert listener.usage == (Usage(Count.reported(3)) if dialect == "anthropic_messages" else Usage())


def test_an_array_that_only_passes_through_and_breaks_is_closed_by_its_error() -> None:
    door = door_at(GENERATE.replace(b":generate", b":streamGenerate"), b"")
    assert door is not None
    asked = question(GENERATE, stream=True)
    this = way(Question(door, asked.envelope, asked.glance, "1", 0), "gemini")
    listener = this.stream()
    sent = listener.feed(TEXT["gemini"][: TEXT["gemini"].index(b"\n\n") + 2])
    first, last = json.loads(sent + this.broken_off(Failure(FailureKind.BROKEN_STREAM, "it broke")))
    assert first["candidates"][0]["content"]["parts"] == [{"text": "Hello"}]
    assert last["error"]["message"] == "it broke"
    assert json.loads(door.error_event(Failure(FailureKind.TIMEOUT, "late"), "1"))[0]["error"]["message"] == "late"


def test_an_event_of_ours_goes_on_counting_where_openai_s_own_ended() -> None:
    this = way(question(b"/v1/responses", stream=True), "openai_responses")
    event = {"type": "response.output_text.delta", "sequence_number": 41, "delta": "Hello"}
    this.stream().feed(sse(event, named=True))
    last = this.broken_off(Failure(FailureKind.BROKEN_STREAM, "it broke"))
    assert b'"sequence_number":42' in last


@pytest.mark.parametrize(
    ("model", "is_older"),
    [
        *(
            (name, True)
            for name in ("gemini-2.5-flash", "gemini-1.5-pro", "gemini-pro", "gemini-ultra", "gemini-2.0-x")
        ),
        *((name, True) for name in ("models/gemini-2.5-pro", "publishers/google/models/gemini-2.5-pro")),
        *((name, False) for name in ("gemini-3-pro", "gemini-3.1-flash", "publishers/google/models/gemini-3-pro")),
        *((name, False) for name in ("gemini-20-pro", "gemini-flash-latest", "gemini-pro-latest")),
    ],
)
def test_what_a_model_of_google_s_takes_is_known_by_its_name(model: str, is_older: bool) -> None:
    way = EXITS["gemini"].way(Target("t", "p", model, "cloud"), Provider("p", "gemini", "gemini", "cloud", ()))
    called = Message(Role.ASSISTANT, (ToolCall("1", "f", "{}"),))
    asked = ChatRequest(model, (called,), reasoning=ReasoningControl("high"))
    written = way.write_request(asked)
    assert isinstance(written, bytes)
    assert (b"thinkingBudget" in written, b"thoughtSignature" in written) == (is_older, not is_older)
    assert ("reasoning" in way.losses(asked)) is is_older


@pytest.mark.parametrize("zone", ["cloud", "local"])
def test_thinking_that_nobody_signed_goes_to_servers_in_the_house_alone(zone: str) -> None:
    """Anthropic refuses the whole request for it; who checks no signatures can make use of it."""
    way = EXITS["anthropic_messages"].way(
        Target("t", "p", "m", zone), Provider("p", "anthropic", "anthropic", zone, ())
    )
    blocks = [{"type": "thinking", "thinking": "Hm", "signature": ""}, {"type": "text", "text": "x"}]
    passing = question(b"/v1/messages", messages=[{"role": "assistant", "content": blocks}])
    assert (b"Hm" in way.pass_on(passing)) is (zone == "local")
    said = Message(Role.ASSISTANT, (Reasoning("Hm"), Text("x")))
    asked = ChatRequest("m", (Message(Role.USER, (Text("y"),)), said))
    written = way.write_request(asked)
    assert isinstance(written, bytes)
    assert (b"Hm" in written) is (zone == "local")
    assert ("messages.reasoning" in way.losses(asked)) is (zone == "cloud")


@pytest.mark.parametrize(
    ("path", "fields", "dialect", "named"),
    [
        (
            b"/v1/messages",
            {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm", "signature": ""}]}]},
            "anthropic_messages",
            "messages.content.thinking",
        ),
        (
            GENERATE,
            {"contents": [{"role": "model", "parts": [{"text": "a", "thoughtSignature": "Zm9yZWlnbjpFcVFC"}]}]},
            "gemini",
            "contents.parts.thoughtSignature",
        ),
        (
            b"/v1/responses",
            {"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "earthward:EqQB"}]},
            "openai_responses",
            "input.reasoning",
        ),
    ],
)
def test_what_is_taken_out_of_a_history_at_its_own_vendor_is_named(
    path: bytes, fields: Any, dialect: str, named: str
) -> None:
    """It was answered elsewhere: a signature is nothing to another vendor."""
    provider = Provider("p", dialect, dialect, "cloud", ())
    out = EXITS[dialect].way(Target("t", "p", "up", "cloud"), provider)
    taken = crossing(question(path, **fields), out, dialect, "up").request()
    assert isinstance(taken, Written)
    assert taken.dropped == (named,)
    plain = crossing(question(path), out, dialect, "up").request()
    assert isinstance(plain, Written)
    assert plain.dropped == ()


def test_ids_of_ours_are_taken_out_unnamed_as_they_say_nothing() -> None:
    said = {"type": "message", "id": OURS + "1", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
    provider = Provider("p", "openai", "openai_responses", "cloud", ())
    out = EXITS["openai_responses"].way(Target("t", "p", "up", "cloud"), provider)
    taken = crossing(question(b"/v1/responses", input=[said]), out, "openai_responses", "up").request()
    assert isinstance(taken, Written)
    assert OURS.encode() not in taken.body
    assert taken.dropped == ()


@pytest.mark.parametrize("path", [b"/v1/messages", b"/v1/responses"])
def test_what_is_cited_after_a_call_has_begun_is_named(path: bytes) -> None:
    """The text is closed by then, and one of its own would rest on nothing that it says."""
    crossed = way(question(path, stream=True), "openai_chat")
    assert isinstance(crossed.request(), Written)
    listener = crossed.stream()
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    page = {
        "type": "url_citation",
        "url_citation": {"url": "https://a", "title": "A", "start_index": 0, "end_index": 1},
    }
    deltas: list[Any] = [{"content": "Rain."}, {"tool_calls": [call]}, {"annotations": [page]}]
    pieces = [chunk([{"index": 0, "delta": delta}]) for delta in deltas]
    last = chunk([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])
    sent = listener.feed(sse(*pieces, last) + b"data: [DONE]\n\n")
    assert (listener.failure, b"https://a" in sent) == (None, False)
    assert crossed.lost == (FIELDS[path],)


CITED = {
    "openai_chat": "answers/openai_cited.json",
    "anthropic_messages": "anthropic_answers/anthropic_cited.json",
}
FIELDS = {
    b"/v1/chat/completions": "annotations",
    b"/v1/responses": "annotations",
    b"/v1/messages": "citations",
    b"/api/chat": "citations",
}


@pytest.mark.parametrize("path", FIELDS)
def test_what_of_an_answer_the_caller_cannot_be_told_is_named(path: bytes) -> None:
    """Of a page everybody but Ollama's callers is told, of a document of the request's only Anthropic's own."""
    page, document = (way(question(path), dialect) for dialect in CITED)
    for crossed, name in zip((page, document), CITED.values(), strict=True):
        assert isinstance(crossed.request(), Written)
        assert crossed.whole((GOLDEN / name).read_bytes()).failure is None
    named = (FIELDS[path],)
    assert page.lost == (named if path == b"/api/chat" else ())
    assert document.lost == (() if path == b"/v1/messages" else named)


@pytest.mark.parametrize("path", [GENERATE, *FIELDS])
def test_what_an_answer_tells_that_nobody_has_a_word_for_is_named_whole_and_streamed(path: bytes) -> None:
    candidate = {
        "content": {"role": "model", "parts": [{"text": "Hello"}, {"inlineData": {"mimeType": "image/png"}}]},
        "finishReason": "STOP",
        "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}],
        "groundingMetadata": {"searchEntryPoint": {"renderedContent": "<div>"}, "groundingChunks": []},
    }
    told = {"candidates": [candidate], "modelVersion": "up"}
    named = ("safetyRatings", "groundingMetadata.searchEntryPoint", "parts.inlineData")
    whole = translating(question(path))
    assert isinstance(whole.request(), Written)
    assert whole.whole(json.dumps(told).encode()).failure is None
    assert whole.lost == named
    streamed = translating(question(path, stream=True))
    assert isinstance(streamed.request(), Written)
    listener = streamed.stream()
    sent = listener.feed(sse(told, told)) + listener.end()
    assert (listener.failure, b"Hello" in sent) == (None, True)
    assert streamed.lost == named


def test_what_is_cited_and_what_is_told_besides_are_both_named() -> None:
    found = {"groundingChunks": [{"retrievedContext": {"title": "a.pdf", "text": "a"}}], "retrievalQueries": ["a"]}
    told = {"content": {"parts": [{"text": "Hello"}]}, "finishReason": "STOP", "groundingMetadata": found}
    whole = translating(question(b"/v1/chat/completions"))
    assert isinstance(whole.request(), Written)
    assert whole.whole(json.dumps({"candidates": [told]}).encode()).failure is None
    assert whole.lost == ("annotations", "groundingMetadata.retrievalQueries")


def translating(asked: Question) -> Crossing:
    """To Google's, for callers of its own dialect too."""
    provider = Provider("p", "gemini", "gemini", "cloud", ())
    return Translating(asked, EXITS["gemini"].way(Target("t", "p", "up", "cloud"), provider), "up", AS_ASKED)


def test_what_several_answers_tell_besides_is_named_once() -> None:
    """Asked one by one, each in a round of its own."""
    asked = question(b"/v1/chat/completions", n=2)
    provider = Provider("p", "anthropic", "anthropic_messages", "cloud", ())
    claude = EXITS["anthropic_messages"].way(Target("t", "p", "up", "cloud"), provider)
    several = Translating(asked, claude, "up", Terms(frozenset({"several"})))
    assert isinstance(several.request(), Written)
    blocks = [{"type": "server_tool_use", "id": "1", "name": "web_search", "input": {}}, {"type": "text", "text": "a"}]
    body = json.dumps({"id": "1", "content": blocks, "stop_reason": "end_turn"}).encode()
    several.whole(body)
    assert isinstance(several.more(), Written)
    assert several.whole(body).failure is None
    assert several.lost == ("content.server_tool_use",)


def test_what_several_streams_tell_besides_is_named_too() -> None:
    asked = question(b"/v1/chat/completions", stream=True, n=2)
    provider = Provider("p", "anthropic", "anthropic_messages", "cloud", ())
    claude = EXITS["anthropic_messages"].way(Target("t", "p", "up", "cloud"), provider)
    several = Translating(asked, claude, "up", Terms(frozenset({"several"})))
    assert isinstance(several.request(), Written)
    for kind in ("server_tool_use", "web_search_tool_result"):
        start = {"type": "content_block_start", "index": 0, "content_block": {"type": kind}}
        events = [{"type": "message_start", "message": {"id": "1"}}, start, {"type": "message_stop"}]
        listener = several.stream()
        listener.feed(sse(*events, named=True))
        assert (listener.failure, listener.is_over) == (None, True)
        several.more()
    assert several.lost == ("content.server_tool_use", "content.web_search_tool_result")


@pytest.mark.parametrize("path", FIELDS)
@pytest.mark.parametrize("name", ["openai_chat/streams/openai_cited.sse", "gemini/gemini_streams/cited.sse"])
def test_what_of_a_stream_the_caller_could_not_be_told_is_known_when_it_is_over(path: bytes, name: str) -> None:
    dialect, _, file = name.partition("/")
    crossed = way(question(path, stream=True), dialect)
    assert isinstance(crossed.request(), Written)
    listener = crossed.stream()
    sent = listener.feed((GOLDEN / file).read_bytes()) + listener.end()
    assert listener.failure is None
    # Google's stream also cites a text that it retrieved, for which nobody else has a word.
    is_told = path != b"/api/chat" and dialect != "gemini"
    besides = ("groundingMetadata.webSearchQueries",) if dialect == "gemini" else ()
    assert crossed.lost == ((() if is_told else (FIELDS[path],)) + besides)
    assert (b"https://example.com/oslo" in sent) is (path != b"/api/chat")


def test_what_passes_through_is_told_as_it_was_said() -> None:
    crossed = way(question(b"/v1/chat/completions"), "openai_chat")
    assert isinstance(crossed.request(), Written)
    assert b"url_citation" in crossed.whole((GOLDEN / CITED["openai_chat"]).read_bytes()).body
    assert crossed.lost == ()


@pytest.mark.parametrize(
    ("path", "fields", "dialect", "named"),
    [
        (
            b"/v1/chat/completions",
            {"response_format": {"type": "json_object"}},
            "anthropic_messages",
            "response_format",
        ),
        (b"/v1/responses", {"text": {"format": {"type": "json_object"}}}, "anthropic_messages", "text.format"),
        (b"/v1/messages", {"stop_sequences": ["a"]}, "openai_responses", "stop_sequences"),
        (b"/v1/messages", {"metadata": {"user_id": "u"}}, "gemini", "metadata.user_id"),
        (b"/api/chat", {"options": {"min_p": 0.1}}, "gemini", "options.min_p"),
    ],
)
def test_what_is_dropped_has_the_callers_own_name(path: bytes, fields: Any, dialect: str, named: str) -> None:
    request = way(question(path, **fields), dialect).request()
    assert isinstance(request, Written)
    assert request.dropped == (named,)


def test_a_message_of_anthropic_s_begins_with_an_estimate_of_what_was_asked() -> None:
    asked = question(b"/v1/messages", True, messages=[{"role": "user", "content": "word " * 400}])
    begun = f'"input_tokens":{asked.input_tokens}'.encode()
    assert asked.input_tokens > 100
    assert begun in asked.door.writer(asked).write(TextDelta("x"))
    way = EXITS["anthropic_messages"].way(Target("t", "p", "m", "local"), Provider("p", "anthropic", "a", "local", ()))
    piece = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}
    assert begun in way.listen(asked).feed(sse(piece, named=True)), "where the server tells nothing at its beginning"
