"""`POST /earthward/feedback`: what a caller says of an answer they got.

    {"id": "...", "thumbs": "up"}
    {"id": "...", "score": 0.25, "comment": "left out the totals"}

The id is what came with the answer as `x-earthward-id`. The control process says whether it is one of this key.
"""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.gateway.callers import caller_of
from earthward.gateway.doors import DOORS
from earthward.http.head import by_name
from earthward.http.server import Request, ServerConnection

if TYPE_CHECKING:
    from earthward.gateway.worker import Worker

PATH = b"/earthward/feedback"
DOOR = DOORS[b"/v1/chat/completions"]
JSON = (b"content-type", b"application/json")
LARGEST = 32 * 1024
MOST_UNDER_WAY = 64
"""In one worker. The control process looks each one up in the store, and has other work too."""
THUMBS = {"up": 1.0, "down": 0.0}
KINDS = {
    404: FailureKind.NO_SUCH_PATH,
    503: FailureKind.OVERLOADED,
}


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of `thumbs` and `score`, which is from 0 to 1."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    thumbs: Literal["up", "down"] | None = None
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    comment: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class Places:
    """Who has how many of so many places. A key gets one more while it has fewer than are free, so that one key gets
    half of all and leaves the rest to others."""

    def __init__(self, most: int = MOST_UNDER_WAY) -> None:
        self._free = most
        self._taken: Counter[str] = Counter()

    def take(self, key: str) -> bool:
        if self._taken[key] >= self._free:
            return False
        self._free -= 1
        self._taken[key] += 1
        return True

    def give_back(self, key: str) -> None:
        self._free += 1
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]


class FeedbackPath:
    """The path for one worker."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._places = Places()

    def answer(self, request: Request, connection: ServerConnection) -> None:
        caller = caller_of(self._worker, by_name(request.headers), DOOR)
        if isinstance(caller, Failure):
            self._fail(request, connection, caller)
            return
        given = read(request.body)
        if isinstance(given, Failure):
            self._fail(request, connection, given)
        elif not self._places.take(caller.key.id):
            failure = Failure(FailureKind.OVERLOADED, "too much feedback at once; try again later", retry_after=1.0)
            self._fail(request, connection, failure)
        else:
            self._worker.loop.create_task(self._pass_on(request, connection, given, caller.key.id))

    async def _pass_on(self, request: Request, connection: ServerConnection, given: Given, key: str) -> None:
        try:
            score = THUMBS[given.thumbs] if given.thumbs is not None else given.score or 0.0
            reply = await self._worker.samples.tell(given.id, key, score, given.comment)
        finally:
            self._places.give_back(key)
        if connection.is_gone:
            return
        if reply is None:
            message = "feedback can't be written down now; try again later"
            self._fail(request, connection, Failure(FailureKind.OVERLOADED, message, retry_after=5.0))
        elif reply.status in KINDS:
            self._fail(request, connection, Failure(KINDS[reply.status], reply.message))
        else:
            body = msgspec.json.encode({"id": given.id, "score": score})
            connection.respond(200, [JSON, *self._worker.surface.cors_headers(request)], body)

    def _fail(self, request: Request, connection: ServerConnection, failure: Failure) -> None:
        self._worker.surface.fail(request, connection, failure)


def read(body: bytes) -> Given | Failure:
    """What the caller says, or what is wrong with how they say it."""
    if len(body) > LARGEST:
        return Failure(FailureKind.TOO_LARGE, f"feedback has at most {LARGEST} bytes")
    try:
        given = msgspec.json.decode(body, type=Given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Failure(FailureKind.BAD_REQUEST, f"feedback can't be read: {error}")
    if (given.thumbs is None) == (given.score is None):
        return Failure(FailureKind.BAD_REQUEST, "give either `thumbs` (up or down) or a `score` from 0 to 1")
    return given
