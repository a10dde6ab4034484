"""A whole answer, and the two ways between it and its events."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from earthward.chat.events import (
    Cited,
    Event,
    Failed,
    Finished,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Unread,
    UsageReported,
)
from earthward.chat.failures import Failure, FailureKind
from earthward.chat.request import Citation, Part, Reasoning, Refusal, Text, ToolCall, cited
from earthward.chat.usage import Usage


class Choice(msgspec.Struct, frozen=True):
    """One answer of those asked for; parts in the order the model produced them."""

    parts: tuple[Part, ...]
    reason: FinishReason
    stop_sequence: str | None = None
    logprobs: Any = None

    @property
    def citations(self) -> list[Citation]:
        """Of all its text."""
        return [citation for part in self.parts if type(part) is Text for citation in part.citations]


class Answer(msgspec.Struct, frozen=True):
    """`unread` names, in the vendor's words, what it told besides and has no word here."""

    id: str | None
    model: str | None
    created: int | None
    choices: tuple[Choice, ...]
    usage: Usage = Usage()
    rest: dict[str, Any] = {}
    unread: tuple[str, ...] = ()


def lone_text(answer: Answer) -> str | None:
    """The text of an answer that is one and says nothing else, as most do."""
    if len(answer.choices) != 1:
        return None
    parts = answer.choices[0].parts
    if len(parts) != 1 or type(part := parts[0]) is not Text or part.citations:
        return None
    return part.text


class _Draft:
    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.calls: dict[int, int] = {}
        self.logprobs: list[Any] = []
        self.citations: list[Citation] = []
        self.finished: Finished | None = None

    def add_text(self, kind: type[Text] | type[Refusal], text: str) -> None:
        last = self.parts[-1] if self.parts else None
        if isinstance(last, kind):
            self.parts[-1] = msgspec.structs.replace(last, text=last.text + text)
        elif text:
            self.parts.append(kind(text))

    def add_reasoning(self, event: ReasoningDelta) -> None:
        last = self.parts[-1] if self.parts else None
        if isinstance(last, Reasoning) and last.signature is None:
            self.parts[-1] = Reasoning(last.text + event.text, event.signature)
        elif event.text or event.signature:
            self.parts.append(Reasoning(event.text, event.signature))

    def start_call(self, event: ToolCallStarted) -> None:
        self.calls[event.call] = len(self.parts)
        self.parts.append(ToolCall(event.id, event.name, "", event.custom))

    def add_arguments(self, event: ToolCallDelta) -> None:
        place = self.calls[event.call]
        call = self.parts[place]
        assert isinstance(call, ToolCall)
        self.parts[place] = msgspec.structs.replace(call, arguments=call.arguments + event.arguments)


def collect(events: Iterable[Event]) -> Answer | Failure:
    """The whole answer that these events spell, or the failure that ended them.

    Events that stop without `Finished` for every answer begun are a failure: an answer that only broke off must
    never pass for a whole one.
    """
    started = Started()
    usage = Usage()
    drafts: dict[int, _Draft] = {}
    unread: dict[str, None] = {}
    for event in events:
        match event:
            case Started():
                started = event
            case UsageReported():
                usage = event.usage
            case Failed():
                return event.failure
            case Unread():
                unread[event.name] = None
            case _:
                draft = drafts.setdefault(event.answer, _Draft())
                _add(draft, event)
    if not drafts or any(draft.finished is None for draft in drafts.values()):
        return Failure(FailureKind.BROKEN_STREAM, "the answer broke off before it was finished")
    choices = tuple(_choice(drafts[index]) for index in sorted(drafts))
    return Answer(started.id, started.model, started.created, choices, usage, started.rest, tuple(unread))


def _add(draft: _Draft, event: Event) -> None:
    match event:
        case TextDelta():
            draft.add_text(Text, event.text)
            if event.logprobs:
                draft.logprobs.extend(event.logprobs)
        case Cited():
            draft.citations.append(event.citation)
        case RefusalDelta():
            draft.add_text(Refusal, event.text)
        case ReasoningDelta():
            draft.add_reasoning(event)
        case ToolCallStarted():
            draft.start_call(event)
        case ToolCallDelta():
            draft.add_arguments(event)
        case Finished():
            draft.finished = event


def _choice(draft: _Draft) -> Choice:
    assert draft.finished is not None
    parts = cited(draft.parts, draft.citations) if draft.citations else tuple(draft.parts)
    return Choice(parts, draft.finished.reason, draft.finished.stop_sequence, draft.logprobs or None)


def events_of(answer: Answer) -> Iterator[Event]:
    """The events that would have spelt this answer, each part in one piece."""
    yield Started(answer.id, answer.model, answer.created, answer.rest)
    for index, choice in enumerate(answer.choices):
        calls = said = 0
        logprobs = choice.logprobs
        for part in choice.parts:
            match part:
                case Text(text, citations):
                    yield TextDelta(text, index, logprobs)
                    logprobs = None
                    for citation in citations:
                        yield Cited(citation.moved(said), index)
                    said += len(text)
                case Refusal(text):
                    yield RefusalDelta(text, index)
                case Reasoning(text, signature):
                    yield ReasoningDelta(text, index, signature)
                case ToolCall(id, name, arguments, custom):
                    yield ToolCallStarted(calls, id, name, index, custom)
                    yield ToolCallDelta(calls, arguments, index)
                    calls += 1
        yield Finished(choice.reason, index, choice.stop_sequence)
    yield from map(Unread, answer.unread)
    yield UsageReported(answer.usage)
