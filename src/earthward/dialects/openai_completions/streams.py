"""Streams, both ways: chunks of text, and `[DONE]`."""

from typing import Any

import msgspec

from earthward.chat import (
    Event,
    Failed,
    Failure,
    Finished,
    RefusalDelta,
    Started,
    TextDelta,
    Usage,
    UsageReported,
)
from earthward.dialects import sse
from earthward.dialects.halves import Halves
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.openai_chat.errors import error_event, failure_of_error
from earthward.dialects.openai_chat.finish import failure_in, read_reason, written_reason
from earthward.dialects.openai_chat.stream_end import (
    BROKEN_OFF,
    DONE,
    NO_ANSWER,
    TOO_LONG,
    is_done,
    is_whole,
    senseless,
)
from earthward.dialects.openai_chat.usage import UsageOfStream, wire_usage
from earthward.dialects.openai_completions.logprobs import read_logprobs, wire_logprobs

_ENCODE = msgspec.json.Encoder().encode


class _Choice(msgspec.Struct):
    text: str | None = None
    index: int = 0
    finish_reason: str | None = None
    logprobs: Any = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    id: str | None = None
    created: int | float | None = None
    model: str | None = None
    usage: Any = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)


class StreamReader:
    """After `Failed`, or once `is_over`, nothing more comes out. `answers` is how many were asked for."""

    def __init__(self, answers: int = 1) -> None:
        self._asked_for = answers
        self._blocks = sse.Blocks()
        self._halves = Halves()
        self._reasons: dict[int, str | None] = {}
        self._usage = UsageOfStream()
        self.is_over = False

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for block in self._blocks.feed(data):
            if not self.is_over:
                self._read(sse.data_of(block), events)
        if self._blocks.overflowed and not self.is_over:
            self._fail(TOO_LONG, events)
        return events

    def end(self) -> list[Event]:
        """What the end of the body means: the rest of a whole answer, or the failure that it broke off."""
        events: list[Event] = []
        payload = sse.data_of(self._blocks.end())
        if not self.is_over and is_whole(payload):
            self._read(payload, events)
        if not self.is_over:
            whole = [reason for reason in self._reasons.values() if reason is not None]
            if len(whole) == len(self._reasons) >= self._asked_for:
                self._finish(events)
            else:
                self._fail(BROKEN_OFF, events)
        return events

    def _read(self, payload: bytes | None, events: list[Event]) -> None:
        if payload is None:
            return
        if is_done(payload):
            if self._reasons:
                self._finish(events)
            else:
                self._fail(NO_ANSWER, events)
            return
        try:
            self._read_chunk(self._halves.decode(_CHUNK.decode, payload), events)
        except (*NOT_JSON, ValueError) as error:
            self._fail(senseless(error), events)

    def _read_chunk(self, chunk: _Chunk, events: list[Event]) -> None:
        if chunk.error:
            self._fail(failure_of_error(chunk.error), events)
            return
        if chunk.usage is not None:
            self._usage.add(chunk.usage, not chunk.choices, len(self._reasons))
        for choice in chunk.choices or ():
            if not self._reasons:
                created = int(chunk.created) if chunk.created is not None else None
                events.append(Started(chunk.id, chunk.model, created))
            self._reasons[choice.index] = choice.finish_reason or self._reasons.get(choice.index)
            logprobs = read_logprobs(choice.logprobs)
            if choice.text or logprobs:
                events.append(TextDelta(choice.text or "", choice.index, logprobs))
            failure = failure_in(choice.finish_reason)
            if failure is not None:
                self._fail(failure, events)
                return

    def _finish(self, events: list[Event]) -> None:
        self.is_over = True
        if self._usage.total != Usage():
            events.append(UsageReported(self._usage.total))
        events += [Finished(read_reason(self._reasons[index], False), index) for index in sorted(self._reasons)]

    def _fail(self, failure: Failure, events: list[Event]) -> None:
        self.is_over = True
        events.append(Failed(failure))


class StreamWriter:
    """`created` is a Unix time in seconds. Thinking is not shown. After a failure nothing more comes out."""

    def __init__(self, model: str, include_usage: bool, id: str, created: int) -> None:
        self._about = {"id": id, "object": "text_completion", "created": created, "model": model}
        self._include_usage = include_usage
        self._usage = Usage()
        self._lengths: dict[int, int] = {}
        self._begun: set[int] = set()
        self._finished: set[int] = set()
        self._has_failed = False

    def write(self, event: Event) -> bytes:
        if self._has_failed:
            return b""
        match event:
            case TextDelta(text, answer, logprobs) if text or logprobs:
                self._begun.add(answer)
                offset = self._lengths.get(answer, 0)
                self._lengths[answer] = offset + len(text)
                return self._chunk(answer, text, logprobs=wire_logprobs(logprobs, offset))
            case RefusalDelta(text, answer) if text:
                self._begun.add(answer)
                return self._chunk(answer, text)
            case Finished(reason, answer):
                self._begun.add(answer)
                self._finished.add(answer)
                return self._chunk(answer, "", reason=written_reason(reason))
            case UsageReported(usage):
                self._usage = usage
            case Failed(failure):
                self._has_failed = True
                return error_event(failure)
        return b""

    def end(self) -> bytes:
        """The usage if it was asked for, and `[DONE]`; an error if an answer was left unfinished."""
        if self._has_failed:
            return b""
        if not self._finished or self._begun != self._finished:
            return self.write(Failed(BROKEN_OFF))
        usage = wire_usage(self._usage) if self._include_usage else None
        if usage is None:
            return DONE
        return sse.event(_ENCODE({**self._about, "choices": [], "usage": usage})) + DONE

    def _chunk(self, answer: int, text: str, logprobs: Any = None, reason: str | None = None) -> bytes:
        choice = {"text": text, "index": answer, "logprobs": logprobs, "finish_reason": reason}
        return sse.event(_ENCODE({**self._about, "choices": [choice]}))
