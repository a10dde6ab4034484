"""What the gateway must know of a target's dialect: how it is asked, and how its answers and errors read."""

from typing import Protocol, runtime_checkable

from earthward.chat import Answer, ChatRequest, Event, Failure, Usage
from earthward.config.snapshot import Provider, Target
from earthward.gateway.doors.door import Headers, Question


class Listener(Protocol):
    """Turns upstream bytes into the caller's bytes, and hears what the record needs."""

    @property
    def has_content(self) -> bool: ...
    @property
    def is_over(self) -> bool: ...
    @property
    def finish_reason(self) -> str | None: ...
    @property
    def usage(self) -> Usage: ...
    @property
    def failure(self) -> Failure | None: ...
    @property
    def characters_out(self) -> int: ...

    def feed(self, data: bytes) -> bytes: ...
    def end(self) -> bytes: ...


@runtime_checkable
class Ending(Protocol):
    """A listener that knows better than the door how a stream that was sent on ends: a number, an array."""

    def broken_off(self, failure: Failure) -> bytes: ...


class Heard(Protocol):
    """A whole answer, ready for the caller."""

    @property
    def body(self) -> bytes: ...
    @property
    def usage(self) -> Usage: ...
    @property
    def finish_reason(self) -> str | None: ...
    @property
    def characters_out(self) -> int: ...
    @property
    def failure(self) -> Failure | None: ...


class Reader(Protocol):
    """A stream of the target's dialect as events. `usage_so_far` is what was told outside of them, before the end."""

    @property
    def is_over(self) -> bool: ...
    @property
    def usage_so_far(self) -> Usage: ...
    def feed(self, data: bytes) -> list[Event]: ...
    def end(self) -> list[Event]: ...


class Way(Protocol):
    """How one target is asked. The first three pass bytes through for callers of the same dialect, listening in."""

    def pass_on(self, question: Question) -> bytes: ...
    def hear(self, question: Question, body: bytes) -> Heard: ...
    def listen(self, question: Question) -> Listener: ...

    def write_request(self, chat: ChatRequest) -> bytes | Failure: ...
    def losses(self, chat: ChatRequest) -> tuple[str, ...]:
        """The names of what `write_request` leaves out, or says only roughly."""
        ...

    def read_answer(self, chat: ChatRequest, body: bytes) -> Answer | Failure: ...
    def reader(self, chat: ChatRequest) -> Reader: ...


@runtime_checkable
class Loading(Protocol):
    """A way that also says with how much context the model is to be loaded, in tokens."""

    @property
    def context(self) -> int: ...
    def at(self, context: int) -> Way: ...


def left_out(way: Way, question: Question) -> tuple[str, ...]:
    """The names of what a way doesn't pass on: `left_out` of such a way tells them, all others pass everything on."""
    tell = getattr(way, "left_out", None)
    return () if tell is None else tell(question)


class Exit(Protocol):
    """One dialect of targets. `stream_type` is how the content type of its streams begins."""

    dialect: str
    stream_type: bytes

    def way(self, target: Target, provider: Provider) -> Way: ...
    def failure_of(self, status: int, headers: Headers, body: bytes) -> Failure: ...
