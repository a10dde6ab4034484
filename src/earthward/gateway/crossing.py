"""From the caller's dialect to the target's and back.

Where both are the same, bytes pass through with listening in. Otherwise requests, answers and events are read into
the common vocabulary and written again, one event at a time.
"""

import re
from collections.abc import Collection
from typing import Protocol

import msgspec

from earthward.chat import (
    Answer,
    ChatRequest,
    Cited,
    Event,
    Failed,
    Failure,
    Finished,
    FinishReason,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Unread,
    Usage,
    UsageReported,
)
from earthward.dialects.callers_fields import named_for
from earthward.dialects.citing import citations_in, citing
from earthward.dialects.content.engines import for_engine
from earthward.dialects.content.fitting import Fitted, fitted
from earthward.dialects.own_names import own_names
from earthward.gateway.doors.door import Question, Writer
from earthward.gateway.doors.exit import Ending, Heard, Listener, Loading, Reader, Way, left_out
from earthward.gateway.rounds import GoingOn, Rounds, rounds
from earthward.gateway.terms import AS_ASKED, Terms, may_pass, unfetched
from earthward.providers.kind import Operation

ON_RECORD: dict[FinishReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context": "length",
    "tool_calls": "tool_calls",
    "filtered": "content_filter",
    "paused": "paused",
}
"""What the ledger calls the reasons why answers end."""
MOST_NAMES = 32
OTHER = "other"
_NAME = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class Written(msgspec.Struct, frozen=True):
    """A request as its target takes it. `dropped` names what could not be said there, or only roughly.

    `made_up` names what the target can't do and the gateway does in its place. `why` is for those that follow a first
    one, `otherwise` what becomes of the exchange if no more may be asked. `context` is how much it has its host load
    the model with, 0 where it says nothing of that. `operation` tells the path, where that hangs on what was written.
    """

    body: bytes
    dropped: tuple[str, ...] = ()
    made_up: tuple[str, ...] = ()
    why: str = ""
    otherwise: Failure | None = None
    context: int = 0
    operation: Operation | None = None


class Crossing(Protocol):
    """One request on its way to one target, and the answer on its way back.

    `lost` names what of the answer the caller could not be told.
    """

    @property
    def lost(self) -> tuple[str, ...]: ...
    def request(self) -> Written | Failure: ...
    def at(self, context: int, written: Written) -> Written:
        """What was written, for a host that is to have the model loaded with so much context."""
        ...

    def whole(self, body: bytes) -> Heard: ...
    def stream(self) -> Listener: ...
    def more(self) -> Written | Failure | None:
        """What else the same target is to be asked after an answer; None if that was all."""
        ...

    def broken_off(self, failure: Failure) -> bytes:
        """What ends a stream that has begun and can't be finished."""
        ...


def crossing(question: Question, way: Way, dialect: str, model: str, terms: Terms = AS_ASKED) -> Crossing:
    """`dialect`, `model` and `terms` are the target's."""
    if question.door.dialect == dialect and (terms is AS_ASKED or may_pass(question, terms)):
        passing: Crossing = _Passing(question, way)
        return passing if question.stored is None else question.stored.around(passing)
    return Translating(question, way, model, terms)


class _Passing:
    __slots__ = ("_listener", "_question", "_way")

    lost: tuple[str, ...] = ()

    def __init__(self, question: Question, way: Way) -> None:
        self._question = question
        self._way = way
        self._listener: Listener | None = None

    def request(self) -> Written | Failure:
        dropped = left_out(self._way, self._question)
        return Written(self._way.pass_on(self._question), dropped, context=_context(self._way))

    def at(self, context: int, written: Written) -> Written:
        self._way = at(self._way, context)
        if written.context == context:
            return written
        return msgspec.structs.replace(written, body=self._way.pass_on(self._question), context=context)

    def whole(self, body: bytes) -> Heard:
        return self._way.hear(self._question, body)

    def stream(self) -> Listener:
        self._listener = self._way.listen(self._question)
        return self._listener

    def more(self) -> Written | Failure | None:
        return None

    def broken_off(self, failure: Failure) -> bytes:
        if isinstance(self._listener, Ending):
            return self._listener.broken_off(failure)
        return self._question.door.error_event(failure, self._question.id)


class Translating:
    """Rounds follow one another where the target can do less than was asked; mostly there is one."""

    __slots__ = ("_listener", "_lost", "_model", "_question", "_rounds", "_terms", "_way", "_writer")

    def __init__(self, question: Question, way: Way, model: str, terms: Terms) -> None:
        self._question = question
        self._way = way
        self._model = model
        self._terms = terms
        self._rounds: Rounds | None = None
        self._writer: Writer | None = None
        self._listener: StreamTranslation | None = None
        self._lost: tuple[str, ...] = ()

    @property
    def lost(self) -> tuple[str, ...]:
        lost = self._lost if self._listener is None else (*self._lost, *self._listener.lost)
        return plain_names(lost)

    def request(self) -> Written | Failure:
        # Here and below it is asked for what is nearly always there: of a struct isinstance says no five times slower.
        chat, terms = self._question.chat, self._terms
        if not isinstance(chat, ChatRequest):
            return chat
        refusal = unfetched(chat, terms)
        if refusal is not None:
            return refusal
        stream = self._question.glance.stream
        asked = msgspec.structs.replace(chat, model=self._model, stream=stream, stream_usage=stream)
        fit = fitted(asked, terms.lacks, self._question.id)
        if not isinstance(fit, Fitted):
            return fit
        found = rounds(fit, gives_several="several" not in terms.lacks)
        if not isinstance(found, Rounds):
            return found
        self._rounds = found
        body = self._body()
        if not isinstance(body, bytes):
            return body
        lost = (*fit.dropped, *self._way.losses(_without_a_wish_to_forget(found.asked)))
        if lost:
            lost = plain_names(own_names(self._question.door.dialect, lost, self._question.envelope.get))
        return Written(body, lost, fit.made_up, context=_context(self._way))

    @property
    def is_said(self) -> bool:
        """Whether no more is to be asked after the last answer."""
        return self._rounds is not None and self._rounds.is_over

    def more(self) -> Written | Failure | None:
        assert self._rounds is not None, "a round comes after the first"
        otherwise = self._rounds.wrong
        why = self._rounds.next()
        return None if why is None else self._written(why, otherwise)

    def _written(self, why: str = "", otherwise: Failure | None = None) -> Written | Failure:
        body = self._body()
        if isinstance(body, Failure):
            return body
        return Written(body, why=why, otherwise=otherwise, context=_context(self._way))

    def _body(self) -> bytes | Failure:
        assert self._rounds is not None, "what is written belongs to a round"
        asked, profile = self._rounds.asked, self._terms.profile
        body = self._way.write_request(asked if profile is None else for_engine(asked, profile))
        return body if isinstance(body, bytes) else named_for(self._question.door.dialect, body)

    def at(self, context: int, written: Written) -> Written:
        self._way = at(self._way, context)
        if written.context == context:
            return written
        again = self._body()
        assert isinstance(again, bytes), "it could be said before"
        return msgspec.structs.replace(written, body=again, context=context)

    def whole(self, body: bytes) -> Heard:
        assert self._rounds is not None, "an answer comes after its request"
        answer = self._way.read_answer(self._rounds.asked, body)
        if not isinstance(answer, Answer):
            return WholeTranslation(b"", failure=answer)
        heard = self._rounds.heard(answer)
        if not isinstance(heard, Answer):
            return WholeTranslation(b"", answer.usage, failure=heard)
        written = self._question.door.write_answer(self._question, heard)
        if not isinstance(written, bytes):
            return WholeTranslation(b"", answer.usage, failure=written)
        reason = ON_RECORD[heard.choices[0].reason] if heard.choices else None
        characters, is_cited = _characters(heard)
        self._lost = heard.unread
        if is_cited:
            can_be_told = citing(self._question.door.dialect)
            if not all(map(can_be_told.can_cite, citations_in(heard))):
                self._lost = (can_be_told.field, *self._lost)
        return WholeTranslation(written, answer.usage, reason, characters)

    def stream(self) -> Listener:
        current = self._rounds
        assert current is not None, "an answer comes after its request"
        if self._writer is None or current.is_first:
            self._writer = self._question.door.writer(self._question)
        reader = current.reader(self._way.reader(current.asked))
        self._lost = self.lost
        dialect = self._question.door.dialect
        if current.is_only:
            listener = StreamTranslation(reader, self._writer, dialect)
        else:
            listener = RoundTranslation(reader, self._writer if current.is_last else GoingOn(self._writer), dialect)
        self._listener = listener
        return listener

    def broken_off(self, failure: Failure) -> bytes:
        """By the writer, which knows what it has begun: a number, an array, a block."""
        assert self._writer is not None, "a stream that has begun was being written"
        return self._writer.write(Failed(failure))


def _context(way: Way) -> int:
    # Asked of every request: by name, which costs a fiftieth of asking whether it is one that loads.
    context: int = getattr(way, "context", 0)
    return context


def at(way: Way, context: int) -> Way:
    """The way with so much context, where it says anything of that."""
    return way.at(context) if isinstance(way, Loading) else way


def _without_a_wish_to_forget(request: ChatRequest) -> ChatRequest:
    """`store: false` is granted by whoever has no word for it, and by what is kept here in its target's place."""
    if request.rest.get("store") is not False:
        return request
    rest = {name: value for name, value in request.rest.items() if name != "store"}
    return msgspec.structs.replace(request, rest=rest)


def plain_names(names: Collection[str]) -> tuple[str, ...]:
    """The names as a header and a record can hold them.

    Fields that no dialect knows have the caller's names: those may be text, end a line, or come by the thousand.
    """
    if not names:
        return ()
    plain = tuple(dict.fromkeys(name if _NAME.fullmatch(name) else OTHER for name in names))
    return plain if len(plain) <= MOST_NAMES else (*plain[: MOST_NAMES - 1], OTHER)


class WholeTranslation(msgspec.Struct, frozen=True):
    body: bytes
    usage: Usage = Usage()
    finish_reason: str | None = None
    characters_out: int = 0
    failure: Failure | None = None


class StreamTranslation:
    """Takes a stream of the target's dialect in any pieces and gives that of the caller's.

    Once `failure` is set or `is_over` is true nothing more comes out. The failure itself is not written, so that
    somebody else may be asked while nothing was shown. `dialect` is the caller's.
    """

    __slots__ = (
        "_dialect",
        "_is_lost",
        "_reader",
        "_unread",
        "_usage",
        "_writer",
        "characters_out",
        "failure",
        "finish_reason",
        "has_content",
        "is_over",
    )

    def __init__(self, reader: Reader, writer: Writer, dialect: str) -> None:
        self._dialect = dialect
        self._is_lost = False
        self._unread: list[str] = []
        self._reader = reader
        self._writer = writer
        self.has_content = False
        self.is_over = False
        self.finish_reason: str | None = None
        self._usage: Usage | None = None
        self.failure: Failure | None = None
        self.characters_out = 0

    @property
    def usage(self) -> Usage:
        """What was told in the end; of a stream without one, what was told before."""
        return self._reader.usage_so_far if self._usage is None else self._usage

    @property
    def lost(self) -> tuple[str, ...]:
        """The names of what was told, or cited, that the caller could not be told, or not any more."""
        is_lost = self._is_lost or getattr(self._writer, "has_lost", False)
        return (citing(self._dialect).field, *self._unread) if is_lost else tuple(self._unread)

    def feed(self, data: bytes) -> bytes:
        if self.is_over or self.failure is not None:
            return b""
        return self._crossed(self._reader.feed(data))

    def end(self) -> bytes:
        """To be called when the upstream's body has ended; what is still to be sent on."""
        if self.is_over or self.failure is not None:
            return b""
        return self._crossed(self._reader.end())

    def _crossed(self, events: list[Event]) -> bytes:
        write = self._writer.write
        if len(events) == 1 and type(event := events[0]) is TextDelta:
            self._hear(event)
            return write(event)
        written = []
        for event in events:
            if isinstance(event, Failed):
                self.failure = event.failure
                break
            self._hear(event)
            written.append(write(event))
        if self._reader.is_over and self.failure is None:
            self.is_over = True
            written.append(self._writer.end())
        return b"".join(written)

    def _hear(self, event: Event) -> None:
        match event:
            case TextDelta(text) | ReasoningDelta(text) | RefusalDelta(text):
                if text:
                    self.has_content = True
                    self.characters_out += len(text)
            case ToolCallDelta(_, arguments):
                self.has_content = True
                self.characters_out += len(arguments)
            case ToolCallStarted():
                self.has_content = True
            case UsageReported(usage):
                self._usage = usage
            case Cited(citation):
                self._is_lost = self._is_lost or not citing(self._dialect).can_cite(citation)
            case Unread(name):
                self._unread.append(name)
            case Finished(reason):
                self.finish_reason = ON_RECORD[reason]


class RoundTranslation(StreamTranslation):
    """One of several rounds. What the caller is told in the end is what all have used."""

    __slots__ = ()

    @property
    def usage(self) -> Usage:
        return self._reader.usage_so_far


def _characters(answer: Answer) -> tuple[int, bool]:
    """How many there are, and whether any text says what it rests on."""
    total = 0
    is_cited = False
    for choice in answer.choices:
        for part in choice.parts:
            if type(part) is Text:
                total += len(part.text)
                is_cited = is_cited or bool(part.citations)
                continue
            match part:
                case Refusal(text) | Reasoning(text):
                    total += len(text)
                case ToolCall(arguments=arguments):
                    total += len(arguments)
    return total, is_cited
