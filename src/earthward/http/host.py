"""What a connection needs of its server, and what both need of the application."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from earthward.config.snapshot import Limits
from earthward.http.refusal import Headers
from earthward.http.request import Request

if TYPE_CHECKING:
    from earthward.http.server_connection import ServerConnection

App = Callable[[Request, "ServerConnection"], None]
"""Called synchronously when a request is in, head and whole body; answers at once or later."""
ErrorBody = Callable[[int, str, bytes], tuple[bytes, bytes]]
"""Makes (content type, body) of an error from (status, reason, raw path as far as it was read)."""
Admit = Callable[[Request], tuple[int, Headers, bytes] | None]
"""Judges a request by its head, before its body is awaited: None, or the answer (status, headers, body) instead."""


def plain_error(status: int, reason: str, path: bytes) -> tuple[bytes, bytes]:
    return b"text/plain; charset=utf-8", reason.encode() + b"\n"


class Host(Protocol):
    """What a connection needs of its server."""

    app: App
    admit: Admit | None
    limits: Limits
    allowed_hosts: frozenset[bytes] | None
    error_body: ErrorBody
    held: int
    held_limit: int
    requests: int
    refused: Counter[str]
    draining: bool

    def has_room_for(self, connection: "ServerConnection") -> bool: ...
    def shed(self) -> None: ...
    def forget(self, connection: "ServerConnection") -> None: ...
