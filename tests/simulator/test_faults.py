"""Every fault of the table, seen through a raw socket, for every vendor and for whole and for streamed answers."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from earthward.simulator import FAULTS, Simulator
from earthward.simulator.vendors import VENDORS
from speech import OLLAMA_V1, OPENAI, SPEECHES, Speech

HONEST = "t0 t1 t2 t3 t4 t5 t6 t7"
Look = Callable[[Any, Speech], bool]


def is_json(seen: Any) -> bool:
    try:
        return bool(json.loads(seen.text))
    except ValueError:
        return False


def events(seen: Any, speech: Speech) -> list[Any]:
    return speech.events(seen.text)


def is_honest_whole(seen: Any, speech: Speech) -> bool:
    return bool(seen.status == 200 and speech.whole(seen.json) == HONEST and seen.end == "eof")


def is_honest_stream(seen: Any, speech: Speech) -> bool:
    read = events(seen, speech)
    return bool(speech.said(read) == HONEST and speech.is_last(read[-1]) and seen.end == "eof")


def says_nothing(end: str) -> Look:
    return lambda seen, speech: seen.raw == b"" and seen.end == end


def has_status(status: int, code: str | None = None) -> Look:
    def look(seen: Any, speech: Speech) -> bool:
        told = speech.error(seen.json) is not None and (speech is not OPENAI or seen.json["error"]["code"] == code)
        return bool(seen.status == status and seen.end == "eof" and told)

    return look


def is_half_of_a_body(end: str) -> Look:
    def look(seen: Any, speech: Speech) -> bool:
        missing = int(seen.headers["content-length"]) - len(seen.body)
        return seen.status == 200 and seen.end == end and missing > 0 and len(seen.body) > 100

    return look


def is_broken_off(end: str) -> Look:
    """Three tokens, then no more, and no last chunk."""

    def look(seen: Any, speech: Speech) -> bool:
        return b" t2" in seen.body and b" t3" not in seen.body and b"0\r\n\r\n" not in seen.body and seen.end == end

    return look


def has_wrong_length(by: int) -> Look:
    def look(seen: Any, speech: Speech) -> bool:
        return int(seen.headers["content-length"]) - len(seen.body) == by and seen.end == "eof"

    return look


def is_html(status: int) -> Look:
    return lambda seen, speech: (
        seen.status == status and seen.headers["content-type"].startswith("text/html") and b"<h1>" in seen.body
    )


def is_large_whole(seen: Any, speech: Speech) -> bool:
    return speech.whole(seen.json) == "t" * 300_000


def is_large_event(seen: Any, speech: Speech) -> bool:
    read = events(seen, speech)
    return len(read) == 1 and len(seen.text) > 300_000 and "t" * 300_000 in json.dumps(read[0])


def is_bomb(seen: Any, speech: Speech) -> bool:
    packed = len(seen.body)
    return seen.headers["content-encoding"] == "gzip" and packed < 1000 and len(gzip.decompress(seen.body)) == 300_000


def ends_in_error(content: str) -> Look:
    def look(seen: Any, speech: Speech) -> bool:
        *before, last = events(seen, speech)
        # Ollama's imitation of OpenAI loses the error: an empty chunk of no model, and no last event.
        told = last["model"] == "" if speech is OLLAMA_V1 else speech.error(last) is not None
        return seen.status == 200 and told and speech.said(before) == content

    return look


def is_half_of_a_chunk(seen: Any, speech: Speech) -> bool:
    size, _, rest = seen.body.partition(b"\r\n")
    return seen.headers["transfer-encoding"] == "chunked" and 100 < len(rest) < int(size, 16) and seen.end == "eof"


def has_broken_events(seen: Any, speech: Speech) -> bool:
    """From the fourth token on they are cut in the middle, and the framing holds."""
    lines = [line for line in seen.text.splitlines() if line and not line.startswith(b"event: ")]
    broken = [line for line in lines if not line.endswith((b"}", b"[DONE]"))]
    return len(broken) == 5 and speech.is_last(speech.events(lines[-1])[-1])


def is_silent(seen: Any, speech: Speech) -> bool:
    read = events(seen, speech)
    return speech.said(read) == "" and speech.is_last(read[-1])


def is_sliced(seen: Any, speech: Speech) -> bool:
    return is_honest_stream(seen, speech) and seen.body.count(b"\r\n3\r\n") > 200


def is_redirected(seen: Any, speech: Speech) -> bool:
    return seen.status == 307 and bool(seen.headers["location"] == "/v1/elsewhere")


def is_unfinished(seen: Any, speech: Speech, content: str) -> bool:
    read = events(seen, speech)
    return speech.said(read) == content and not any(speech.is_last(event) for event in read)


# What a whole and a streamed answer look like; one look where both are alike.
EXPECTED: dict[str, tuple[Look, Look]] = {
    "refused": (says_nothing("reset"),) * 2,
    "blackhole": (says_nothing("open"),) * 2,
    "reset_before_head": (says_nothing("reset"),) * 2,
    "closed_before_head": (says_nothing("eof"),) * 2,
    "reset_mid_body": (is_half_of_a_body("reset"), is_broken_off("reset")),
    "early_eof": (is_half_of_a_body("eof"), is_broken_off("eof")),
    "stall": (is_half_of_a_body("open"), is_broken_off("open")),
    "slow_drip": (
        is_honest_whole,
        lambda seen, speech: is_honest_stream(seen, speech) and b"\r\n1\r\n{" in seen.body,
    ),
    "html": (is_html(200),) * 2,
    "html_502": (is_html(502),) * 2,
    "empty": (lambda seen, speech: seen.status == 200 and seen.headers["content-length"] == "0",) * 2,
    "broken_json": (lambda seen, speech: seen.end == "eof" and not is_json(seen), has_broken_events),
    "truncated_chunk": (
        is_half_of_a_chunk,
        lambda seen, speech: b"400\r\n" in seen.body and seen.body.endswith(b"{") and seen.end == "eof",
    ),
    "bad_chunk_size": (is_honest_whole, lambda seen, speech: b"\r\nzz\r\n" in seen.body and seen.end == "eof"),
    "wrong_length": (has_wrong_length(100),) * 2,
    "short_length": (has_wrong_length(-10),) * 2,
    "huge_body": (is_large_whole, is_large_event),
    "gzip_bomb": (is_bomb, is_bomb),
    "slow_first_byte": (is_honest_whole, is_honest_stream),
    "slow_head": (lambda seen, speech: seen.raw.endswith(b"content-length: 0\r\n\r\n"),) * 2,
    "endless_headers": (lambda seen, speech: len(seen.raw) >= 300_000 and b"\r\n\r\n" not in seen.raw,) * 2,
    "endless_header": (lambda seen, speech: len(seen.raw) >= 300_000 and seen.raw.count(b"\r\n") == 1,) * 2,
    "not_http": (lambda seen, speech: seen.raw.startswith(b"SSH-2.0") and seen.end == "eof",) * 2,
    "400": (has_status(400),) * 2,
    "401": (has_status(401, "invalid_api_key"),) * 2,
    "402": (has_status(402),) * 2,
    "403": (has_status(403, "permission_denied"),) * 2,
    "404": (has_status(404, "model_not_found"),) * 2,
    "408": (has_status(408),) * 2,
    "quota": (has_status(429, "insufficient_quota"),) * 2,
    "429": (
        lambda seen, speech: has_status(429, "rate_limit_exceeded")(seen, speech) and "retry-after" not in seen.headers,
    )
    * 2,
    "429_retry_after": (
        lambda seen, speech: (
            has_status(429, "rate_limit_exceeded")(seen, speech) and seen.headers["retry-after"] == "1"
        ),
    )
    * 2,
    "500": (has_status(500),) * 2,
    "502": (has_status(502),) * 2,
    "503": (has_status(503),) * 2,
    "504": (has_status(504),) * 2,
    "529": (has_status(529),) * 2,
    "redirect": (is_redirected,) * 2,
    "error_event": (
        lambda seen, speech: seen.status == 200 and bool(speech.error(seen.json)),
        ends_in_error("t0 t1 t2"),
    ),
    "error_first": (is_honest_whole, ends_in_error("")),
    "no_done": (
        is_honest_whole,
        lambda seen, speech: is_unfinished(seen, speech, HONEST) and seen.end == "eof",
    ),
    "cut_short": (is_honest_whole, lambda seen, speech: is_unfinished(seen, speech, "t0 t1 t2")),
    "silent": (is_honest_whole, is_silent),
    "sliced": (is_honest_whole, is_sliced),
}
SIZED = ("huge_body", "gzip_bomb", "endless_headers", "endless_header")
FALLS_SILENT = ("blackhole", "stall")


def test_every_fault_of_the_table_and_every_vendor_is_looked_at_here():
    assert set(EXPECTED) == set(FAULTS)
    assert {speech.name for speech in SPEECHES} == {vendor.name for vendor in VENDORS} - {"google_identity"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("speech", SPEECHES, ids=lambda speech: speech.name)
def test_every_fault_is_what_it_says(stage, speech, name, stream):
    sim = {"fault": name, "tokens": 8, "wait": 0.0001} | ({"size": 300_000} if name in SIZED else {})
    silence = 0.4 if name in FALLS_SILENT else 60.0
    (seen,) = stage.answers(speech.asked(stream, sim=sim, silence=silence), seed=1)
    assert EXPECTED[name][stream](seen, speech), seen


def accepts(look: Look, seen: Any, speech: Speech) -> bool:
    try:
        return bool(look(seen, speech))
    except (AssertionError, LookupError, OSError, TypeError, ValueError):
        return False


@pytest.mark.parametrize("speech", SPEECHES, ids=lambda speech: speech.name)
def test_an_answer_without_fault_looks_like_none_of_them(stage, speech):
    """But for those that leave such an answer alone, or only take their time over it."""
    asked = [speech.asked(stream, sim={"tokens": 8}) for stream in (False, True)]
    whole, streamed = stage.answers(*asked, seed=1)
    assert is_honest_whole(whole, speech)
    assert is_honest_stream(streamed, speech)
    late = {"slow_drip", "slow_first_byte"}
    for_streams = {fault.name for fault in FAULTS.values() if not fault.whole}
    assert {name for name, looks in EXPECTED.items() if accepts(looks[0], whole, speech)} == late | for_streams
    assert {name for name, looks in EXPECTED.items() if accepts(looks[1], streamed, speech)} == {"slow_first_byte"}


@pytest.mark.parametrize(("after", "content"), [(0, ""), (1, "t0"), (6, "t0 t1 t2 t3 t4 t5")])
def test_a_stream_breaks_where_the_script_says(stage, after, content):
    (seen,) = stage.answers({"sim": {"fault": "cut_short", "after": after}, "stream": True})
    assert seen.content == content


def test_a_refusal_given_with_seconds_names_them(stage):
    (seen,) = stage.answers({"sim": {"fault": "429", "retry_after": 2.5}})
    assert seen.headers["retry-after"] == "2.5"


def test_a_refused_connection_is_refused_until_the_time_is_over(stage):
    async def play() -> tuple[list[str], int]:
        ends: list[str] = []
        async with Simulator() as simulator:
            assert (await stage.ask(simulator, sim={"fault": "refused", "wait": 1.0})).end == "reset"
            while True:
                try:
                    seen = await stage.ask(simulator)
                except ConnectionRefusedError:
                    ends.append("refused")
                else:
                    return ends, seen.status

    refusals, status = stage.run(play())
    assert refusals
    assert status == 200
