"""What a request names by its address, fetched for targets in the house from hosts that the operator allows.

A caller chooses the address, so it is not trusted: https alone, no redirect, no private address whatever the name
resolves to, and the address that was looked at is the one that is called. Sizes and times are bounded, and so is what
all requests together may hold.
"""

import asyncio
import base64
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from earthward.chat import ChatRequest, Document, Failure, FailureKind, Image, ToolResult
from earthward.config.snapshot import Deadlines
from earthward.dialects.content.remote import addresses, refusal_of_remote
from earthward.dialects.files import as_text
from earthward.gateway.doors.door import Headers, Question
from earthward.gateway.terms import Terms
from earthward.http.client_connection import ClientConnection
from earthward.providers.hosts import is_public

LARGEST = 20 * 1024 * 1024
"""Bytes of all that one request names."""
TOGETHER = 64 * 1024 * 1024
"""Bytes that all requests of a worker hold of what was fetched for them. In base64, and in the request that goes on,
they take up several times as much."""
MOST = 20
TIMEOUT = 10.0
HTTPS = 443
OK = 200
MEDIA = frozenset({"images", "documents"})
SAFE = "/%:@!$&'()*+,;=~-._?"
REQUEST = (
    b"GET %b HTTP/1.1\r\nhost: %b\r\naccept: image/*, application/pdf\r\naccept-encoding: identity\r\n"
    b"user-agent: earthward\r\nconnection: close\r\n\r\n"
)
_KIND = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
"""What can stand in a data URL and means what it says."""
DEADLINES = Deadlines(TIMEOUT, TIMEOUT, TIMEOUT, TIMEOUT)

Place = Callable[[str], Awaitable[tuple[str, int]]]
"""Which address and port to call for a host. Raises OSError for one that must not be called."""


class NotFetched(Exception):
    """In words for the caller."""


class Full(Exception):
    """All requests together hold as much as they may."""


class Room:
    """How much of what was fetched a worker holds for all requests: from its arrival until they are over."""

    __slots__ = ("held", "most")

    def __init__(self, most: int = TOGETHER) -> None:
        self.held = 0
        self.most = most

    def take(self, size: int) -> bool:
        if self.held + size > self.most:
            return False
        self.held += size
        return True

    def give_back(self, size: int) -> None:
        self.held -= size


async def bring_in(
    question: Question, terms: Terms, room: Room, place: Place | None = None, tls: Any = None
) -> Failure | None:
    """Puts data in place of the addresses that a request names; why it can't be done. The target refuses others.

    What the question holds of the room, `fetched`, is given back by whoever ends it.
    """
    if "addresses" not in terms.lacks or not question.glance.features & MEDIA:
        return None
    chat = question.chat
    if isinstance(chat, Failure) or refusal_of_remote(chat, terms.hosts) is not None:
        return None
    urls = list(dict.fromkeys(addresses(chat)))
    if not urls:
        return None
    share = _Share(room)
    try:
        async with asyncio.timeout(TIMEOUT):
            found = await _fetched(urls, place or public_place, tls or _trusted(), share)
        question.brought_in(_with(chat, found), share.keep())
    except Full:
        return FULL
    except NotFetched as problem:
        return _refusal(str(problem))
    except TimeoutError:
        return _refusal(f"it did not come in {TIMEOUT:g} s")
    except (OSError, ValueError) as error:
        # A ValueError is about a name that is none.
        return _refusal(f"its host could not be asked ({type(error).__name__})")
    finally:
        share.let_go()
    return None


async def public_place(host: str) -> tuple[str, int]:
    """Any address of a host all of whose addresses are public: who answers with a private one is up to something."""
    told = await asyncio.get_running_loop().getaddrinfo(host, HTTPS, type=1)
    return first_public({str(entry[4][0]) for entry in told}), HTTPS


def first_public(found: Iterable[str]) -> str:
    known = sorted(found)
    if not known or not all(map(is_public, known)):
        raise NotFetched("its host has an address that is not public")
    return known[0]


class _Owner:
    """Of a connection that serves once."""

    name = "the host"

    def opened(self, connection: ClientConnection) -> None:
        pass

    def returned(self, connection: ClientConnection) -> bool:
        return False

    def lost(self, connection: ClientConnection) -> None:
        pass


class _Share:
    """What one request holds of the room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._held = 0

    def take(self, size: int) -> bool:
        has_room = self._room.take(size)
        self._held += size if has_room else 0
        return has_room

    def keep(self) -> int:
        """From now on somebody else gives it back."""
        held, self._held = self._held, 0
        return held

    def let_go(self) -> None:
        self._room.give_back(self.keep())


class _Heard:
    """An answer, up to so many bytes."""

    def __init__(self, most: int, share: _Share) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.kind = ""
        self.data = bytearray()
        self._most = most
        self._share = share

    def on_head(self, status: int, headers: Headers) -> None:
        told = dict(headers)
        if status != OK:
            self._fail(f"its host answers with status {status}; redirects are not followed")
        elif told.get(b"content-encoding", b"identity").lower() != b"identity":
            self._fail("it came compressed, which was not asked for")
        kind = told.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
        self.kind = kind if _KIND.fullmatch(kind) else ""
        if self.kind == "text/html":
            self._fail("its host answers with a page")

    def on_body(self, data: bytes) -> None:
        if self.done.done():
            return
        if len(self.data) + len(data) > self._most:
            self._fail(f"it is larger than {LARGEST // 1024 // 1024} MB")
        elif self._share.take(len(data)):
            self.data += data
        else:
            self.done.set_exception(Full())

    def on_end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def on_error(self, kind: FailureKind, message: str) -> None:
        self._fail("its host broke the connection off")

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(NotFetched(why))


async def _fetched(urls: list[str], place: Place, tls: ssl.SSLContext, share: _Share) -> dict[str, tuple[str, str]]:
    """Media type and base64 by address."""
    if len(urls) > MOST:
        raise NotFetched(f"more than {MOST} are named")
    found = {}
    left = LARGEST
    for url in urls:
        kind, data = await _one(url, place, tls, left, share)
        left -= len(data)
        found[url] = kind, base64.b64encode(data).decode()
    return found


async def _one(url: str, place: Place, tls: ssl.SSLContext, most: int, share: _Share) -> tuple[str, bytes]:
    """The address that was looked at is called; TLS still asks for the name."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    address, port = await place(host)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: ClientConnection(_Owner()), address, port, ssl=tls, server_hostname=host
    )
    heard = _Heard(most, share)
    try:
        target = quote(parts.path or "/", safe=SAFE) + (f"?{quote(parts.query, safe=SAFE)}" if parts.query else "")
        connection.send(REQUEST % (target.encode(), host.encode()), heard, DEADLINES)
        await heard.done
    finally:
        connection.cancel()
    return heard.kind, bytes(heard.data)


def _with(chat: ChatRequest, found: dict[str, tuple[str, str]]) -> ChatRequest:
    messages = tuple(
        msgspec.structs.replace(message, parts=tuple(_part(part, found) for part in message.parts))
        for message in chat.messages
    )
    return msgspec.structs.replace(chat, messages=messages)


def _part(part: Any, found: dict[str, tuple[str, str]]) -> Any:
    match part:
        case ToolResult():
            return msgspec.structs.replace(part, content=tuple(_part(inner, found) for inner in part.content))
        case Image(url=str(url)) | Document(url=str(url)):
            kind, data = found[url]
            fetched = msgspec.structs.replace(part, url=None, data=data, media_type=kind or part.media_type)
            return as_text(fetched) if isinstance(fetched, Document) else fetched
    return part


def _refusal(why: str) -> Failure:
    message = f"what the request names by its address could not be fetched: {why}; send the data in base64"
    return Failure(FailureKind.UNSUPPORTED, message, param="messages")


FULL = Failure(
    FailureKind.OVERLOADED,
    f"the gateway holds as much of what requests name by their address as it may ({TOGETHER // 1024 // 1024} MB for "
    "each worker); come again in a moment, or send the data in base64",
    retry_after=1.0,
)


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
