"""Bytes passed through between two sides that both speak this dialect, listened to on the way.

The hot path: only the fields needed are decoded, and an answer is changed in one place only: `model` says what the
client asked for.
"""

from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind, Usage
from earthward.dialects import ndjson
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.ollama.errors import failure_of_error
from earthward.dialects.ollama.read_stream import is_whole
from earthward.dialects.ollama.stream_end import BROKEN_OFF, NOT_DONE, TOO_LONG, senseless
from earthward.dialects.ollama.usage import Durations, read_durations, read_usage

_ENCODE = msgspec.json.Encoder().encode
_MODEL_KEY = b'"model"'


# What these leave out or leave open (Any) may be anything: a server's oddity must not break a stream that its
# clients have always understood.
class _Message(msgspec.Struct, gc=False):
    content: Any = None
    thinking: Any = None
    tool_calls: Any = None


class _Chunk(msgspec.Struct, gc=False):
    message: _Message | None = None
    done: Any = None
    model: Any = None
    response: Any = None
    thinking: Any = None
    tool_calls: Any = None
    image: Any = None
    remote_model: Any = None
    done_reason: Any = None
    total_duration: Any = None
    load_duration: Any = None
    prompt_eval_count: Any = None
    prompt_eval_cached_count: Any = None
    prompt_eval_duration: Any = None
    eval_count: Any = None
    eval_duration: Any = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Heard(msgspec.Struct, frozen=True):
    """A whole answer: the body to send on, and what was heard in it. With a failure the body is empty.

    `remote_model` is the cloud model that answered, if one did.
    """

    body: bytes
    usage: Usage = Usage()
    finish_reason: str | None = None
    characters_out: int = 0
    failure: Failure | None = None
    model: str | None = None
    remote_model: str | None = None
    durations: Durations = Durations()


def listen_answer(body: bytes, requested_model: str) -> Heard:
    try:
        answer = _CHUNK.decode(body)
        failure = _failure_in(answer)
        if failure is not None:
            return Heard(b"", failure=failure)
        fields = _FIELDS.decode(body)
    except NOT_JSON as error:
        return Heard(b"", failure=Failure(FailureKind.MALFORMED, f"Ollama's answer cannot be read: {error}"))
    if "model" in fields:
        fields["model"] = msgspec.Raw(_ENCODE(requested_model))
    return Heard(
        body=_ENCODE(fields),
        usage=_usage(answer),
        finish_reason=_text(answer.done_reason),
        characters_out=_characters(answer),
        model=_text(answer.model),
        remote_model=_text(answer.remote_model),
        durations=read_durations(answer),
    )


def _failure_in(answer: _Chunk) -> Failure | None:
    if answer.error:
        return failure_of_error(answer.error)
    if answer.message is None and answer.response is None and not answer.image:
        return Failure(FailureKind.MALFORMED, "Ollama's answer has neither `message` nor `response`")
    # The guard against repetition ends an answer so, and says nothing.
    return None if answer.done is True else NOT_DONE


class StreamListener:
    """Takes a stream in any pieces and gives the bytes to send on, whole lines at a time.

    `has_content` turns true with the first line the client could show something for. `is_over` with the line that
    says it is done. Once `failure` is set or `is_over` is true nothing more is sent on; the line that failed is not
    sent on either, so the caller says it in its own words, or asks somebody else while nothing was shown.
    """

    __slots__ = (
        "_head",
        "_lines",
        "_requested_model",
        "characters_out",
        "durations",
        "failure",
        "finish_reason",
        "has_content",
        "is_over",
        "model",
        "remote_model",
        "usage",
    )

    def __init__(self, requested_model: str) -> None:
        self._requested_model = msgspec.Raw(_ENCODE(requested_model))
        self._lines = ndjson.Lines()
        self._head: _Head | None = None
        self.has_content = False
        self.is_over = False
        self.finish_reason: str | None = None
        self.usage = Usage()
        self.durations = Durations()
        self.failure: Failure | None = None
        self.characters_out = 0
        self.model: str | None = None
        self.remote_model: str | None = None

    def feed(self, data: bytes) -> bytes:
        if self.is_over or self.failure is not None:
            return b""
        forwarded = []
        for line in self._lines.feed(data):
            forwarded.append(self._pass(line))
            if self.is_over or self.failure is not None:
                return b"".join(forwarded)
        if self._lines.overflowed:
            self.failure = TOO_LONG
        return b"".join(forwarded)

    def end(self) -> bytes:
        """To be called when the upstream's body has ended; what is still to be sent on."""
        if self.is_over or self.failure is not None:
            return b""
        rest = self._lines.end()
        forwarded = self._pass(rest) if is_whole(rest) else b""
        if not self.is_over and self.failure is None:
            self.failure = BROKEN_OFF
        return forwarded

    def _pass(self, line: bytes) -> bytes:
        try:
            chunk = _CHUNK.decode(line)
        except NOT_JSON as error:
            return self._fail(senseless(error))
        if chunk.error:
            return self._fail(failure_of_error(chunk.error))
        self._hear(chunk)
        if self._head is None:
            self._head = _head_of(line, chunk.model, self._requested_model)
        if self._head.fits(line, chunk.model):
            return self._head.replaced_in(line)
        try:
            fields = _FIELDS.decode(line)
        except NOT_JSON as error:
            # Bytes that are no UTF-8, in a place that was not looked at before.
            return self._fail(senseless(error))
        if "model" in fields:
            fields["model"] = self._requested_model
        return _ENCODE(fields) + b"\n"

    def _fail(self, failure: Failure) -> bytes:
        self.failure = failure
        return b""

    def _hear(self, chunk: _Chunk) -> None:
        if self.model is None:
            self.model = _text(chunk.model)
        if self.remote_model is None and chunk.remote_model is not None:
            self.remote_model = _text(chunk.remote_model)
        characters = _characters(chunk)
        if characters or chunk.image:
            self.has_content = True
            self.characters_out += characters
        if chunk.done is True:
            self.is_over = True
            self.finish_reason = _text(chunk.done_reason)
            self.usage = _usage(chunk)
            self.durations = read_durations(chunk)


class _Head(msgspec.Struct, frozen=True):
    """How the lines of a stream begin, up to and with the model, and how they are to begin instead.

    Ollama writes the model first in every line, so the whole work on a line is to compare and copy.
    """

    old: bytes
    model: Any
    new: bytes

    def fits(self, line: bytes, model: Any) -> bool:
        return line.startswith(self.old) and model == self.model and line.find(_MODEL_KEY, len(self.old)) < 0

    def replaced_in(self, line: bytes) -> bytes:
        return b"%b%b\n" % (self.new, line[len(self.old) :])


_NO_HEAD = _Head(b"\0", None, b"")


def _head_of(line: bytes, model: Any, requested: msgspec.Raw) -> _Head:
    """The head of this line if it begins with the model: a key elsewhere could stand inside something else."""
    opening = b"{" + _MODEL_KEY + b":"
    old = opening + _ENCODE(model)
    if not isinstance(model, str) or not line.startswith(old):
        return _NO_HEAD
    return _Head(old, model, opening + bytes(requested))


def _usage(chunk: _Chunk) -> Usage:
    return read_usage(chunk.prompt_eval_count, chunk.eval_count, chunk.prompt_eval_cached_count)


def _characters(chunk: _Chunk) -> int:
    """Of text, thinking and the arguments of calls, of which there is something to show at least."""
    said = chunk.message if chunk.message is not None else chunk
    content = chunk.response if chunk.message is None else chunk.message.content
    total = len(content) if type(content) is str else 0
    if type(said.thinking) is str:
        total += len(said.thinking)
    if said.tool_calls:
        total += _characters_of_calls(said.tool_calls)
    return total


def _characters_of_calls(calls: Any) -> int:
    """At least one for a call, which can be shown even if its arguments cannot be counted."""
    total = 0
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        arguments = function.get("arguments") if isinstance(function, dict) else None
        text = arguments if isinstance(arguments, str) else _ENCODE(arguments or {}).decode()
        total += max(1, len(text))
    return total


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
