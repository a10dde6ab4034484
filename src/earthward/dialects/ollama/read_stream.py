"""A stream of lines read as events, of chat or of generate."""

from typing import Any

import msgspec

from earthward.chat import (
    Event,
    Failed,
    Failure,
    Finished,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from earthward.dialects import ndjson
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.ollama.answer import invented_id
from earthward.dialects.ollama.calls import WireCall, read_call
from earthward.dialects.ollama.errors import failure_of_error
from earthward.dialects.ollama.finish import failure_in, read_reason
from earthward.dialects.ollama.stream_end import BROKEN_OFF, TOO_LONG, senseless
from earthward.dialects.ollama.usage import Durations, fills_context, read_durations, read_usage
from earthward.dialects.times import unix_time


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[WireCall] | None = None


class _Chunk(msgspec.Struct, gc=False):
    message: _Message | None = None
    done: bool = False
    model: str | None = None
    created_at: str | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: list[WireCall] | None = None
    logprobs: list[Any] | None = None
    remote_model: str | None = None
    remote_host: str | None = None
    done_reason: str | None = None
    total_duration: Any = None
    load_duration: Any = None
    prompt_eval_count: Any = None
    prompt_eval_cached_count: Any = None
    prompt_eval_duration: Any = None
    eval_count: Any = None
    eval_duration: Any = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_NOTHING: frozenset[str] = frozenset()


class StreamReader:
    """After `Failed`, or once `is_over`, nothing more comes out.

    `custom` names the tools that take free text; with `num_ctx` an answer that ends for want of room says so.
    `durations` are those of the last line, `remote_model` is the cloud model that answered, if one did.
    """

    def __init__(self, custom: frozenset[str] = _NOTHING, num_ctx: int | None = None) -> None:
        self._custom = custom
        self._num_ctx = num_ctx
        self._lines = ndjson.Lines()
        self._has_begun = False
        self.is_over = False
        self._calls = 0
        self.durations = Durations()
        self.remote_model: str | None = None

    @property
    def usage_so_far(self) -> Usage:
        """Nothing: all is told by the last line."""
        return Usage()

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for line in self._lines.feed(data):
            if not self.is_over:
                self._read(line, events)
        if self._lines.overflowed and not self.is_over:
            self._fail(TOO_LONG, events)
        return events

    def end(self) -> list[Event]:
        """What the end of the body means: the rest of a whole answer, or the failure that it broke off."""
        events: list[Event] = []
        if self.is_over:
            return events
        rest = self._lines.end()
        if is_whole(rest):
            self._read(rest, events)
        if not self.is_over:
            self._fail(BROKEN_OFF, events)
        return events

    def _read(self, line: bytes, events: list[Event]) -> None:
        try:
            chunk = _CHUNK.decode(line)
        except NOT_JSON as error:
            self._fail(senseless(error), events)
            return
        if chunk.error:
            self._fail(failure_of_error(chunk.error), events)
            return
        if not self._has_begun:
            self._begin(chunk, events)
        message = chunk.message
        if message is None:
            message = _Message(chunk.response, chunk.thinking, chunk.tool_calls)
        # Thinking and text may share a chunk; the thinking was first.
        if message.thinking:
            events.append(ReasoningDelta(message.thinking))
        if message.content or chunk.logprobs:
            events.append(TextDelta(message.content or "", 0, chunk.logprobs))
        if message.tool_calls:
            self._read_calls(message.tool_calls, chunk.created_at, events)
        if chunk.done:
            self._finish(chunk, events)

    def _begin(self, chunk: _Chunk, events: list[Event]) -> None:
        self._has_begun = True
        self.remote_model = chunk.remote_model
        rest = {"remote_model": chunk.remote_model, "remote_host": chunk.remote_host}
        given = {name: value for name, value in rest.items() if value is not None}
        events.append(Started(None, chunk.model, unix_time(chunk.created_at), given))

    def _read_calls(self, wires: list[WireCall], created_at: str | None, events: list[Event]) -> None:
        for wire in wires:
            place = self._calls
            self._calls += 1
            call = read_call(wire, invented_id(created_at, place), self._custom)
            events.append(ToolCallStarted(place, call.id, call.name, custom=call.custom))
            events.append(ToolCallDelta(place, call.arguments))

    def _finish(self, chunk: _Chunk, events: list[Event]) -> None:
        self.is_over = True
        self.durations = read_durations(chunk)
        failure = failure_in(chunk.done_reason)
        if failure is not None:
            events.append(Failed(failure))
            return
        usage = read_usage(chunk.prompt_eval_count, chunk.eval_count, chunk.prompt_eval_cached_count)
        if usage != Usage():
            events.append(UsageReported(usage))
        is_full = fills_context(usage, self._num_ctx)
        events.append(Finished(read_reason(chunk.done_reason, self._calls > 0, is_full)))

    def _fail(self, failure: Failure, events: list[Event]) -> None:
        self.is_over = True
        events.append(Failed(failure))


def is_whole(rest: bytes) -> bool:
    """Whether what came last, without the line end, is a line all the same."""
    try:
        msgspec.json.decode(rest)
    except NOT_JSON:
        return False
    return True
