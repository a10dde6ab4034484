"""One answer from upstream, heard through the connection's callbacks and told as one outcome.

`WholeAnswer` gathers a body; `StreamedAnswer` hands pieces on as they arrive and only tells the end, so that a
streamed chunk wakes no task. Neither knows why the attempt was made nor what comes after it.
"""

from collections.abc import Callable

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.gateway.doors.exit import Listener
from earthward.gateway.drive import Told
from earthward.http.client import ClientConnection, SameAnswer

LARGEST_ERROR = 256 * 1024
LARGEST_PRELUDE = 1024 * 1024
"""Bytes of events that may come before the first with content; they are held back, so they must not be endless."""
END_AFTER_LAST_EVENT = 1.0
"""Seconds in which an upstream has to end its answer after the event that says so."""
Headers = list[tuple[bytes, bytes]]
NOT_A_STREAM = Failure(FailureKind.MALFORMED, "a stream was asked for and something else came back")
ENCODED = Failure(FailureKind.MALFORMED, "the upstream answer is compressed, which was not asked for")


class Outcome(msgspec.Struct):
    """`failure` is None when upstream said all it had to; `body` is what is still to be sent (or all of it).

    `left_out` says that nothing was sent: the target has no words for what is asked, is left alone, or is full.
    `unreached` says that there was no connection, or nobody to use it for any more; `hurried` that it was the caller
    who could wait no longer.
    """

    status: int = 0
    headers: Headers = []
    body: bytes = b""
    failure: Failure | None = None
    gone: bool = False
    stale: bool = False
    left_out: bool = False
    unreached: bool = False
    hurried: bool = False


class Gathering:
    """Gathers an answer that does not stream, up to a limit. What becomes of it is told to `over`, once at least."""

    __slots__ = ("_headers", "_limit", "_pieces", "_size", "_stale", "_status", "connection")

    def begin(self, connection: ClientConnection, limit: int) -> None:
        self.connection = connection
        self._stale = not connection.fresh
        self._limit = limit
        self._size = 0
        self._pieces: list[bytes] = []
        self._status = 0
        self._headers: Headers = []

    def over(self, outcome: Outcome) -> None:
        raise NotImplementedError

    def on_head(self, status: int, headers: Headers) -> None:
        self._status = status
        self._headers = headers
        if is_encoded(headers):
            self.connection.cancel()
            self._tell(ENCODED)

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            self.connection.cancel()
            self._tell(self._too_large())
            return
        self._pieces.append(data)

    def on_whole(self, same: SameAnswer, body: bytes) -> None:
        """All at once, over a connection that may serve somebody else already."""
        self._status = same.status
        self._headers = same.headers
        if is_encoded(self._headers):
            self._tell(ENCODED)
        elif len(body) > self._limit:
            self._tell(self._too_large())
        else:
            self.over(Outcome(self._status, self._headers, body))

    def on_end(self) -> None:
        self._tell(None)

    def on_error(self, kind: FailureKind, message: str) -> None:
        stale = self._stale and not self._status and kind is FailureKind.RESET
        self._tell(Failure(kind, message), stale=stale)

    def _too_large(self) -> Failure:
        return Failure(FailureKind.MALFORMED, f"the upstream answer is larger than {self._limit} bytes")

    def _tell(self, failure: Failure | None, *, stale: bool = False) -> None:
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self.over(Outcome(self._status, self._headers, body, failure, stale=stale))


class WholeAnswer(Gathering):
    """One that somebody waits for."""

    __slots__ = ("done",)

    def __init__(self, connection: ClientConnection, limit: int) -> None:
        self.done: Told[Outcome] = Told()
        self.begin(connection, limit)

    def over(self, outcome: Outcome) -> None:
        self.done.tell(outcome)

    def leave(self) -> None:
        """The caller has gone: nobody waits for this answer any more.

        Once the answer is over its connection is in the pool, or serves somebody else already.
        """
        if not self.done.is_told:
            self.connection.cancel()
            self.done.tell(Outcome(gone=True))

    def give_up(self, failure: Failure) -> None:
        """Waits no longer for an answer of which nothing has come."""
        if not self.done.is_told and not self._status:
            self.connection.cancel()
            self.done.tell(Outcome(failure=failure, unreached=True))


class StreamedAnswer:
    """Relays a stream: holds everything back until the first content event, and until there are `hold` characters, then
    passes on piece by piece.

    `type` is how the content type of a stream begins.

    `begin` is called once, at the first content event, with the answer's headers and what was held back; `relay`
    with every later piece. The piece that ends the stream is kept for the outcome, so that the record can be
    written before the last bytes leave.
    """

    __slots__ = (
        "_begin",
        "_connection",
        "_errors",
        "_headers",
        "_held",
        "_hold",
        "_listener",
        "_relay",
        "_size",
        "_stale",
        "_status",
        "_type",
        "done",
        "has_begun",
    )

    def __init__(
        self,
        connection: ClientConnection,
        listener: Listener,
        type: bytes,
        begin: Callable[[Headers, bytes], None],
        relay: Callable[[bytes], None],
        hold: int = 0,
    ) -> None:
        self.done: Told[Outcome] = Told()
        self.has_begun = False
        self._connection = connection
        self._stale = not connection.fresh
        self._listener = listener
        self._type = type
        self._begin = begin
        self._relay = relay
        self._status = 0
        self._headers: Headers = []
        self._held: list[bytes] = []
        self._hold = hold
        self._errors = False
        self._size = 0

    def on_head(self, status: int, headers: Headers) -> None:
        self._status = status
        self._headers = headers
        self._errors = status != 200 or not _is_of_type(headers, self._type)
        if is_encoded(headers):
            self._connection.cancel()
            self._tell(ENCODED)

    def on_body(self, data: bytes) -> None:
        if self.done.is_told:
            return
        if self._errors:
            self._hold_error(data)
            return
        listener = self._listener
        out = listener.feed(data)
        if listener.failure is not None:
            self._connection.cancel()
            if self.has_begun and out:
                self._relay(out)
            self._tell(listener.failure)
        elif listener.is_over:
            self._held.append(out)
            self._tell(None)
            self._connection.expect_end(END_AFTER_LAST_EVENT)
        elif self.has_begun:
            if out:
                self._relay(out)
        else:
            self._held.append(out)
            self._size += len(out)
            if self._size > LARGEST_PRELUDE:
                self._connection.cancel()
                self._tell(Failure(FailureKind.MALFORMED, "the upstream sends event after event, and none has content"))
            elif listener.has_content and listener.characters_out >= self._hold:
                self.has_begun = True
                held = b"".join(self._held)
                self._held.clear()
                self._begin(self._headers, held)

    def on_end(self) -> None:
        if self.done.is_told:
            return
        if self._errors:
            self._tell(None if self._status != 200 else NOT_A_STREAM)
            return
        rest = self._listener.end()
        failure = self._listener.failure
        if failure is None:
            self._held.append(rest)
        elif self.has_begun and rest:
            self._relay(rest)
        self._tell(failure)

    def on_error(self, kind: FailureKind, message: str) -> None:
        stale = self._stale and not self._status and kind is FailureKind.RESET
        self._tell(Failure(kind, message), stale=stale)

    def leave(self) -> None:
        if not self.done.is_told:
            self._connection.cancel()
            self.done.tell(Outcome(self._status, gone=True))

    def give_up(self, failure: Failure) -> None:
        """Waits no longer for an answer of which nothing has come."""
        if not self.done.is_told and not self._status:
            self._connection.cancel()
            self.done.tell(Outcome(failure=failure, unreached=True))

    def flow(self, flows: bool) -> None:
        """Holds the upstream back while the caller reads too slowly."""
        if self.done.is_told:
            return
        if flows:
            self._connection.resume()
        else:
            self._connection.pause()

    def _hold_error(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > LARGEST_ERROR:
            self._connection.cancel()
            self._tell(Failure(FailureKind.MALFORMED, "the upstream's error body does not end"))
        else:
            self._held.append(data)

    def _tell(self, failure: Failure | None, *, stale: bool = False) -> None:
        if not self.done.is_told:
            body = b"" if failure is not None else b"".join(self._held)
            self.done.tell(Outcome(self._status, self._headers, body, failure, stale=stale))


def is_encoded(headers: Headers) -> bool:
    """Whether the body is compressed, though identity was asked for; unpacking it could fill the memory."""
    return dict(headers).get(b"content-encoding", b"identity").lower() != b"identity"


def _is_of_type(headers: Headers, type: bytes) -> bool:
    return dict(headers).get(b"content-type", b"").startswith(type)
