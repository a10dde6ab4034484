"""Bytes passed through between two sides that both speak this dialect, listened to on the way.

The hot path: only the fields needed are decoded, and a stream is changed in its first event only, where `model` says
what the client asked for. Other changes mend what the official SDKs could not read: a stream that does not begin with
`message_start` or begins twice, an event without its name, content that is null.
"""

from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind, Usage
from earthward.dialects import sse
from earthward.dialects.alike import MOST_LEARNED, Alike, alike
from earthward.dialects.anthropic_messages.errors import failure_of_error
from earthward.dialects.anthropic_messages.events import WireBlock, WireDelta, WireEvent, decode, payload_of, text_in
from earthward.dialects.anthropic_messages.stream_end import BROKEN_OFF, NO_ANSWER, TOO_LONG, is_whole, senseless
from earthward.dialects.anthropic_messages.usage import UsageOfStream, read_usage
from earthward.dialects.anthropic_messages.write_stream import message_start
from earthward.dialects.halves import Halves
from earthward.dialects.heard import Heard
from earthward.dialects.json_limits import NOT_JSON

_ENCODE = msgspec.json.Encoder().encode
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Message(msgspec.Struct, gc=False):
    content: list[WireBlock] | msgspec.UnsetType | None = msgspec.UNSET
    model: Any = None
    stop_reason: Any = None
    usage: Any = None
    error: Any = None


_ANSWER = msgspec.json.Decoder(_Message)


def listen_answer(body: bytes, requested_model: str) -> Heard:
    try:
        answer = _ANSWER.decode(body)
        if answer.error:
            return Heard(b"", failure=failure_of_error(answer.error))
        if answer.content is msgspec.UNSET:
            return Heard(b"", failure=Failure(FailureKind.MALFORMED, "the provider's answer has no content"))
        fields = _FIELDS.decode(body)
    except NOT_JSON as error:
        return Heard(b"", failure=Failure(FailureKind.MALFORMED, f"the provider's answer is not JSON: {error}"))
    fields["model"] = msgspec.Raw(_ENCODE(requested_model))
    if answer.content is None:
        fields["content"] = msgspec.Raw(b"[]")
    return Heard(
        body=_ENCODE(fields),
        usage=read_usage(answer.usage),
        finish_reason=text_in(answer.stop_reason) or None,
        characters_out=sum(map(_characters_of_block, answer.content or ())),
        model=text_in(answer.model) or None,
    )


class StreamListener:
    """Takes a stream in any pieces and gives the bytes to send on, whole events at a time.

    `has_content` turns true with the first event the client could show something for. Once `failure` is set or
    `is_over` is true nothing more is sent on; the event that failed is not sent on either, so the caller says it in
    its own words, or asks somebody else while nothing was shown. `input_tokens` is an estimate, for servers that
    leave out the event that should hold the count.
    """

    __slots__ = (
        "_alike",
        "_blocks",
        "_halves",
        "_has_begun",
        "_input_tokens",
        "_learned",
        "_requested_model",
        "_usage",
        "characters_out",
        "failure",
        "finish_reason",
        "has_content",
        "is_over",
        "model",
    )

    def __init__(self, requested_model: str, input_tokens: int = 0) -> None:
        self._requested_model = requested_model
        self._input_tokens = input_tokens
        self._blocks = sse.Blocks()
        self._halves = Halves()
        self._has_begun = False
        self._alike: Alike | None = None
        self._learned = 0
        self._usage = UsageOfStream()
        self.has_content = False
        self.is_over = False
        self.finish_reason: str | None = None
        self.failure: Failure | None = None
        self.characters_out = 0
        self.model: str | None = None

    @property
    def usage(self) -> Usage:
        return self._usage.total if self.is_over else self._usage.so_far

    def feed(self, data: bytes) -> bytes:
        if self.is_over or self.failure is not None:
            return b""
        if self._alike is not None and self._blocks.is_between:
            passed = self._alike.passed(data)
            if passed is not None:
                self.characters_out += passed[1]
                return passed[0]
        blocks = self._blocks.feed(data)
        if len(blocks) == 1 and not self._blocks.overflowed:
            return self._pass(blocks[0])
        forwarded = []
        for block in blocks:
            forwarded.append(self._pass(block))
            if self.is_over or self.failure is not None:
                return b"".join(forwarded)
        if self._blocks.overflowed:
            self.failure = TOO_LONG
        return b"".join(forwarded)

    def end(self) -> bytes:
        """To be called when the upstream's body has ended; what is still to be sent on."""
        if self.is_over or self.failure is not None:
            return b""
        block = self._blocks.end()
        forwarded = self._pass(block) if is_whole(payload_of(block)) else b""
        if not self.is_over and self.failure is None:
            self.failure = BROKEN_OFF
        return forwarded

    def _pass(self, block: bytes) -> bytes:
        payload = payload_of(block)
        if payload is None:
            return block + b"\n\n"
        try:
            event = decode(payload)
        except NOT_JSON as error:
            mended = self._halves.mended(payload)
            return (
                self._fail(senseless(error)) if mended is None else self._pass(b"data: " + mended.replace(b"\n", b" "))
            )
        if event.type == "content_block_delta" and self._has_begun and not event.error and event.message is None:
            sent = _named(block, event.type)
            if event.delta is not None:
                self._hear_delta(event.delta)
                self._learn(block, sent, event.delta)
            return sent
        return self._pass_other(block, payload, event)

    def _pass_other(self, block: bytes, payload: bytes, event: WireEvent) -> bytes:
        if event.error or event.type == "error":
            return self._fail(failure_of_error(event.error))
        if event.type == "message_start":
            if self._has_begun:
                return b""
            self._has_begun = True
        elif event.type == "message_stop" and not self._has_begun:
            return self._fail(NO_ANSWER)
        self._hear(event)
        if event.message is not None:
            try:
                block = self._with_model(block, payload)
            except NOT_JSON as error:
                # Bytes that are no UTF-8, in a place that was not looked at before.
                return self._fail(senseless(error))
        return self._beginning(event) + _named(block, event.type)

    def _beginning(self, event: WireEvent) -> bytes:
        """The event that begins a message, where the server left it out (llama.cpp, after half a character)."""
        if self._has_begun or not text_in(event.type).startswith(("content_block_", "message_")):
            return b""
        self._has_begun = True
        return message_start(self._requested_model, "msg_unknown", self._input_tokens)

    def _fail(self, failure: Failure) -> bytes:
        self.failure = failure
        return b""

    def _hear(self, event: WireEvent) -> None:
        if event.message is not None:
            self._usage.begin(event.message.usage)
            self.model = self.model or text_in(event.message.model) or None
        if event.usage is not None:
            self._usage.add(event.usage)
        match event.type:
            case "content_block_start":
                if event.content_block is not None:
                    self.characters_out += _characters_of_block(event.content_block)
                    self.has_content = self.has_content or _is_content(event.content_block)
            case "content_block_delta" if event.delta is not None:
                self._hear_delta(event.delta)
            case "message_delta" if event.delta is not None:
                self.finish_reason = text_in(event.delta.stop_reason) or self.finish_reason
            case "message_stop":
                self.is_over = True

    def _hear_delta(self, delta: WireDelta) -> None:
        said = delta.text or delta.thinking or delta.partial_json
        if said and type(said) is str:
            self.characters_out += len(said)
            self.has_content = True

    def _learn(self, block: bytes, sent: bytes, delta: WireDelta) -> None:
        """Which events the next ones may be like: those that say nothing but the next piece of a text."""
        said = delta.text
        if type(said) is str and said and self._learned < MOST_LEARNED and not (delta.thinking or delta.partial_json):
            self._learned += 1
            self._alike = alike(block, sent, b"text", said) or self._alike

    def _with_model(self, block: bytes, payload: bytes) -> bytes:
        """The event written again: of a key given twice only the last is left, as in what was understood."""
        # A line end can only be white space here, and must not cut the line that is written.
        fields = _FIELDS.decode(payload.replace(b"\n", b" "))
        message = _FIELDS.decode(fields["message"])
        message["model"] = msgspec.Raw(_ENCODE(self._requested_model))
        fields["message"] = msgspec.Raw(_ENCODE(message))
        others = [line for line in block.split(b"\n") if not line.startswith(b"data")]
        return b"\n".join([*others, b"data: " + _ENCODE(fields)])


def _named(block: bytes, type: Any) -> bytes:
    """The block as it is sent on; the SDKs skip an event that has no name."""
    if block.startswith(b"event:") or block.find(b"\nevent:") >= 0 or not isinstance(type, str):
        return block + b"\n\n"
    return b"event: %b\n%b\n\n" % (type.replace("\n", "").encode(), block)


def _is_content(block: WireBlock) -> bool:
    """Text and thinking begin empty. What the vendor's own tools do counts: it is shown, and was done."""
    if block.type in ("text", "thinking"):
        return bool(block.text or block.thinking)
    return block.type is not None


def _characters_of_block(block: WireBlock) -> int:
    said = len(text_in(block.text)) + len(text_in(block.thinking))
    return said + len(_ENCODE(block.input)) if block.type == "tool_use" and block.input else said
