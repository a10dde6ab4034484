"""Where an endpoint is: its scheme, host and port, the Host header it wants, and its addresses."""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

import msgspec

_PORTS = {"http": 80, "https": 443}


class Origin(msgspec.Struct, frozen=True):
    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as a CONNECT wants them: the port always, IPv6 in brackets."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def host_header(self) -> bytes:
        if self.port == _PORTS[self.scheme]:
            return _bracketed(self.host).encode()
        return self.authority.encode()


def origin_of(url: str) -> Origin:
    """Raises ValueError for what is no http:// or https:// URL with a host."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"not an http:// or https:// URL: {url!r}")
    host = parts.hostname
    if not host.isascii():
        host = host.encode("idna").decode()
    return Origin(parts.scheme, host, parts.port if parts.port is not None else _PORTS[parts.scheme])


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class Addresses:
    """A host's IP addresses, looked up apart from any request. When a later look-up fails, the last known stay."""

    def __init__(self, host: str, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.host = host
        self.port = port
        self.known: tuple[str, ...] = (host,) if _is_address(host) else ()
        self.error = ""
        self._is_literal = bool(self.known)
        self._lookup: asyncio.Task[None] | None = None

    def refresh(self) -> None:
        """Begins a look-up in the background unless one is under way or there is nothing to look up."""
        if not self._is_literal and (self._lookup is None or self._lookup.done()):
            self._lookup = self._loop.create_task(self._look_up())

    async def first(self) -> tuple[str, ...]:
        """What is known; waits only where no look-up has ever succeeded."""
        if not self.known:
            self.refresh()
            assert self._lookup is not None
            await asyncio.shield(self._lookup)
        return self.known

    def prefer(self, address: str) -> None:
        """Puts an address that answered first."""
        if self.known[:1] != (address,):
            self.known = (address, *(other for other in self.known if other != address))

    async def close(self) -> None:
        if self._lookup is not None:
            self._lookup.cancel()
            await asyncio.gather(self._lookup, return_exceptions=True)

    async def _look_up(self) -> None:
        try:
            found = await self._loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            self.error = f"cannot resolve {self.host}: {error.strerror or error}"
            return
        self.error = ""
        self.known = renewed(self.known, tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))


def renewed(known: tuple[str, ...], found: tuple[str, ...]) -> tuple[str, ...]:
    """What was found, and of it first what was known, in its order: the address in use stays in front."""
    return (*(address for address in known if address in found), *(a for a in found if a not in known))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
