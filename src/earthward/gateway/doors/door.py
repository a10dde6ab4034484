"""What the gateway must know of a caller's dialect: how requests read, and how answers and errors are written."""

from typing import Any, Protocol

import msgspec

from earthward.chat import Answer, ChatRequest, Event, Failure
from earthward.dialects.envelope import Envelope
from earthward.providers.kind import Operation

Headers = list[tuple[bytes, bytes]]

CHARACTERS_PER_TOKEN = 4
"""English text in common tokenizers; only used where upstream told no count."""


def tokens_in(characters: int) -> int:
    """An estimate."""
    return -(-characters // CHARACTERS_PER_TOKEN)


class Glance(Protocol):
    """What routing and records need to know of a request."""

    @property
    def model(self) -> str: ...
    @property
    def stream(self) -> bool: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def root(self) -> bytes: ...
    @property
    def features(self) -> frozenset[str]: ...
    @property
    def characters(self) -> int: ...


class Writer(Protocol):
    """Events as a stream of the caller's dialect; `end` gives what ends a whole one."""

    def write(self, event: Event) -> bytes: ...
    def end(self) -> bytes: ...


class Stored(Protocol):
    """What an answer says of itself that will be kept: its id, and fields that are not the request's."""

    @property
    def id(self) -> str: ...
    @property
    def echoed(self) -> dict[str, msgspec.Raw]: ...
    def around(self, passing: Any) -> Any:
        """The crossing of bytes that pass through, which then tell this id."""
        ...

    async def kept(self, body: bytes, *, stream: bool) -> bytes:
        """The end of the answer, once it is kept."""
        ...


class Question:
    """A request as it came: what was seen at a glance, and, once somebody must know, the whole of it.

    `id` is the exchange's and `created` a Unix time in seconds, for answers that are written here; `stored` is what is
    kept of it, where the caller has responses stored.
    """

    __slots__ = ("_chat", "created", "door", "envelope", "fetched", "glance", "has_fetched", "id", "stored")

    def __init__(self, door: "Door", envelope: Envelope, glance: Glance, id: str, created: int) -> None:
        self.door = door
        self.envelope = envelope
        self.glance = glance
        self.id = id
        self.created = created
        self.stored: Stored | None = None
        self.has_fetched = False
        self.fetched = 0
        self._chat: ChatRequest | Failure | None = None

    @property
    def chat(self) -> ChatRequest | Failure:
        """The request in the common vocabulary, or what of it can't be understood. Read once, when first needed."""
        if self._chat is None:
            self._chat = self.door.read(self.envelope)
        return self._chat

    def brought_in(self, chat: ChatRequest, size: int) -> None:
        """Takes the request with data, of so many bytes, in place of addresses. As it came it must not pass into the
        house any more."""
        self._chat = chat
        self.has_fetched = True
        self.fetched = size

    @property
    def input_tokens(self) -> int:
        """An estimate."""
        return tokens_in(self.glance.characters)


class Door(Protocol):
    """One path by which callers come in. All that begins with `family` is told of errors in this dialect.

    `vendor` is whose keys callers bring, where they bring their own; `key_dialect` that of the targets which take
    them. `presented` is a key that stood in the URL. `operation` is what a target of the same
    dialect is asked for. `stream_type` is the content type of a stream, `id_header` where the vendor's SDKs look for
    a request's id.
    """

    path: bytes
    family: bytes
    dialect: str
    key_dialect: str
    operation: Operation
    vendor: str | None
    stream_type: bytes
    id_header: bytes | None
    presented: bytes

    def glance(self, envelope: Envelope) -> Glance | Failure: ...
    def read(self, envelope: Envelope) -> ChatRequest | Failure: ...
    def answers_itself(self, question: Question) -> bytes | None:
        """The answer to a request that asks no model for anything; None for all others."""
        ...

    def writer(self, question: Question) -> Writer: ...
    def write_answer(self, question: Question, answer: Answer) -> bytes | Failure: ...
    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]: ...
    def error_event(self, failure: Failure, id: str | None) -> bytes: ...


def entered(door: Door, envelope: Envelope) -> Envelope:
    """The envelope with what this door's path says, and other doors' bodies: `entered` of such a door adds it."""
    enter = getattr(door, "entered", None)
    return envelope if enter is None else enter(envelope)
