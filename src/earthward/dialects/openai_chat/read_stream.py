"""A stream of chunks read as events.

The reasons why answers finished are held back to the end of the stream: some servers give one with a chunk that is
not the last, or `stop` for an answer that calls tools.
"""

from typing import Any

import msgspec

from earthward.chat import (
    Cited,
    Event,
    Failed,
    Failure,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Unread,
    Usage,
    UsageReported,
)
from earthward.dialects import sse
from earthward.dialects.halves import Halves
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.openai_chat.annotations import read_annotations
from earthward.dialects.openai_chat.answer import logprobs_in, text_in, unread_in
from earthward.dialects.openai_chat.calls import arguments_text
from earthward.dialects.openai_chat.errors import failure_of_error
from earthward.dialects.openai_chat.finish import failure_in, read_reason
from earthward.dialects.openai_chat.stream_end import BROKEN_OFF, NO_ANSWER, TOO_LONG, is_done, is_whole, senseless
from earthward.dialects.openai_chat.usage import UsageOfStream


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _Custom(msgspec.Struct):
    name: str | None = None
    input: str | None = None


class _Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    custom: _Custom | None = None


class _Delta(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_Call] | None = None
    function_call: _Function | None = None
    annotations: Any = None
    audio: Any = None
    images: Any = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    index: int = 0
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    id: str | None = None
    created: int | float | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    usage: Any = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)


class StreamReader:
    """After `Failed`, or once `is_over`, nothing more comes out. `answers` is how many were asked for."""

    def __init__(self, answers: int = 1) -> None:
        self._asked_for = answers
        self._blocks = sse.Blocks()
        self._halves = Halves()
        self._answers: dict[int, _AnswerReader] = {}
        self._usage = UsageOfStream()
        self.is_over = False

    @property
    def usage_so_far(self) -> Usage:
        """What was told before the end, should there be none."""
        return self._usage.total

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for block in self._blocks.feed(data):
            if not self.is_over:
                events += self._read(sse.data_of(block))
        if self._blocks.overflowed and not self.is_over:
            events += self._fail(TOO_LONG)
        return events

    def end(self) -> list[Event]:
        """What the end of the body means: the rest of a whole answer, or the failure that it broke off."""
        events = [] if self.is_over else self._read_rest()
        if self.is_over:
            return events
        finished = [answer for answer in self._answers.values() if answer.reason is not None]
        if len(finished) == len(self._answers) >= self._asked_for:
            return [*events, *self._finish()]
        return [*events, *self._fail(BROKEN_OFF)]

    def _read_rest(self) -> list[Event]:
        payload = sse.data_of(self._blocks.end())
        return self._read(payload) if is_whole(payload) else []

    def _read(self, payload: bytes | None) -> list[Event]:
        if payload is None:
            return []
        if is_done(payload):
            return self._finish() if self._answers else self._fail(NO_ANSWER)
        try:
            return self._read_chunk(self._halves.decode(_CHUNK.decode, payload))
        except (*NOT_JSON, ValueError) as error:
            return self._fail(senseless(error))

    def _read_chunk(self, chunk: _Chunk) -> list[Event]:
        if chunk.error:
            return self._fail(failure_of_error(chunk.error))
        if chunk.usage is not None:
            self._usage.add(chunk.usage, not chunk.choices, len(self._answers))
        events: list[Event] = []
        for choice in chunk.choices or ():
            if not self._answers:
                events.append(_started(chunk))
            answer = self._answers.get(choice.index)
            if answer is None:
                answer = self._answers[choice.index] = _AnswerReader(choice.index, chunk.id or "")
            events += answer.read(choice)
            failure = failure_in(choice.finish_reason)
            if failure is not None:
                return [*events, *self._fail(failure)]
        return events

    def _finish(self) -> list[Event]:
        self.is_over = True
        usage = self._usage.total
        events: list[Event] = [UsageReported(usage)] if usage != Usage() else []
        for index in sorted(self._answers):
            answer = self._answers[index]
            events.append(Finished(read_reason(answer.reason, bool(answer.calls)), index))
        return events

    def _fail(self, failure: Failure) -> list[Event]:
        self.is_over = True
        return [Failed(failure)]


class _AnswerReader:
    """One answer of those asked for. `calls` holds the id each tool call had on the wire, if any."""

    def __init__(self, index: int, chunk_id: str) -> None:
        self.reason: str | None = None
        self.calls: list[str | None] = []
        self._index = index
        self._invented_id = f"call_{chunk_id}_{index}"
        self._places: dict[int | None, int] = {}
        self._unread: set[str] = set()

    def read(self, choice: _Choice) -> list[Event]:
        self.reason = choice.finish_reason or self.reason
        delta = choice.delta
        if delta is None:
            return []
        events: list[Event] = []
        # Ollama may put thinking and text into one chunk; the thinking was first.
        if reasoning := delta.reasoning_content or delta.reasoning:
            events.append(ReasoningDelta(reasoning, self._index))
        text = text_in(delta.content)
        logprobs = logprobs_in(choice.logprobs)
        if text or logprobs:
            events.append(TextDelta(text, self._index, logprobs))
        if delta.annotations:
            events += [Cited(citation, self._index) for citation in read_annotations(delta.annotations)]
        if delta.audio or delta.images:
            names = [name for name in unread_in(delta.audio, delta.images) if name not in self._unread]
            self._unread.update(names)
            events += map(Unread, names)
        if delta.refusal:
            events.append(RefusalDelta(delta.refusal, self._index))
        for call in delta.tool_calls or ():
            events += self._read_call(call)
        if delta.function_call is not None:
            events += self._read_call(_Call(function=delta.function_call))
        return events

    def _read_call(self, wire: _Call) -> list[Event]:
        place = self._places.get(wire.index)
        events: list[Event] = []
        if place is None or self._is_another(place, wire.id):
            place = self._places[wire.index] = len(self.calls)
            events.append(self._started_call(place, wire))
        if arguments := _arguments(wire):
            events.append(ToolCallDelta(place, arguments, self._index))
        return events

    def _is_another(self, place: int, id: str | None) -> bool:
        """Some servers number all calls 0: then only the id tells them apart."""
        return bool(id) and self.calls[place] is not None and id != self.calls[place]

    def _started_call(self, place: int, wire: _Call) -> ToolCallStarted:
        named = wire.custom or wire.function
        if named is None or not named.name:
            raise ValueError("a tool call begins without a name")
        self.calls.append(wire.id or None)
        call_id = wire.id or f"{self._invented_id}_{place}"
        return ToolCallStarted(place, call_id, named.name, self._index, custom=wire.custom is not None)


def _arguments(wire: _Call) -> str | None:
    if wire.custom is not None:
        return wire.custom.input
    return arguments_text(wire.function.arguments) if wire.function is not None else None


def _started(chunk: _Chunk) -> Started:
    rest = {"system_fingerprint": chunk.system_fingerprint, "service_tier": chunk.service_tier}
    created = int(chunk.created) if chunk.created is not None else None
    return Started(chunk.id, chunk.model, created, {name: value for name, value in rest.items() if value is not None})
