"""A stream of events read as the vocabulary's.

The type inside an event decides, and of a piece of content its own type, not the block it says it is part of: servers
get block numbers wrong, and put thinking into blocks of text. Blocks that the vendor's own tools left behind are
only named. What a text rests on is told when its block is over, since then it is known how long it is.
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
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Unread,
    Usage,
    UsageReported,
)
from earthward.dialects import sse
from earthward.dialects.anthropic_messages.calls import arguments_text
from earthward.dialects.anthropic_messages.citations import read_citations
from earthward.dialects.anthropic_messages.errors import failure_of_error
from earthward.dialects.anthropic_messages.events import (
    WireBlock,
    WireDelta,
    WireEvent,
    WireMessage,
    decode,
    payload_of,
    text_in,
)
from earthward.dialects.anthropic_messages.finish import read_reason
from earthward.dialects.anthropic_messages.stream_end import BROKEN_OFF, NO_ANSWER, TOO_LONG, is_whole, senseless
from earthward.dialects.anthropic_messages.usage import UsageOfStream
from earthward.dialects.halves import Halves
from earthward.dialects.json_limits import NOT_JSON


class _Call(msgspec.Struct):
    """A tool call under way; `input` is what its block began with."""

    place: int
    input: Any
    has_arguments: bool = False


class StreamReader:
    """After `Failed`, or once `is_over`, nothing more comes out."""

    def __init__(self) -> None:
        self._blocks = sse.Blocks()
        self._halves = Halves()
        self._started: Started | None = None
        self._usage = UsageOfStream()
        self._calls = 0
        self._open_calls: dict[Any, _Call] = {}
        self._foreign: set[Any] = set()
        self._unread: set[str] = set()
        self._said = self._block_begins = 0
        self._citations: list[Any] = []
        self._reason: str | None = None
        self._stop_sequence: str | None = None
        self.is_over = False

    @property
    def usage_so_far(self) -> Usage:
        """What was told before the end, should there be none."""
        return self._usage.so_far

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for block in self._blocks.feed(data):
            if not self.is_over:
                self._read(payload_of(block), events)
        if self._blocks.overflowed and not self.is_over:
            self._fail(TOO_LONG, events)
        return events

    def end(self) -> list[Event]:
        """What the end of the body means: nothing after a whole answer, else the failure that it broke off."""
        events: list[Event] = []
        if not self.is_over:
            payload = payload_of(self._blocks.end())
            if is_whole(payload):
                self._read(payload, events)
        if not self.is_over:
            self._fail(BROKEN_OFF, events)
        return events

    def _read(self, payload: bytes | None, events: list[Event]) -> None:
        if payload is None:
            return
        try:
            wire = self._halves.decode(decode, payload)
            if wire.error:
                self._fail(failure_of_error(wire.error), events)
            else:
                self._read_event(wire, events)
        except (*NOT_JSON, ValueError, TypeError) as error:
            # The number of a block may be anything, and what is no key of a dict is no number.
            self._fail(senseless(error), events)

    def _read_event(self, wire: WireEvent, events: list[Event]) -> None:
        match wire.type:
            case "content_block_delta":
                self._begin(wire, events)
                if wire.delta is not None and wire.index not in self._foreign:
                    self._read_delta(wire.index, wire.delta, events)
            case "content_block_start":
                self._begin(wire, events)
                self._end_call(wire.index, events)
                self._end_text(events)
                self._foreign.discard(wire.index)
                if wire.content_block is not None:
                    self._read_start(wire.index, wire.content_block, events)
            case "content_block_stop":
                self._end_call(wire.index, events)
                self._end_text(events)
            case "message_start":
                self._begin(wire, events)
            case "message_delta":
                self._begin(wire, events)
                self._usage.add(wire.usage)
                if wire.delta is not None:
                    self._reason = text_in(wire.delta.stop_reason) or self._reason
                    self._stop_sequence = text_in(wire.delta.stop_sequence) or self._stop_sequence
            case "message_stop":
                self._finish(events)
            case "error":
                self._fail(failure_of_error(None), events)

    def _begin(self, wire: WireEvent, events: list[Event]) -> None:
        """llama.cpp may leave out the event that begins a message; others send a second one."""
        message = wire.message
        if message is not None:
            self._usage.begin(message.usage)
        if self._started is None:
            named = message if message is not None else WireMessage()
            self._started = Started(text_in(named.id) or None, text_in(named.model) or None)
            events.append(self._started)

    def _read_start(self, index: Any, block: WireBlock, events: list[Event]) -> None:
        if block.citations:
            self._citations += block.citations if isinstance(block.citations, list) else ()
        match block.type:
            case "text" if text := text_in(block.text):
                self._said += len(text)
                events.append(TextDelta(text))
            case "thinking":
                thinking, signature = text_in(block.thinking), text_in(block.signature)
                if thinking or signature:
                    events.append(ReasoningDelta(thinking, signature=signature or None))
            case "tool_use":
                if not text_in(block.name):
                    raise ValueError("a tool call begins without a name")
                assert self._started is not None
                call = self._open_calls[index] = _Call(self._calls, block.input)
                self._calls += 1
                call_id = text_in(block.id) or f"toolu_{self._started.id or ''}_{call.place}"
                events.append(ToolCallStarted(call.place, call_id, block.name))
            case "text" | None:
                pass
            case _:
                self._foreign.add(index)
                name = f"content.{block.type}"
                if name not in self._unread:
                    self._unread.add(name)
                    events.append(Unread(name))

    def _read_delta(self, index: Any, delta: WireDelta, events: list[Event]) -> None:
        if text := text_in(delta.text):
            self._said += len(text)
            events.append(TextDelta(text))
        elif delta.citation:
            self._citations.append(delta.citation)
        elif thinking := text_in(delta.thinking):
            events.append(ReasoningDelta(thinking))
        elif signature := text_in(delta.signature):
            events.append(ReasoningDelta("", signature=signature))
        elif arguments := text_in(delta.partial_json):
            call = self._open_calls.get(index)
            if call is None:
                raise ValueError("arguments for a tool call that has not begun")
            call.has_arguments = True
            events.append(ToolCallDelta(call.place, arguments))

    def _end_call(self, index: Any, events: list[Event]) -> None:
        """Arguments that did not come in pieces stood where the block began; if nowhere, there are none."""
        call = self._open_calls.pop(index, None)
        if call is not None and not call.has_arguments:
            events.append(ToolCallDelta(call.place, arguments_text(call.input)))

    def _end_text(self, events: list[Event]) -> None:
        begins, self._block_begins = self._block_begins, self._said
        if self._citations:
            citations, self._citations = self._citations, []
            events += map(Cited, read_citations(citations, begins, self._said))

    def _finish(self, events: list[Event]) -> None:
        if self._started is None:
            self._fail(NO_ANSWER, events)
            return
        for index in list(self._open_calls):
            self._end_call(index, events)
        self._end_text(events)
        self.is_over = True
        usage = self._usage.total
        if usage != Usage():
            events.append(UsageReported(usage))
        reason = read_reason(self._reason, self._calls > 0, self._stop_sequence)
        events.append(Finished(reason, stop_sequence=self._stop_sequence))

    def _fail(self, failure: Failure, events: list[Event]) -> None:
        self.is_over = True
        events.append(Failed(failure))
