"""Bytes passed through between two sides that both speak this dialect, listened to on the way.

The hot path: only the fields needed are decoded, and an answer is changed in two places only. `model` says what the
client asked for, and usage that only we asked for is taken out again.
"""

from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind, Usage
from earthward.dialects import sse
from earthward.dialects.alike import MOST_LEARNED, Alike, alike
from earthward.dialects.envelope import Envelope, merged
from earthward.dialects.halves import Halves
from earthward.dialects.heard import Heard
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.openai_chat.errors import failure_of_error
from earthward.dialects.openai_chat.finish import failure_in
from earthward.dialects.openai_chat.stream_end import (
    BROKEN_OFF,
    DONE,
    NO_ANSWER,
    TOO_LONG,
    is_done,
    is_whole,
    senseless,
)
from earthward.dialects.openai_chat.usage import PlainUsage, UsageOfStream, read_usage

_ENCODE = msgspec.json.Encoder().encode
_MODEL_KEY = b'"model"'
_BEFORE_KEYS = (b"{", b",")
_LF = ord("\n")
_INCLUDE_USAGE = {"include_usage": True}


# What these leave out or leave open (Any) may be anything: a server's oddity must not break a stream that its
# clients have always understood.
class _Content(msgspec.Struct, gc=False):
    content: Any = None
    reasoning: Any = None
    reasoning_content: Any = None
    refusal: Any = None
    tool_calls: Any = None
    function_call: Any = None
    audio: Any = None


class _Choice(msgspec.Struct, gc=False):
    """`text` is what the older completions say in place of the other two."""

    delta: _Content | None = None
    message: _Content | None = None
    text: Any = None
    index: int = 0
    finish_reason: Any = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    model: Any = None
    usage: Any = msgspec.UNSET
    error: Any = None


class _Answer(msgspec.Struct, gc=False):
    """A chunk whose usage is told as it should be."""

    choices: list[_Choice] | None = None
    model: Any = None
    usage: PlainUsage | None = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_ANSWER = msgspec.json.Decoder(_Answer)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def prepare(envelope: Envelope, model: str, stream: bool) -> bytes:
    """The body to send upstream. A stream is always asked for its usage; the listener takes it out again."""
    fields: dict[str, Any] = {**envelope.fields, "model": model}
    if stream:
        options = merged(fields.get("stream_options"), _INCLUDE_USAGE)
        if options is not None:
            fields["stream_options"] = options
    return _ENCODE(fields)


def wants_usage(envelope: Envelope) -> bool:
    """Whether the client itself asked for the usage of a stream."""
    options = envelope.get("stream_options") if "stream_options" in envelope.fields else None
    return isinstance(options, dict) and options.get("include_usage") is True


def listen_answer(body: bytes, requested_model: str) -> Heard:
    try:
        answer = _read_answer(body)
        if answer.error:
            return Heard(b"", failure=failure_of_error(answer.error))
        if not answer.choices:
            return Heard(b"", failure=Failure(FailureKind.MALFORMED, "the provider's answer has no choices"))
        forwarded = _with_model(body, answer.model, requested_model)
    except NOT_JSON as error:
        return Heard(b"", failure=Failure(FailureKind.MALFORMED, f"the provider's answer is not JSON: {error}"))
    characters = 0
    for choice in answer.choices:
        if failure := failure_in(_text(choice.finish_reason)):
            return Heard(b"", failure=failure)
        if choice.message is not None:
            characters += _characters(choice.message)
        elif isinstance(choice.text, str):
            characters += len(choice.text)
    told = answer.usage
    usage = told.usage if type(told) is PlainUsage else read_usage(told)
    return Heard(forwarded, usage, _text(answer.choices[0].finish_reason), characters, None, _text(answer.model))


def _read_answer(body: bytes) -> _Answer | _Chunk:
    try:
        return _ANSWER.decode(body)
    except msgspec.ValidationError:
        return _CHUNK.decode(body)


class StreamListener:
    """Takes a stream in any pieces and gives the bytes to send on, whole events at a time.

    `has_content` turns true with the first event the client could show something for. Once `failure` is set or
    `is_over` is true nothing more is sent on; the event that failed is not sent on either, so the caller says it in
    its own words, or asks somebody else while nothing was shown. `finish_reason` is the last one heard. `answers`
    is how many were asked for.
    """

    __slots__ = (
        "_alike",
        "_answers",
        "_begun",
        "_blocks",
        "_client_wants_usage",
        "_finished",
        "_halves",
        "_head",
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

    def __init__(self, requested_model: str, client_wants_usage: bool, answers: int = 1) -> None:
        self._requested_model = msgspec.Raw(_ENCODE(requested_model))
        self._client_wants_usage = client_wants_usage
        self._answers = answers
        self._blocks = sse.Blocks()
        self._halves = Halves()
        self._head: _Head | None = None
        self._alike: Alike | None = None
        self._learned = 0
        self._begun: set[int] = set()
        self._finished: set[int] = set()
        self.has_content = False
        self.is_over = False
        self.finish_reason: str | None = None
        self._usage = UsageOfStream()
        self.failure: Failure | None = None
        self.characters_out = 0
        self.model: str | None = None

    @property
    def usage(self) -> Usage:
        return self._usage.total

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
        """To be called when the upstream's body has ended; what is still to be sent on.

        Some servers leave `[DONE]` out: a stream in which every answer was finished is whole without it.
        """
        if self.is_over or self.failure is not None:
            return b""
        forwarded = self._pass_rest()
        if self.is_over or self.failure is not None:
            return forwarded
        if self._begun == self._finished and len(self._finished) >= self._answers:
            self.is_over = True
            return forwarded + DONE
        self.failure = BROKEN_OFF
        return forwarded

    def _pass_rest(self) -> bytes:
        block = self._blocks.end()
        return self._pass(block) if is_whole(sse.data_of(block)) else b""

    def _pass(self, block: bytes) -> bytes:
        payload = sse.data_of(block)
        if payload is None:
            return block + b"\n\n"
        try:
            chunk = _CHUNK.decode(payload)
        except NOT_JSON as error:
            if is_done(payload):
                return self._pass_done()
            mended = self._halves.mended(payload)
            return (
                self._fail(senseless(error)) if mended is None else self._pass(b"data: " + mended.replace(b"\n", b" "))
            )
        if chunk.error:
            return self._fail(failure_of_error(chunk.error))
        said = _all_it_says(chunk)
        if not self._hear(chunk):
            return b""
        if self._head is None and chunk.choices and _LF not in block:
            self._head = _head_of(block, chunk.model, self._requested_model)
        hides_usage = chunk.usage is not msgspec.UNSET and not self._client_wants_usage
        if self._head is not None and not hides_usage and self._head.fits(block, chunk.model):
            sent = self._head.replaced_in(block)
        else:
            try:
                sent = self._written_again(block, payload)
            except NOT_JSON as error:
                # Bytes that are no UTF-8, in a place that was not looked at before.
                return self._fail(senseless(error))
        if said is not None and self._learned < MOST_LEARNED:
            self._learned += 1
            self._alike = alike(block, sent, b"content", said) or self._alike
        return sent

    def _pass_done(self) -> bytes:
        if not self._begun:
            return self._fail(NO_ANSWER)
        self.is_over = True
        return DONE

    def _fail(self, failure: Failure) -> bytes:
        self.failure = failure
        return b""

    def _hear(self, chunk: _Chunk) -> bool:
        """Notes what the chunk says; whether it is for the client."""
        if chunk.usage:
            self._usage.add(chunk.usage, not chunk.choices, len(self._begun))
        if self.model is None:
            self.model = _text(chunk.model)
        if not chunk.choices:
            return self._client_wants_usage or not chunk.usage
        for choice in chunk.choices:
            self._begun.add(choice.index)
            if choice.delta is not None:
                self._hear_delta(choice.delta)
            elif choice.text and isinstance(choice.text, str):
                self.characters_out += len(choice.text)
                self.has_content = True
            if choice.finish_reason is not None:
                self.finish_reason = _text(choice.finish_reason)
                self._finished.add(choice.index)
                self.failure = self.failure or failure_in(self.finish_reason)
        return self.failure is None

    def _hear_delta(self, delta: _Content) -> None:
        content = delta.content
        if content and type(content) is str:
            self.characters_out += len(content)
            self.has_content = True
            delta.content = None
        if _is_content(delta):
            self.characters_out += _characters(delta)
            self.has_content = True

    def _written_again(self, block: bytes, payload: bytes) -> bytes:
        # A line end can only be white space here, and must not cut the line that is written.
        fields = _FIELDS.decode(payload.replace(b"\n", b" "))
        if "model" in fields:
            fields["model"] = self._requested_model
        if not self._client_wants_usage:
            fields.pop("usage", None)
        others = [line for line in block.split(b"\n") if not line.startswith(b"data")] if _LF in block else ()
        return b"".join((*(line + b"\n" for line in others), b"data: ", _ENCODE(fields), b"\n\n"))


class _Head(msgspec.Struct, frozen=True):
    """How a chunk begins, up to and with the model, and how it is to begin instead.

    Servers write the same fields in the same order in every chunk, so once a head is known to hold the top-level
    model, the whole work on a chunk is to compare and copy.
    """

    old: bytes
    model: Any
    new: bytes

    def fits(self, block: bytes, model: Any) -> bool:
        return (
            block.startswith(self.old)
            and model == self.model
            and block.find(_MODEL_KEY, len(self.old)) < 0
            and _LF not in block
        )

    def replaced_in(self, block: bytes) -> bytes:
        return b"%b%b\n\n" % (self.new, block[len(self.old) :])


_NO_HEAD = _Head(b"\0", None, b"")


def _head_of(block: bytes, model: Any, requested: msgspec.Raw) -> _Head:
    """The head of this chunk, if it is certain that the model in it is the one at the top level.

    A quote inside a JSON string is escaped. So a quote after `{` or `,` that is followed by `model":` opens a key, and
    with only one brace before it, that key is at the top level.
    """
    field = _MODEL_KEY + b":" + _ENCODE(model)
    start = block.find(field)
    before = block[:start]
    is_top_level = before.count(b"{") == 1 and before.endswith(_BEFORE_KEYS)
    if start < 0 or not is_top_level:
        return _NO_HEAD
    return _Head(before + field, model, before + _MODEL_KEY + b":" + bytes(requested))


def _with_model(body: bytes, model: Any, requested_model: str) -> bytes:
    """The whole answer under another model's name: copied where there is one such key for certain, else rewritten.

    The reasons are those of `_head_of`. A name that would have to be escaped is not found.
    """
    requested = _ENCODE(requested_model)
    if type(model) is str:
        start = body.find(_MODEL_KEY)
        old = b'"model":"%b"' % model.encode()
        if (
            start > 0
            and body.startswith(old, start)
            and body.startswith(_BEFORE_KEYS, start - 1)
            and body.count(b"{", 0, start) == 1
            and body.find(_MODEL_KEY, start + 1) < 0
        ):
            return b'%b"model":%b%b' % (body[:start], requested, body[start + len(old) :])
    fields = _FIELDS.decode(body)
    if "model" in fields:
        fields["model"] = msgspec.Raw(requested)
    return _ENCODE(fields)


def _all_it_says(chunk: _Chunk) -> str | None:
    """The text, if the chunk says nothing but the next piece of one answer's."""
    if chunk.choices is None or len(chunk.choices) != 1 or not (chunk.usage is msgspec.UNSET or chunk.usage is None):
        return None
    [choice] = chunk.choices
    delta = choice.delta
    if delta is None or type(delta.content) is not str or choice.finish_reason is not None:
        return None
    others = delta.reasoning or delta.reasoning_content or delta.refusal or delta.tool_calls or delta.function_call
    return None if others or delta.audio else delta.content or None


def _is_content(heard: _Content) -> bool:
    return bool(
        heard.content
        or heard.reasoning_content
        or heard.reasoning
        or heard.refusal
        or heard.tool_calls
        or heard.function_call
        or heard.audio
    )


def _characters(heard: _Content) -> int:
    """Of text, reasoning, refusal and the arguments of calls."""
    if type(heard.content) is str and not (
        heard.reasoning_content or heard.reasoning or heard.refusal or heard.tool_calls or heard.function_call
    ):
        return len(heard.content)
    texts = [heard.content, heard.reasoning_content or heard.reasoning, heard.refusal]
    if heard.function_call:
        texts.append(_member(heard.function_call, "arguments"))
    for call in heard.tool_calls if isinstance(heard.tool_calls, list) else ():
        texts.append(_member(_member(call, "function"), "arguments"))
        texts.append(_member(_member(call, "custom"), "input"))
    return sum(len(text) for text in texts if isinstance(text, str))


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
