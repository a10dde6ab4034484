"""From the caller's dialect to the target's and back: what each pair needs, looked up by its two names.

Where both are the same, bytes pass through with listening in.
"""

from typing import Protocol

from earthward.chat import Failure, Usage
from earthward.dialects import openai_chat
from earthward.dialects.envelope import Envelope


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


class Crossing(Protocol):
    """How a request is prepared for a target, and how its answer is heard."""

    def prepare(self, envelope: Envelope, model: str, *, stream: bool) -> bytes: ...
    def whole(self, body: bytes, requested_model: str) -> Heard: ...
    def stream(self, envelope: Envelope, requested_model: str) -> Listener: ...


class _OpenAIChat:
    prepare = staticmethod(openai_chat.prepare)
    whole = staticmethod(openai_chat.listen_answer)

    def stream(self, envelope: Envelope, requested_model: str) -> Listener:
        wants_usage = openai_chat.wants_usage(envelope)
        return openai_chat.StreamListener(requested_model, wants_usage, answers=openai_chat.answers(envelope))


CROSSINGS: dict[tuple[str, str], Crossing] = {("openai_chat", "openai_chat"): _OpenAIChat()}
