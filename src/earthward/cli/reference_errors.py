"""The page on errors: what a caller of each dialect gets for each kind of failure, and what the gateway did before."""

from typing import Any

import msgspec

from earthward.chat.failures import ANOTHER_MAY_SERVE, Failure, FailureKind
from earthward.cli.markdown import page, table
from earthward.gateway.doors import DOORS
from earthward.gateway.doors.door import Door
from earthward.gateway.doors.gemini import ANYWHERE

CALLERS: dict[str, Door] = {
    "OpenAI": DOORS[b"/v1/chat/completions"],
    "Anthropic": DOORS[b"/v1/messages"],
    "Google": ANYWHERE,
    "Ollama": DOORS[b"/api/chat"],
}
"""A door of each dialect."""
SHAPES = """```json
{"error": {"message": "…", "type": "…", "param": null, "code": "…"}}
```

```json
{"type": "error", "error": {"type": "…", "message": "…", "details": {"error_code": "…"}}}
```

```json
{"error": {"code": 400, "message": "…", "status": "…", "details": [{"reason": "…"}]}}
```

```json
{"error": "…"}
```"""

CAUSES = {
    FailureKind.BAD_REQUEST: "the body is no JSON, or lacks what every request needs; or the provider said so",
    FailureKind.UNSUPPORTED: "the request wants something that can't be passed on",
    FailureKind.CONTEXT_LENGTH: "the conversation is longer than the model's context",
    FailureKind.PROMPT_CUT: "the host has left out a part of the prompt without saying so, and answered the rest",
    FailureKind.TOO_LARGE: "the request is over a limit on size",
    FailureKind.BAD_KEY: "the caller's key is missing, unknown, revoked or expired",
    FailureKind.FORBIDDEN: "data of this class may not go there; or a web page calls an open gateway uninvited",
    FailureKind.NO_SUCH_MODEL: "no route takes the model's name; or the provider doesn't have it",
    FailureKind.NO_SUCH_PATH: "the gateway doesn't serve this path",
    FailureKind.METHOD_NOT_ALLOWED: "the path is served, but not with this method",
    FailureKind.CONFLICT: "the provider found a conflict with another request",
    FailureKind.UPSTREAM_AUTH: "the provider refused the gateway's own credentials, all of them",
    FailureKind.PAYMENT: "the gateway's account at the provider has no credit left",
    FailureKind.RATE_LIMITED: "the provider's rate limit; `retry-after` is passed on",
    FailureKind.OVERLOADED: "the provider is overloaded",
    FailureKind.UPSTREAM_ERROR: "the provider failed with a 5xx, or answered in a way that has no other name",
    FailureKind.UNREACHABLE: "no connection to the provider: refused, no such name, TLS, proxy",
    FailureKind.RESET: "the provider closed the connection before it answered",
    FailureKind.TIMEOUT: "one of the provider's deadlines has passed",
    FailureKind.MALFORMED: "the provider's answer is no HTTP, no JSON, compressed, empty, or too large",
    FailureKind.BROKEN_STREAM: "the provider's stream ended before it said that it was over",
    FailureKind.WRONG_FORM: "the model's answer has not the form that was asked for, not even at a second try",
    FailureKind.NO_TARGET: "every target of the route is unable, or not allowed, to serve this request",
    FailureKind.DRAINING: "the gateway was stopped before the answer was over; only on record",
    FailureKind.LEDGER_DOWN: "the ledger can't be written to, and the route says `on_ledger_down: refuse`",
    FailureKind.INTERNAL: "an error of the gateway's own; its log has it under the exchange's id",
    FailureKind.CLIENT_GONE: "the caller left before the end; only on record, nobody is there to be told",
    FailureKind.PROCESS_DIED: "the gateway's process was killed in mid-exchange; only on record",
}


def errors() -> str:
    return page(
        "Errors",
        "earthward.chat.failures and the dialects",
        "Errors have the shape of the caller's own vendor, whoever serves, so that its SDKs raise the class they would "
        "raise for the vendor's own. For callers of OpenAI's, Anthropic's, Google's and Ollama's API they are:",
        SHAPES,
        "## What went wrong",
        "The word on the left is what the ledger, `/metrics` and the access log call it (`failure`). "
        "*Next target* says whether the gateway tries the route's next target before it gives up, as long as the "
        "caller has not been sent anything. *SDKs retry* is what the header `x-should-retry` tells OpenAI's and "
        "Anthropic's SDKs, which go by the status otherwise. Ollama's clients never retry.",
        table(("Failure", "Next target", "SDKs retry", "Cause"), map(_meaning, FailureKind)),
        "## What the caller gets",
        "Status, `type` and `code`; Anthropic's SDKs find the code in `details`, Google's have `status` for the type, "
        "`reason` for the code; Ollama's errors have neither. "
        "Where the provider gave a status that means the same to the caller, that status is passed on, and so is its "
        "`code`.",
        table(("Failure", *CALLERS), map(_told, FailureKind)),
        "## In the middle of a stream",
        "A stream that breaks off after its first content has status 200 already. Its last event is then an error of "
        "the same shape, and what would end a whole stream does not follow: no `[DONE]`, no `message_stop`, no line "
        "with `done`. The SDKs raise on it.",
    )


def _meaning(kind: FailureKind) -> tuple[str, ...]:
    retries = {_retries(kind, door) for door in CALLERS.values()} - {None}
    assert len(retries) == 1, f"{kind}: the SDKs would be told different things"
    return f"`{kind}`", "yes" if kind in ANOTHER_MAY_SERVE else "no", "yes" if True in retries else "no", CAUSES[kind]


def _retries(kind: FailureKind, door: Door) -> bool | None:
    """None where the dialect has no word for it."""
    _, headers, _ = door.write_failure(Failure(kind, ""), None)
    told = dict(headers).get(b"x-should-retry")
    return None if told is None else told == b"true"


def _told(kind: FailureKind) -> tuple[str, ...]:
    return f"`{kind}`", *(_answer(kind, door) for door in CALLERS.values())


def _answer(kind: FailureKind, door: Door) -> str:
    status, _, body = door.write_failure(Failure(kind, ""), None)
    error: Any = msgspec.json.decode(body)["error"]
    if isinstance(error, str):
        return str(status)
    if "status" in error:
        reasons = [detail["reason"] for detail in error["details"] if "reason" in detail]
        return " ".join([str(status), f"`{error['status']}`", *(f"`{reason}`" for reason in reasons)])
    code = error.get("code") or error.get("details", {}).get("error_code")
    return " ".join([str(status), f"`{error['type']}`", *([f"`{code}`"] if code else [])])
