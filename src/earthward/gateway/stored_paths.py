"""Fetching, listing and deleting stored responses, each under its own path. Somebody else's are not there."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.openai_responses import kept
from earthward.gateway.callers import caller_of
from earthward.gateway.doors import DOORS
from earthward.gateway.drive import drive
from earthward.gateway.stored import AWAY, UNREADABLE, missing
from earthward.http.head import by_name
from earthward.http.request import Request
from earthward.http.server import ServerConnection

if TYPE_CHECKING:
    from earthward.gateway.keeping import Reply
    from earthward.gateway.worker import Worker

DOOR = DOORS[b"/v1/responses"]
JSON = (b"content-type", b"application/json")
NO_KEY = "no responses are kept here: the gateway has no `content_key`"
IN_THE_BACKGROUND = "no response is made in the background here, so there is none to cancel"
_PATH = re.compile(rb"(?:/v1|/openai(?:/v1)?)/responses/([A-Za-z0-9_-]{1,200})(/input_items|/cancel)?")
_LIMIT = re.compile(r"[1-9][0-9]{0,2}")
_TURN = msgspec.msgpack.Decoder(kept.Turn)

Answered = bytes | Failure


def methods_of(path: bytes) -> tuple[bytes, ...]:
    """What may be done at this path; nothing where no response could be."""
    found = _PATH.fullmatch(path)
    if found is None or found[1] in (b"input_tokens", b"compact"):
        return ()
    return {None: (b"GET", b"DELETE"), b"/input_items": (b"GET",), b"/cancel": (b"POST",)}[found[2]]


def serve(worker: "Worker", request: Request, connection: ServerConnection) -> None:
    """Answers by itself, now or when the control process has told."""
    drive(_serve(worker, request, connection))


async def _serve(worker: "Worker", request: Request, connection: ServerConnection) -> None:
    gone: list[bool] = []
    connection.on_gone = lambda: gone.append(True)
    try:
        answer = await _answer(worker, request)
    except Exception:  # noqa: BLE001  whatever is wrong with what was stored, the caller hears of it
        answer = Failure(FailureKind.INTERNAL, "the stored response can't be read")
    if gone:
        return
    if isinstance(answer, Failure):
        worker.surface.fail(request, connection, answer)
    else:
        connection.respond(200, [JSON, *worker.surface.cors_headers(request)], answer)


async def _answer(worker: "Worker", request: Request) -> Answered:
    caller = caller_of(worker, by_name(request.headers), DOOR)
    if isinstance(caller, Failure):
        return caller
    found = _PATH.fullmatch(request.path)
    assert found is not None, "`methods_of` lets no other path through"
    if found[2] == b"/cancel":
        return Failure(FailureKind.BAD_REQUEST, IN_THE_BACKGROUND)
    if not worker.serving.snapshot.content_key:
        return Failure(FailureKind.NO_SUCH_PATH, NO_KEY, code="not_found")
    named, owner = found[1].decode(), caller.key.id
    asked = {name: values[-1] for name, values in parse_qs(request.query.decode("latin-1")).items()}
    if request.method == b"DELETE":
        return _deleted(named, await worker.keeper.forget(named, owner))
    if asked.get("stream", "false") != "false":
        message = "a stored response comes whole; leave `stream` out"
        return Failure(FailureKind.UNSUPPORTED, message, param="stream")
    read: Callable[[str, kept.Turn, dict[str, str]], Answered] = _items if found[2] else _whole
    return _told(named, await worker.keeper.recall(named, owner, whole=False), lambda turn: read(named, turn, asked))


def _told(id: str, reply: "Reply", read: Callable[[kept.Turn], Answered]) -> Answered:
    match reply.state:
        case "ok":
            return read(_TURN.decode(reply.contents[0]))
        case "away":
            return AWAY
        case "unreadable":
            return UNREADABLE
    return missing(id)


def _deleted(id: str, reply: "Reply") -> Answered:
    return AWAY if reply.state == "away" else kept.write_deleted(id) if reply.state == "ok" else missing(id)


def _whole(id: str, turn: kept.Turn, asked: dict[str, str]) -> Answered:
    return turn.response


def _items(id: str, turn: kept.Turn, asked: dict[str, str]) -> Answered:
    limit, order = asked.get("limit", "20"), asked.get("order", "desc")
    if not _LIMIT.fullmatch(limit) or int(limit) > kept.MOST_ITEMS:
        return Failure(FailureKind.BAD_REQUEST, f"`limit` is a number from 1 to {kept.MOST_ITEMS}", param="limit")
    if order not in ("asc", "desc"):
        return Failure(FailureKind.BAD_REQUEST, "`order` is `asc` or `desc`", param="order")
    return kept.write_input_items(id, turn, int(limit), order == "desc", asked.get("after"))
