"""Responses that callers have stored: what an exchange needs before it is decided and when it is over.

A conversation that is kept here goes to its target whole, whoever that is, and nothing is left with a vendor. What a
vendor keeps, where no content key is configured, is gone on from at that vendor.
"""

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects import openai_responses
from earthward.dialects.openai_responses import kept
from earthward.gateway.doors.door import Question
from earthward.gateway.doors.exit import Heard, Listener
from earthward.gateway.refused import Refused

if TYPE_CHECKING:
    from earthward.gateway.crossing import Crossing, Written
    from earthward.gateway.exchange import Exchange
    from earthward.gateway.keeping import Reply

DIALECT = "openai_responses"
AWAY = Failure(FailureKind.OVERLOADED, "stored responses can't be read just now; try again")
UNREADABLE = Failure(
    FailureKind.INTERNAL, "this response was stored under a content key that is not configured any more"
)
BROKEN = "an earlier response of this conversation was deleted, so it can't be gone on from"
_TURN = msgspec.msgpack.Decoder(kept.Turn)


def missing(id: str) -> Failure:
    """For one that is not there and for somebody else's alike."""
    return Failure(FailureKind.NO_SUCH_PATH, f"no response {id[:80]!r} is kept here for this key", code="not_found")


class Stored:
    """What is kept of one exchange. `input` is the request's own, `named` how its response is called."""

    __slots__ = ("_exchange", "input", "named", "root", "unit")

    def __init__(self, exchange: "Exchange", input: bytes, named: kept.Named, root: str, unit: bytes) -> None:
        self._exchange = exchange
        self.input = input
        self.named = named
        self.root = root
        self.unit = unit

    @property
    def id(self) -> str:
        return self.named.id

    @property
    def echoed(self) -> dict[str, msgspec.Raw]:
        """What the answer says of itself."""
        return {
            "store": msgspec.Raw(b"true"),
            "previous_response_id": msgspec.Raw(msgspec.json.encode(self.named.previous)),
        }

    def around(self, passing: "Crossing") -> "Crossing":
        """The crossing of bytes that pass through, which then tell of our id instead of the provider's."""
        return _Renaming(passing, self.named)

    async def kept(self, body: bytes, *, stream: bool) -> bytes:
        """The end of the answer, once it is kept; if it can't be, the end says that it is not stored."""
        response = kept.last_response(body) if stream else body
        exchange = self._exchange
        if response is not None:
            turn = msgspec.msgpack.encode(kept.Turn(self.unit, self.input, response))
            owner, kept_for = exchange.caller.key.id, exchange.serving.snapshot.responses_kept
            previous = self.named.previous or ""
            reply = await exchange.worker.keeper.keep(self.id, owner, self.root, previous, kept_for, turn)
            if reply.state == "ok":
                return body
        exchange.attempts.dropped += ("store",)
        unstored = msgspec.structs.replace(self.named, stored=False)
        return unstored.in_events(body) if stream else unstored.renamed(body)


async def resumed(exchange: "Exchange", question: Question) -> Question:
    """The question with all that was said before, and with what is to be kept of it. Raises Refused."""
    envelope = question.envelope
    previous = openai_responses.previous_response_id(envelope)
    is_ours = previous is not None and kept.is_kept_here(previous)
    is_openais = (previous is not None and not is_ours) or envelope.has("conversation")
    wants_nothing = previous is None and not openai_responses.is_stored(envelope)
    if is_openais or wants_nothing or not exchange.serving.snapshot.content_key:
        return question
    turns: list[kept.Turn] = []
    root = ""
    if previous is not None:
        reply = await exchange.worker.keeper.recall(previous, exchange.caller.key.id, whole=True)
        turns = _turns(reply, previous)
        root = reply.root
    whole = kept.continued(envelope, turns)
    glance = openai_responses.glance(whole)
    if isinstance(glance, Failure):
        raise Refused(glance)
    unit = turns[0].root if turns else hashlib.sha256(glance.root).digest() if glance.root else b""
    new = kept.PREFIX + secrets.token_hex(24)
    unit = unit or new.encode()
    glance = msgspec.structs.replace(glance, root=unit)
    made = Question(question.door, kept.unkept(whole), glance, question.id, question.created)
    if question.door.operation == "chat" and openai_responses.is_stored(envelope):
        named = kept.Named(new, previous)
        made.stored = Stored(exchange, kept.input_of(envelope), named, root or new, unit)
    return made


def _turns(reply: "Reply", id: str) -> list[kept.Turn]:
    match reply.state:
        case "ok":
            return [_TURN.decode(content) for content in reply.contents]
        case "away":
            raise Refused(AWAY)
        case "broken":
            raise Refused(Failure(FailureKind.BAD_REQUEST, BROKEN, param="previous_response_id"))
        case "unreadable":
            raise Refused(UNREADABLE)
    failure = msgspec.structs.replace(
        missing(id), kind=FailureKind.BAD_REQUEST, code="previous_response_not_found", param="previous_response_id"
    )
    raise Refused(failure)


class _Renaming:
    def __init__(self, passing: "Crossing", named: kept.Named) -> None:
        self._passing = passing
        self._named = named

    @property
    def lost(self) -> tuple[str, ...]:
        return self._passing.lost

    def request(self) -> "Written | Failure":
        return self._passing.request()

    def at(self, context: int, written: "Written") -> "Written":
        return self._passing.at(context, written)

    def whole(self, body: bytes) -> Heard:
        heard = self._passing.whole(body)
        return _Renamed(self._named.renamed(heard.body), heard) if heard.failure is None else heard

    def stream(self) -> Listener:
        return _RenamingListener(self._passing.stream(), self._named)

    def more(self) -> "Written | Failure | None":
        return self._passing.more()

    def broken_off(self, failure: Failure) -> bytes:
        return self._passing.broken_off(failure)


class _Renamed:
    """An answer as it was heard, with another body."""

    def __init__(self, body: bytes, heard: Heard) -> None:
        self.body = body
        self.usage = heard.usage
        self.finish_reason = heard.finish_reason
        self.characters_out = heard.characters_out
        self.failure = heard.failure


class _RenamingListener:
    def __init__(self, listener: Listener, named: kept.Named) -> None:
        self._listener = listener
        self._named = named

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)

    def feed(self, data: bytes) -> bytes:
        return self._named.in_events(self._listener.feed(data))

    def end(self) -> bytes:
        return self._named.in_events(self._listener.end())
