"""One request, for looking at servers: bounded in time and size, follows no redirect, sends no prompt."""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

PATIENCE = 3.0
"""Seconds for all of it."""
LARGEST = 4 * 1024 * 1024


class Answer(msgspec.Struct, frozen=True):
    """`headers` are in lower case; of `body` no more than `LARGEST` is kept."""

    status: int
    headers: dict[str, str]
    body: bytes


class Unreachable(Exception):
    """No answer, or none that is HTTP. The message says why, and holds no header that was sent."""


def get(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    seconds: float = PATIENCE,
    tls: ssl.SSLContext | None = None,
    proxy: str | None = None,
    body: bytes | None = None,
) -> Answer:
    """What `url` answers, to a POST where there is a `body`. `proxy` is an http:// URL that is told to CONNECT. Raises
    Unreachable."""
    try:
        connection = _connection(url, seconds, tls, proxy)
    except (http.client.HTTPException, ValueError) as error:
        raise Unreachable("its address is none") from error
    # A server that sends a byte now and then would hold up each read by its own timeout.
    late = threading.Event()
    end = threading.Timer(seconds, _hang_up, (connection, late))
    end.daemon = True
    end.start()
    try:
        method = "GET" if body is None else "POST"
        connection.request(method, _target(url), body, headers={"accept": "application/json", **(headers or {})})
        response = connection.getresponse()
        body = response.read(LARGEST)
        if late.is_set():
            # What was cut off may look like an answer that ended.
            raise TimeoutError
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(_why(error, is_late=late.is_set(), seconds=seconds)) from error
    finally:
        end.cancel()
        connection.close()


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _connection(url: str, seconds: float, tls: ssl.SSLContext | None, proxy: str | None) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    to = urlsplit(proxy) if proxy else None
    address = (to.hostname or "", to.port or 80) if to else (host, port)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(*address, timeout=seconds, context=tls or ssl.create_default_context())
    else:
        connection = http.client.HTTPConnection(*address, timeout=seconds)
    if to:
        connection.set_tunnel(host, port)
    return connection


def _hang_up(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    late.set()
    held = connection.sock
    if held is not None:
        try:
            held.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _why(error: Exception, *, is_late: bool, seconds: float) -> str:
    if is_late or isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "its name can't be resolved"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return f"what answers speaks no HTTP ({type(error).__name__})"
