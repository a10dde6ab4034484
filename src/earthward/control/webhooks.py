"""Tells other services something by HTTP: one request, signed where there is a secret. Who retries is elsewhere.

The address of a webhook is often its password, so no error here repeats it.
"""

import contextlib
import hmac
import http.client
import os
import queue
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from earthward import __version__
from earthward.config import secrets
from earthward.config.snapshot import Hook
from earthward.dialects.retry_after import retry_after
from earthward.providers.hosts import is_local

PATIENCE = 5.0
"""Seconds for a connection, and for each piece of the answer's head."""
WHOLE = 10.0
"""Seconds for all of it: looking the name up, connecting, and however many pieces the answer comes in."""
SIGNATURE = "x-earthward-signature"


class NotTold(Exception):
    """It was not taken, with the reason. `after` is when the service wants to be asked again, in seconds."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook that points elsewhere is not followed."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class _Connections:
    """Those of one call, so that another thread can break them off."""

    def __init__(self) -> None:
        self._made: list[http.client.HTTPConnection] = []
        self._is_over = False
        self.handlers = (self._handler(urllib.request.HTTPHandler), self._handler(urllib.request.HTTPSHandler))

    def break_off(self) -> None:
        """Whoever reads from one hears that it has ended."""
        self._is_over = True
        for made in self._made:
            if made.sock is not None:
                with contextlib.suppress(OSError):
                    made.sock.shutdown(socket.SHUT_RDWR)

    def _handler(self, kind: type[Any]) -> urllib.request.BaseHandler:
        connections = self

        class Handler(kind):  # type: ignore[misc]
            def do_open(self, make: Any, request: Any, **options: Any) -> Any:
                def kept(*where: Any, **how: Any) -> http.client.HTTPConnection:
                    made: http.client.HTTPConnection = make(*where, **how)
                    connections._made.append(made)
                    if connections._is_over:
                        raise TimeoutError
                    return made

                return super().do_open(kept, request, **options)

        return Handler()


def tell(hook: Hook, body: Mapping[str, Any], now: float, event: str = "", within: float = WHOLE) -> None:
    """Posts the body as JSON, with `event` as the id of what is told. Raises NotTold, `within` seconds at the latest.

    A thread posts it: no timeout of a socket is one of the whole call.
    """
    connections, refusals = _Connections(), queue.SimpleQueue[NotTold | None]()

    def post() -> None:
        try:
            _post(hook, body, now, event, connections)
        except NotTold as refusal:
            refusals.put(refusal)
        else:
            refusals.put(None)

    threading.Thread(target=post, name=f"post {hook.name}", daemon=True).start()
    try:
        refusal = refusals.get(timeout=within)
    except queue.Empty:
        connections.break_off()
        raise NotTold(f"no whole answer within {within:g} s") from None
    if refusal is not None:
        raise refusal


def _post(hook: Hook, body: Mapping[str, Any], now: float, event: str, connections: _Connections) -> None:
    data = msgspec.json.encode(body)
    headers = {"content-type": "application/json", "user-agent": f"earthward/{__version__}"}
    if event:
        headers["x-earthward-event"] = event.encode("ascii", "backslashreplace").decode()
    try:
        url = address(hook.url)
        if hook.secret:
            headers[SIGNATURE] = signature(_resolved(hook.secret), data, now)
        request = urllib.request.Request(url, data, headers)  # noqa: S310  `_url` lets http and https through alone
        with urllib.request.build_opener(_NoRedirect, *connections.handlers).open(request, timeout=PATIENCE):
            pass
    except urllib.error.HTTPError as refusal:
        with refusal:
            asked = [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
            raise NotTold(f"it answered {refusal.code}", retry_after(asked)) from None
    except urllib.error.URLError as error:
        raise NotTold(f"it can't be reached: {_reason(error.reason)}") from None
    except (OSError, http.client.HTTPException, LookupError, ValueError) as error:
        raise NotTold(_reason(error)) from None


def signature(secret: str, data: bytes, now: float) -> str:
    """`t=SECONDS,v1=HEX`: HMAC-SHA256 of the time, a dot and the body, so that what is repeated later is known."""
    at = str(int(now))
    return f"t={at},v1={hmac.new(secret.encode(), at.encode() + b'.' + data, 'sha256').hexdigest()}"


def address(given: str) -> str:
    """The URL itself, of one or of a reference to one. Raises LookupError or ValueError."""
    url = _resolved(given) if given.startswith(("env:", "file:")) else given
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme in ("http", "https") and parts.hostname and url.isascii() and url.isprintable()
    except ValueError:
        is_sound = False
    if not is_sound:
        raise ValueError("its address is no http:// or https:// URL")
    if parts.scheme == "http" and not is_local(parts.hostname or ""):
        raise ValueError("its address is http://, which would send notices in the clear; use https://")
    return url


def _resolved(reference: str) -> str:
    try:
        return secrets.resolve(reference, os.environ, lambda path: Path(path).read_text())
    except OSError as error:
        # It names the file alone, and would otherwise be taken for one of the network's.
        raise ValueError(str(error)) from None


def _reason(error: object) -> str:
    """In words that can't hold an address. Errors of our own hold none."""
    if isinstance(error, LookupError | ValueError) and not isinstance(error, UnicodeError | http.client.InvalidURL):
        return str(error)
    return getattr(error, "strerror", None) or type(error).__name__
