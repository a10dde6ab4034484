"""Bytes passed through between two sides that both speak this dialect, listened to on the way.

Only the fields needed are decoded, and an answer is changed in one place only: `model` says what the client asked for.
The ids are the provider's, so that what it stored can be gone on from there.
"""

import re
from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind, Usage
from earthward.dialects import sse
from earthward.dialects.envelope import Envelope
from earthward.dialects.halves import Halves
from earthward.dialects.heard import Heard
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.openai_responses.encrypted import MARK
from earthward.dialects.openai_responses.errors import failure_of_error
from earthward.dialects.openai_responses.ids import OURS, is_ours
from earthward.dialects.openai_responses.stream_end import BROKEN_OFF, TOO_LONG, senseless
from earthward.dialects.openai_responses.usage import read_usage
from earthward.dialects.openai_responses.write_stream import error_event

_ENCODE = msgspec.json.Encoder().encode
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


# What these leave open (Any) may be anything: a server's oddity must not break a stream its clients understand.
class _Response(msgspec.Struct, gc=False):
    model: Any = None
    status: Any = None
    output: Any = None
    incomplete_details: Any = None
    usage: Any = None
    error: Any = None


class _Event(msgspec.Struct, gc=False):
    type: Any = None
    sequence_number: Any = None
    delta: Any = None
    response: _Response | None = None
    item: Any = None
    error: Any = None
    code: Any = None
    message: Any = None
    param: Any = None


_RESPONSE = msgspec.json.Decoder(_Response)
_EVENT = msgspec.json.Decoder(_Event)
_OURS = re.compile(f"{OURS}|{MARK}".encode())
_CALLS = ("function_call", "custom_tool_call")
_TERMINAL = ("response.completed", "response.incomplete")


def prepare(envelope: Envelope, model: str) -> bytes:
    """The body to send upstream; a stream of this dialect tells its usage unasked.

    What was answered by another target came with ids and signatures of ours. OpenAI would refuse the whole request
    for them, so they are left out.
    """
    items = envelope.fields.get("input")
    if items is not None and _OURS.search(items):
        envelope = envelope.with_fields(input=_without_ours(items))
    return envelope.with_fields(model=model).encode()


def left_out(envelope: Envelope) -> tuple[str, ...]:
    """The names of what `prepare` takes out of a client's request, but for ids, which say nothing."""
    items = envelope.fields.get("input")
    if items is None or not _OURS.search(items):
        return ()
    try:
        is_less = any(_cleaned(item) is None for item in _LIST.decode(items))
    except NOT_JSON:
        return ()
    return ("input.reasoning",) if is_less else ()


def listen_answer(body: bytes, requested_model: str) -> Heard:
    try:
        answer = _RESPONSE.decode(body)
        if answer.error or answer.status in ("failed", "cancelled"):
            return Heard(b"", failure=failure_of_error(answer.error))
        if answer.output is None:
            return Heard(b"", failure=Failure(FailureKind.MALFORMED, "the provider's answer has no output"))
        fields = _FIELDS.decode(body)
    except NOT_JSON as error:
        return Heard(b"", failure=Failure(FailureKind.MALFORMED, f"the provider's answer is not JSON: {error}"))
    fields["model"] = msgspec.Raw(_ENCODE(requested_model))
    return Heard(
        _ENCODE(fields),
        read_usage(answer.usage),
        _reason(answer),
        _characters(answer.output),
        model=_text(answer.model) or None,
    )


class StreamListener:
    """Takes a stream in any pieces and gives the bytes to send on, whole events at a time.

    `has_content` turns true with the first event the client could show something for. Once `failure` is set or
    `is_over` is true nothing more is sent on; the event that failed is not sent on either, so the caller says it in
    its own words, or asks somebody else while nothing was shown.
    """

    __slots__ = (
        "_blocks",
        "_halves",
        "_number",
        "_requested_model",
        "characters_out",
        "failure",
        "finish_reason",
        "has_content",
        "is_over",
        "model",
        "usage",
    )

    def __init__(self, requested_model: str) -> None:
        self._requested_model = msgspec.Raw(_ENCODE(requested_model))
        self._blocks = sse.Blocks()
        self._halves = Halves()
        self._number = -1
        self.has_content = False
        self.is_over = False
        self.finish_reason: str | None = None
        self.usage = Usage()
        self.failure: Failure | None = None
        self.characters_out = 0
        self.model: str | None = None

    def feed(self, data: bytes) -> bytes:
        if self.is_over or self.failure is not None:
            return b""
        forwarded = b""
        for block in self._blocks.feed(data):
            forwarded += self._pass(block)
            if self.is_over or self.failure is not None:
                return forwarded
        if self._blocks.overflowed:
            self.failure = TOO_LONG
        return forwarded

    def end(self) -> bytes:
        """To be called when the upstream's body has ended; what is still to be sent on."""
        if self.is_over or self.failure is not None:
            return b""
        block = self._blocks.end()
        payload = sse.data_of(block)
        forwarded = self._pass(block) if payload is not None and _is_json(payload) else b""
        if not self.is_over and self.failure is None:
            self.failure = BROKEN_OFF
        return forwarded

    def broken_off(self, failure: Failure) -> bytes:
        """What ends a stream of which something was sent on; its number is the one after the last."""
        return error_event(failure, self._number + 1)

    def _pass(self, block: bytes) -> bytes:
        payload = sse.data_of(block)
        if payload is None:
            return block + b"\n\n"
        try:
            event = _EVENT.decode(payload)
        except NOT_JSON as error:
            if payload.strip() == b"[DONE]":
                # Some servers end with OpenAI's older mark; here the stream is over before it.
                return b""
            mended = self._halves.mended(payload)
            return self._fail(senseless(error)) if mended is None else self._pass(_named(block, mended))
        if event.type == "error" or event.error:
            told = {"code": event.code, "message": event.message, "param": event.param}
            return self._fail(failure_of_error(event.error or told))
        if event.type == "response.failed":
            return self._fail(failure_of_error(event.response.error if event.response is not None else None))
        self._hear(event)
        if event.response is None:
            return block + b"\n\n"
        try:
            return self._with_model(block, payload)
        except NOT_JSON as error:
            # Bytes that are no UTF-8, in a place that was not looked at before.
            return self._fail(senseless(error))

    def _fail(self, failure: Failure) -> bytes:
        self.failure = failure
        return b""

    def _hear(self, event: _Event) -> None:
        if isinstance(event.sequence_number, int):
            self._number = event.sequence_number
        if isinstance(event.delta, str) and event.delta:
            self.characters_out += len(event.delta)
            self.has_content = True
        elif event.type == "response.output_item.added" and _is_content(event.item):
            self.has_content = True
        response = event.response
        if response is None:
            return
        self.model = self.model or _text(response.model)
        if event.type in _TERMINAL:
            self.is_over = True
            self.usage = read_usage(response.usage)
            self.finish_reason = _reason(response) or event.type.removeprefix("response.")

    def _with_model(self, block: bytes, payload: bytes) -> bytes:
        """The event written again: of a key given twice only the last is left, as in what was understood."""
        # A line end can only be white space here, and must not cut the line that is written.
        fields = _FIELDS.decode(payload.replace(b"\n", b" "))
        response = _FIELDS.decode(fields["response"])
        if "model" in response:
            response["model"] = self._requested_model
        fields["response"] = msgspec.Raw(_ENCODE(response))
        others = [line for line in block.split(b"\n") if not line.startswith(b"data")]
        return b"\n".join([*others, b"data: " + _ENCODE(fields)]) + b"\n\n"


def _named(block: bytes, payload: bytes) -> bytes:
    """The block with another payload."""
    others = [line for line in block.split(b"\n") if not line.startswith(b"data")]
    return b"\n".join([*others, b"data: " + payload.replace(b"\n", b" ")])


def _reason(response: _Response) -> str | None:
    details = response.incomplete_details
    reason = _text(details.get("reason")) if isinstance(details, dict) else None
    items = response.output if isinstance(response.output, list) else ()
    if response.status == "completed" and any(isinstance(item, dict) and item.get("type") in _CALLS for item in items):
        return "tool_calls"
    return reason or _text(response.status)


def _is_content(item: Any) -> bool:
    """Messages and thoughts begin empty. What OpenAI's own tools do counts: it is shown, and was done."""
    kind = item.get("type") if isinstance(item, dict) else None
    return kind not in (None, "message", "reasoning")


def _characters(output: Any) -> int:
    """Of text, refusals, thoughts and the arguments of calls."""
    total = 0
    for item in output if isinstance(output, list) else ():
        if not isinstance(item, dict):
            continue
        total += sum(len(item[name]) for name in ("arguments", "input") if isinstance(item.get(name), str))
        for name in ("content", "summary"):
            parts = item.get(name)
            for part in parts if isinstance(parts, list) else ():
                texts = (part.get("text"), part.get("refusal")) if isinstance(part, dict) else ()
                total += sum(len(text) for text in texts if isinstance(text, str))
    return total


def _without_ours(items: msgspec.Raw) -> msgspec.Raw:
    """As it was if the input is not in the form of this dialect: the upstream will say so."""
    try:
        kept = [_cleaned(item) for item in _LIST.decode(items)]
    except NOT_JSON:
        return items
    return msgspec.Raw(_ENCODE([item for item in kept if item is not None]))


def _cleaned(item: msgspec.Raw) -> msgspec.Raw | dict[str, Any] | None:
    if not bytes(item).lstrip().startswith(b"{"):
        return item
    fields: dict[str, Any] = _FIELDS.decode(item)
    own_id, kind = (_decoded(fields.get(name)) for name in ("id", "type"))
    encrypted = _decoded(fields.get("encrypted_content"))
    is_foreign = isinstance(encrypted, str) and encrypted.startswith(MARK)
    if kind == "reasoning" and (is_foreign or (is_ours(own_id) and not encrypted)):
        return None
    return {name: value for name, value in fields.items() if name != "id"} if is_ours(own_id) else item


def _decoded(raw: msgspec.Raw | None) -> Any:
    return msgspec.json.decode(raw) if raw is not None else None


def _is_json(payload: bytes) -> bool:
    try:
        msgspec.json.decode(payload)
    except NOT_JSON:
        return False
    return True


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
