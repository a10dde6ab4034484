"""A stream of events read as the vocabulary's.

What an item or a part says when it is done counts where no pieces of it came before.
"""

from collections import Counter
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
from earthward.dialects.openai_responses.annotations import read_annotations
from earthward.dialects.openai_responses.answer import WireItem, WirePart, WireResponse, read_call, unread_in
from earthward.dialects.openai_responses.encrypted import read_encrypted
from earthward.dialects.openai_responses.errors import failure_of_error
from earthward.dialects.openai_responses.finish import read_reason
from earthward.dialects.openai_responses.stream_end import BROKEN_OFF, TOO_LONG, senseless
from earthward.dialects.openai_responses.usage import read_usage


class WireEvent(msgspec.Struct):
    type: str
    response: WireResponse | None = None
    item: WireItem | None = None
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: Any = None
    logprobs: list[Any] | None = None
    annotation: Any = None
    error: Any = None
    code: Any = None
    message: Any = None
    param: Any = None


_EVENT = msgspec.json.Decoder(WireEvent)
_CALLS = ("function_call", "custom_tool_call")


class _Item:
    """What came of one item so far. `parts` is where its parts begin, and `cited` how often each was annotated."""

    def __init__(self) -> None:
        self.parts: dict[int, int] = {}
        self.cited: Counter[int] = Counter()
        self.call: int | None = None
        self.has_pieces = False
        self.summaries = 0


class StreamReader:
    """After `Failed`, or once `is_over`, nothing more comes out."""

    def __init__(self) -> None:
        self._blocks = sse.Blocks()
        self._halves = Halves()
        self._started: Started | None = None
        self._items: dict[int, _Item] = {}
        self._calls = 0
        self._said = 0
        self._unread: set[str] = set()
        self.is_over = False

    @property
    def usage_so_far(self) -> Usage:
        """Nothing: all is told by the last event."""
        return Usage()

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for block in self._blocks.feed(data):
            if not self.is_over:
                self._read(sse.data_of(block), events)
        if self._blocks.overflowed and not self.is_over:
            self._fail(TOO_LONG, events)
        return events

    def end(self) -> list[Event]:
        """What the end of the body means: nothing after a whole answer, else the failure that it broke off."""
        events: list[Event] = []
        payload = sse.data_of(self._blocks.end())
        if not self.is_over and payload is not None and _is_whole(payload):
            self._read(payload, events)
        if not self.is_over:
            self._fail(BROKEN_OFF, events)
        return events

    def _read(self, payload: bytes | None, events: list[Event]) -> None:
        if payload is None or payload.strip() == b"[DONE]":
            return
        try:
            self._read_event(self._halves.decode(_EVENT.decode, payload), events)
        except (*NOT_JSON, ValueError) as error:
            self._fail(senseless(error), events)

    def _read_event(self, wire: WireEvent, events: list[Event]) -> None:
        if wire.type == "error" or wire.error:
            told = {"code": wire.code, "message": wire.message, "param": wire.param}
            self._fail(failure_of_error(wire.error or told), events)
            return
        self._begin(wire.response, events)
        if wire.type == "response.output_item.added":
            # Ollama gives two items one index.
            self._items[wire.output_index] = _Item()
        item = self._items.setdefault(wire.output_index, _Item())
        text = wire.delta if isinstance(wire.delta, str) else ""
        match wire.type:
            case "response.output_text.delta":
                item.has_pieces = True
                item.parts.setdefault(wire.content_index, self._said)
                self._said += len(text)
                events.append(TextDelta(text, logprobs=wire.logprobs or None))
            case "response.output_text.annotation.added":
                self._cite(item, wire.content_index, [wire.annotation], events)
            case "response.refusal.delta":
                item.has_pieces = True
                events.append(RefusalDelta(text))
            case "response.reasoning_text.delta" | "response.reasoning_summary_text.delta":
                self._read_thought(item, wire, text, events)
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                if item.call is None:
                    raise ValueError("arguments for a tool call that has not begun")
                item.has_pieces = True
                events.append(ToolCallDelta(item.call, text))
            case "response.output_item.added" if wire.item is not None and wire.item.type in _CALLS:
                self._start_call(item, wire.item, events)
            case "response.output_item.done" if wire.item is not None:
                self._read_done(item, wire.item, events)
            case "response.completed" | "response.incomplete" | "response.failed":
                self._finish(wire, events)

    def _begin(self, response: WireResponse | None, events: list[Event]) -> None:
        if self._started is None:
            found = response if response is not None else WireResponse()
            created = int(found.created_at) if found.created_at is not None else None
            self._started = Started(found.id, found.model, created)
            events.append(self._started)

    def _read_thought(self, item: _Item, wire: WireEvent, text: str, events: list[Event]) -> None:
        # Every part of a summary is a paragraph.
        lead = "\n\n" if item.has_pieces and wire.summary_index > item.summaries else ""
        item.has_pieces, item.summaries = True, wire.summary_index
        events.append(ReasoningDelta(lead + text))

    def _start_call(self, item: _Item, wire: WireItem, events: list[Event]) -> None:
        assert self._started is not None
        call = read_call(wire, f"call_{self._started.id or ''}_{self._calls}")
        item.call, self._calls = self._calls, self._calls + 1
        events.append(ToolCallStarted(item.call, call.id, call.name, custom=call.custom))

    def _cite(self, item: _Item, place: int, annotations: Any, events: list[Event]) -> None:
        begins = item.parts.setdefault(place, self._said)
        for citation in read_annotations(annotations):
            item.cited[place] += 1
            events.append(Cited(citation.moved(begins)))

    def _read_done(self, item: _Item, wire: WireItem, events: list[Event]) -> None:
        unread = unread_in(wire)
        if unread is not None and unread not in self._unread:
            self._unread.add(unread)
            events.append(Unread(unread))
        match wire.type:
            case "function_call" | "custom_tool_call":
                if item.call is None:
                    self._start_call(item, wire, events)
                assert item.call is not None
                if not item.has_pieces:
                    events.append(ToolCallDelta(item.call, (wire.arguments or wire.input) or ""))
            case "message":
                for place, part in enumerate(wire.content or ()):
                    self._read_part(item, place, part, events)
            case "reasoning":
                texts = [part.text or "" for part in wire.content or wire.summary or ()]
                text = "" if item.has_pieces else "\n\n".join(texts)
                if (thought := read_encrypted(wire.encrypted_content, text)) is not None:
                    events.append(ReasoningDelta(text, signature=thought.signature))
        item.has_pieces = True

    def _read_part(self, item: _Item, place: int, part: WirePart, events: list[Event]) -> None:
        if not item.has_pieces:
            if part.refusal:
                events.append(RefusalDelta(part.refusal))
            elif part.text:
                item.parts[place], self._said = self._said, self._said + len(part.text)
                events.append(TextDelta(part.text, logprobs=part.logprobs or None))
        if isinstance(part.annotations, list):
            self._cite(item, place, part.annotations[item.cited[place] :], events)

    def _finish(self, wire: WireEvent, events: list[Event]) -> None:
        response = wire.response if wire.response is not None else WireResponse()
        if wire.type == "response.failed":
            self._fail(failure_of_error(response.error), events)
            return
        self.is_over = True
        usage = read_usage(response.usage)
        if usage != Usage():
            events.append(UsageReported(usage))
        status = wire.type.removeprefix("response.")
        events.append(Finished(read_reason(status, response.incomplete_details, self._calls > 0)))

    def _fail(self, failure: Failure, events: list[Event]) -> None:
        self.is_over = True
        events.append(Failed(failure))


def _is_whole(payload: bytes) -> bool:
    """Whether what came last, without the blank line that ends an event, is one all the same."""
    try:
        msgspec.json.decode(payload)
    except NOT_JSON:
        return False
    return True
