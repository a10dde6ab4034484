"""A stream of pieces read as events.

There is no last event: the reasons why answers finished are held back to the end of the body, and an answer without
one broke off.
"""

from typing import Any

import msgspec

from earthward.chat import (
    Cited,
    Event,
    Failed,
    Failure,
    Finished,
    Reasoning,
    ReasoningDelta,
    Started,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Unread,
    Usage,
    UsageReported,
)
from earthward.dialects import sse
from earthward.dialects.gemini.answer import WireAnswer, WireCandidate, read_part, said_by, unread_in
from earthward.dialects.gemini.errors import failure_of_error
from earthward.dialects.gemini.finish import failure_in, read_reason
from earthward.dialects.gemini.grounding import Sources, each_once, read_sources
from earthward.dialects.gemini.logprobs import read_logprobs
from earthward.dialects.gemini.stream_end import BROKEN_OFF, NO_ANSWER, TOO_LONG, senseless
from earthward.dialects.gemini.usage import read_usage
from earthward.dialects.halves import Halves
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.times import unix_time

_ANSWER = msgspec.json.Decoder(WireAnswer | list[WireAnswer])


class StreamReader:
    """After `Failed`, or once `is_over`, nothing more comes out. `answers` is how many were asked for.

    `unnamed` stands for the id of an answer that has none, so that ids of calls differ from those of other turns.
    """

    def __init__(self, answers: int = 1, unnamed: str = "") -> None:
        self._asked_for = answers
        self._unnamed = unnamed
        self._blocks = sse.Blocks()
        self._halves = Halves()
        self._started: Started | None = None
        self._reasons: dict[int, str | None] = {}
        self._calls: dict[int, int] = {}
        self._usage: dict[str, Any] = {}
        self._texts: dict[int, list[str]] = {}
        self._sources: dict[int, list[Sources]] = {}
        self._unread: set[str] = set()
        self._is_blocked = False
        self.is_over = False

    @property
    def usage_so_far(self) -> Usage:
        """What was told before the end, should there be none."""
        return read_usage(self._usage)

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for block in self._blocks.feed(data):
            if not self.is_over:
                self._read(sse.data_of(block), events)
        if self._blocks.overflowed and not self.is_over:
            self._fail(TOO_LONG, events)
        return events

    def end(self) -> list[Event]:
        """What the end of the body means: the end of a whole answer, or the failure that it broke off."""
        events: list[Event] = []
        payload = sse.data_of(self._blocks.end())
        if not self.is_over and payload is not None and is_whole(payload):
            self._read(payload, events)
        if not self.is_over:
            self._finish(events)
        return events

    def _read(self, payload: bytes | None, events: list[Event]) -> None:
        if payload is None:
            return
        try:
            found = self._halves.decode(_ANSWER.decode, payload)
        except (*NOT_JSON, ValueError) as error:
            self._fail(senseless(error), events)
            return
        # An error may stand in a list of its own.
        for wire in found if isinstance(found, list) else [found]:
            if not self.is_over:
                self._read_piece(wire, events)

    def _read_piece(self, wire: WireAnswer, events: list[Event]) -> None:
        if wire.error:
            self._fail(failure_of_error(wire.error), events)
            return
        if isinstance(wire.usage_metadata, dict):
            self._usage |= wire.usage_metadata
        if wire.candidates or wire.is_blocked:
            self._begin(wire, events)
        if wire.is_blocked and not wire.candidates and not self._reasons:
            self._is_blocked, self._reasons[0] = True, "SAFETY"
        self._name_unread(wire, events)
        for candidate in wire.candidates or ():
            failure = failure_in(candidate.finish_reason, candidate.finish_message)
            self._read_candidate(candidate, events)
            if failure is not None:
                self._fail(failure, events)
                return

    def _begin(self, wire: WireAnswer, events: list[Event]) -> None:
        if self._started is None:
            self._started = Started(wire.response_id, wire.model_version, unix_time(wire.create_time))
            events.append(self._started)

    def _name_unread(self, wire: WireAnswer, events: list[Event]) -> None:
        """Once each: ratings come with every piece."""
        for name in unread_in(wire):
            if name not in self._unread:
                self._unread.add(name)
                events.append(Unread(name))

    def _read_candidate(self, wire: WireCandidate, events: list[Event]) -> None:
        index = wire.index
        self._reasons[index] = wire.finish_reason or self._reasons.get(index)
        logprobs = read_logprobs(wire.logprobs_result)
        if wire.grounding_metadata or wire.citation_metadata:
            self._sources.setdefault(index, []).append(wire.sources)
        assert self._started is not None
        texts = self._texts.setdefault(index, [])
        for part in wire.parts:
            texts.append(said_by(part))
            calls = self._calls.get(index, 0)
            for read in read_part(part, f"call_{self._started.id or self._unnamed}_{index}_{calls}"):
                match read:
                    case Text(text):
                        events.append(TextDelta(text, index, logprobs))
                        logprobs = None
                    case Reasoning(text, signature):
                        events.append(ReasoningDelta(text, index, signature))
                    case ToolCall(id, name, arguments):
                        self._calls[index] = calls + 1
                        events += [ToolCallStarted(calls, id, name, index), ToolCallDelta(calls, arguments, index)]
        if logprobs:
            events.append(TextDelta("", index, logprobs))

    def _finish(self, events: list[Event]) -> None:
        reasons = {index: reason for index, reason in self._reasons.items() if reason is not None}
        if not self._reasons:
            self._fail(NO_ANSWER if self._usage else BROKEN_OFF, events)
            return
        if len(reasons) < len(self._reasons) or (len(reasons) < self._asked_for and not self._is_blocked):
            self._fail(BROKEN_OFF, events)
            return
        self.is_over = True
        usage = read_usage(self._usage)
        if self._usage:
            events.append(UsageReported(usage))
        for index in self._sources:
            self._cite(index, events)
        events += [
            Finished(read_reason(reasons[index], bool(self._calls.get(index))), index) for index in sorted(reasons)
        ]

    def _cite(self, index: int, events: list[Event]) -> None:
        """Places are in all of the text, whatever pieces it came in. Some of it is told more than once."""
        whole = ["".join(self._texts[index])]
        told = [citation for sources in self._sources[index] for citation in read_sources(sources, whole)]
        events += [Cited(citation, index) for citation in each_once(told)]

    def _fail(self, failure: Failure, events: list[Event]) -> None:
        self.is_over = True
        events.append(Failed(failure))


def is_whole(payload: bytes) -> bool:
    """Whether what came last, without the blank line that ends an event, is one all the same."""
    try:
        msgspec.json.decode(payload)
    except NOT_JSON:
        return False
    return True
