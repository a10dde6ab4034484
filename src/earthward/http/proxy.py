"""Which HTTP proxy a URL goes through, and the CONNECT that opens a way through it."""

import asyncio
import base64
import ipaddress
import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import unquote, urlsplit

import msgspec

from earthward.http.origin import Origin, origin_of

_ANSWER = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?\r\n")
_ANSWER_LIMIT = 16 * 1024


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy that the usual variables (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, either case) name for a URL."""
    origin = origin_of(url)
    if _goes_direct(origin, _variable(environ, "no_proxy")):
        return None
    return _variable(environ, f"{origin.scheme}_proxy") or _variable(environ, "all_proxy") or None


def _variable(environ: Mapping[str, str], name: str) -> str:
    # A CGI's HTTP_PROXY is the caller's Proxy header, not the operator's wish.
    upper = "" if name == "http_proxy" and "REQUEST_METHOD" in environ else environ.get(name.upper(), "")
    return (environ.get(name) or upper).strip()


def _goes_direct(origin: Origin, exceptions: str) -> bool:
    return any(_is_excepted(origin, entry.strip().lower()) for entry in exceptions.split(",") if entry.strip())


def _is_excepted(origin: Origin, entry: str) -> bool:
    if entry == "*":
        return True
    if _is_in_network(origin.host, entry):
        return True
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and "]" not in port:
        if int(port) != origin.port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").removeprefix(".")
    return origin.host.lower() == entry or origin.host.lower().endswith(f".{entry}")


def _is_in_network(host: str, entry: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False


class Proxy(msgspec.Struct, frozen=True):
    """`authorization` is the whole value of its header, or empty."""

    origin: Origin
    authorization: str = ""

    def connect_request(self, target: Origin) -> bytes:
        lines = [f"CONNECT {target.authority} HTTP/1.1", f"host: {target.authority}"]
        if self.authorization:
            lines.append(f"proxy-authorization: {self.authorization}")
        return "\r\n".join([*lines, "", ""]).encode()


def proxy_of(url: str) -> Proxy:
    """Raises ValueError for a proxy that is not spoken to in plain HTTP."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("only http:// proxies are supported")
    authorization = ""
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(credentials.encode()).decode()
    return Proxy(Origin("http", parts.hostname, parts.port or 80), authorization)


class TunnelRefused(Exception):
    """The proxy did not open the way. The message holds its status, nothing of its text."""


class Tunnel(asyncio.Protocol):
    """Speaks to a proxy until it says yes or no; `opened` is done then, and the transport is somebody else's."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._gathered = bytearray()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self._gathered += data
        end = self._gathered.find(b"\r\n\r\n")
        if end < 0 and len(self._gathered) <= _ANSWER_LIMIT:
            return
        if self.opened.done():
            return
        answer = _ANSWER.match(self._gathered)
        if end < 0 or answer is None:
            self._refuse("the proxy's answer is malformed")
        elif not answer[1].startswith(b"2"):
            self._refuse(f"the proxy answered {answer[1].decode()}")
        elif len(self._gathered) > end + 4:
            self._refuse("the proxy sent more than its answer")
        else:
            self.opened.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self._refuse("the proxy closed the connection")

    def _refuse(self, why: str) -> None:
        self.opened.set_exception(TunnelRefused(why))
