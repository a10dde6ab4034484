"""Bytes passed through between two sides that both speak this dialect, listened to on the way.

Only the fields needed are decoded, and an answer is changed in one place only: `modelVersion` says what the client
asked for. A stream is always asked for as events, and written as an array for the client that wants that.
"""

from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind, Usage
from earthward.dialects import sse
from earthward.dialects.envelope import Envelope
from earthward.dialects.gemini.errors import error_event, failure_of_error
from earthward.dialects.gemini.finish import failure_in
from earthward.dialects.gemini.read_stream import is_whole
from earthward.dialects.gemini.signatures import FOREIGN
from earthward.dialects.gemini.stream_end import BROKEN_OFF, NO_ANSWER, TOO_LONG, senseless
from earthward.dialects.gemini.usage import read_usage
from earthward.dialects.gemini.write_stream import Framing
from earthward.dialects.halves import Halves
from earthward.dialects.heard import Heard
from earthward.dialects.json_limits import NOT_JSON

_ENCODE = msgspec.json.Encoder().encode
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


# What these leave open (Any) may be anything: a server's oddity must not break a stream its clients understand.
class _Part(msgspec.Struct, rename="camel", gc=False):
    text: Any = None
    function_call: Any = None
    inline_data: Any = None
    executable_code: Any = None
    code_execution_result: Any = None


class _Content(msgspec.Struct, rename="camel", gc=False):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, rename="camel", gc=False):
    content: _Content | None = None
    finish_reason: Any = None
    finish_message: Any = None
    index: Any = 0


class _Feedback(msgspec.Struct, rename="camel", gc=False):
    block_reason: Any = None


class _Answer(msgspec.Struct, rename="camel", gc=False):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: Any = None
    model_version: Any = None
    error: Any = None

    @property
    def is_blocked(self) -> bool:
        return self.prompt_feedback is not None and self.prompt_feedback.block_reason is not None


_ANSWER = msgspec.json.Decoder(_Answer)


def prepare(envelope: Envelope) -> bytes:
    """The body to send upstream; the model goes into the URL. What another vendor signed loses that signature."""
    contents = envelope.fields.get("contents")
    if contents is None or not FOREIGN.search(contents):
        return envelope.encode()
    return envelope.with_fields(contents=_without_foreign(contents)).encode()


def left_out(envelope: Envelope) -> tuple[str, ...]:
    """The names of what `prepare` takes out of a client's request."""
    contents = envelope.fields.get("contents")
    is_foreign = contents is not None and FOREIGN.search(contents) is not None
    return ("contents.parts.thoughtSignature",) if is_foreign else ()


def listen_answer(body: bytes, requested_model: str) -> Heard:
    try:
        answer = _ANSWER.decode(body)
        if answer.error:
            return Heard(b"", failure=failure_of_error(answer.error))
        if not answer.candidates and not answer.is_blocked:
            return Heard(b"", failure=Failure(FailureKind.MALFORMED, "the provider's answer has no candidates"))
        forwarded = _with_model(body, requested_model)
    except NOT_JSON as error:
        return Heard(b"", failure=Failure(FailureKind.MALFORMED, f"the provider's answer is not JSON: {error}"))
    reasons = [_reason(candidate) for candidate in answer.candidates or ()]
    for candidate in answer.candidates or ():
        failure = failure_in(_text(candidate.finish_reason), _text(candidate.finish_message))
        if failure is not None:
            return Heard(b"", failure=failure)
    return Heard(
        forwarded,
        read_usage(answer.usage_metadata),
        reasons[0] if reasons else "SAFETY",
        sum(map(_characters, answer.candidates or ())),
        model=_text(answer.model_version),
    )


class StreamListener:
    """Takes a stream in any pieces and gives the bytes to send on, whole pieces at a time.

    `has_content` turns true with the first piece the client could show something for. There is no last event: it is
    over when the body ends and every answer said why it ended. Once `failure` is set or `is_over` is true nothing
    more is sent on; the piece that failed is not sent on either, so the caller says it in its own words, or asks
    somebody else while nothing was shown. `array` is for a client that did not ask for events.
    """

    __slots__ = (
        "_answers",
        "_array",
        "_begun",
        "_blocks",
        "_calls",
        "_finished",
        "_framing",
        "_halves",
        "_requested_model",
        "_usage",
        "characters_out",
        "failure",
        "finish_reason",
        "has_content",
        "is_over",
        "model",
    )

    def __init__(self, requested_model: str, answers: int = 1, array: bool = False) -> None:
        self._requested_model = requested_model
        self._answers = answers
        self._blocks = sse.Blocks()
        self._halves = Halves()
        self._array = array
        self._framing = Framing(array)
        self._begun: set[Any] = set()
        self._calls = False
        self._finished: set[Any] = set()
        self._usage: dict[str, Any] = {}
        self.has_content = False
        self.is_over = False
        self.finish_reason: str | None = None
        self.failure: Failure | None = None
        self.characters_out = 0
        self.model: str | None = None

    @property
    def usage(self) -> Usage:
        return read_usage(self._usage)

    def feed(self, data: bytes) -> bytes:
        if self.is_over or self.failure is not None:
            return b""
        forwarded = b""
        for block in self._blocks.feed(data):
            forwarded += self._pass(sse.data_of(block))
            if self.failure is not None:
                return forwarded
        if self._blocks.overflowed:
            self.failure = TOO_LONG
        return forwarded

    def end(self) -> bytes:
        """To be called when the upstream's body has ended; what is still to be sent on."""
        if self.is_over or self.failure is not None:
            return b""
        payload = sse.data_of(self._blocks.end())
        forwarded = self._pass(payload) if payload is not None and is_whole(payload) else b""
        if self.failure is not None:
            return forwarded
        if not self._begun:
            self.failure = NO_ANSWER if self._usage else BROKEN_OFF
        elif self._begun == self._finished and (len(self._finished) >= self._answers or self._finished == {None}):
            self.is_over = True
            return forwarded + self._framing.end()
        else:
            self.failure = BROKEN_OFF
        return forwarded

    def broken_off(self, failure: Failure) -> bytes:
        """What ends a stream of which something was sent on."""
        return error_event(failure, self._array)

    def _pass(self, payload: bytes | None) -> bytes:
        if payload is None:
            return b""
        try:
            # An error may stand in a list of its own.
            piece = payload[payload.find(b"[") + 1 : payload.rfind(b"]")] if payload[:1] == b"[" else payload
            answer = _ANSWER.decode(piece)
            if answer.error:
                return self._fail(failure_of_error(answer.error))
            self._hear(answer)
            if self.failure is not None:
                return b""
            return self._framing.document(_with_model(piece, self._requested_model))
        except (*NOT_JSON, TypeError) as error:
            mended = self._halves.mended(payload)
            return self._fail(senseless(error)) if mended is None else self._pass(mended)

    def _fail(self, failure: Failure) -> bytes:
        self.failure = failure
        return b""

    def _hear(self, answer: _Answer) -> None:
        if isinstance(answer.usage_metadata, dict):
            self._usage |= answer.usage_metadata
        self.model = self.model or _text(answer.model_version)
        if answer.is_blocked and not self._begun:
            # The prompt was refused: the one thing there is to say.
            self._begun, self._finished, self.finish_reason = {None}, {None}, "SAFETY"
        for candidate in answer.candidates or ():
            self._hear_candidate(candidate)

    def _hear_candidate(self, candidate: _Candidate) -> None:
        self._begun.add(candidate.index)
        self.characters_out += _characters(candidate)
        self._calls = self._calls or _is_call(candidate)
        self.has_content = self.has_content or _is_content(candidate)
        reason = _text(candidate.finish_reason)
        if reason is not None:
            self.finish_reason = "tool_calls" if reason == "STOP" and self._calls else reason
            self._finished.add(candidate.index)
            self.failure = self.failure or failure_in(reason, _text(candidate.finish_message))


def _with_model(document: bytes, requested_model: str) -> bytes:
    # A line end can only be white space here, and must not cut the line that is written.
    fields = _FIELDS.decode(document.replace(b"\n", b" ").replace(b"\r", b" "))
    if "modelVersion" in fields:
        fields["modelVersion"] = msgspec.Raw(_ENCODE(requested_model))
    return _ENCODE(fields)


def _parts(candidate: _Candidate) -> list[_Part]:
    return (candidate.content.parts if candidate.content is not None else None) or []


def _reason(candidate: _Candidate) -> str | None:
    """Why it ended; Google has no word for calls."""
    reason = _text(candidate.finish_reason)
    return "tool_calls" if reason == "STOP" and _is_call(candidate) else reason


def _is_content(candidate: _Candidate) -> bool:
    return any(
        part.text or part.function_call or part.inline_data or part.executable_code or part.code_execution_result
        for part in _parts(candidate)
    )


def _is_call(candidate: _Candidate) -> bool:
    return any(part.function_call for part in _parts(candidate))


def _characters(candidate: _Candidate) -> int:
    """Of text, thoughts and the arguments of calls."""
    total = 0
    for part in _parts(candidate):
        total += len(part.text) if isinstance(part.text, str) else 0
        args = part.function_call.get("args") if isinstance(part.function_call, dict) else None
        total += len(_ENCODE(args)) if args else 0
    return total


def _without_foreign(contents: msgspec.Raw) -> msgspec.Raw:
    """As it was if the contents are not in the form of this dialect: the upstream will say so."""
    try:
        return msgspec.Raw(_ENCODE([_cleaned(content) for content in _LIST.decode(contents)]))
    except NOT_JSON:
        return contents


def _cleaned(content: msgspec.Raw) -> msgspec.Raw:
    fields = _FIELDS.decode(content)
    parts = [
        _unsigned(_FIELDS.decode(part)) if FOREIGN.search(part) else part
        for part in _LIST.decode(fields.get("parts", b"[]"))
    ]
    return msgspec.Raw(_ENCODE({**fields, "parts": parts}))


def _unsigned(part: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    return {name: value for name, value in part.items() if name not in ("thoughtSignature", "thought_signature")}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
