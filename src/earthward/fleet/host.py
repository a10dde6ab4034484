"""One Ollama host, asked by its own API. Every call has a deadline and raises HostFailed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from earthward.chat import Failure
from earthward.dialects.ollama.model import Model, read_show
from earthward.fleet import replies
from earthward.fleet.call import OK, Gathered, HostFailed, call, request
from earthward.fleet.replies import Installed, Progress
from earthward.http.client import Pool
from earthward.routing.balance.view import Resident

T = TypeVar("T")

LOOK = 5.0
"""Seconds for what a host knows by heart."""
LONGEST_LOAD = 600.0
"""Seconds for a load: Ollama itself gives up when one makes no progress for five minutes."""
LONGEST_PULL = 24 * 3600.0
NOT_FOUND = 404
AS_REQUESTS_DO = {"truncate": False, "shift": False}
"""A model is loaded anew for a request that differs in one of these."""


class Host:
    """`headers` are whole lines that go with every request, such as those a proxy before the host wants."""

    def __init__(self, url: str, pool: Pool, headers: bytes = b"") -> None:
        self.url = url
        self._pool = pool
        self._headers = headers
        self._prefix = urlsplit(url).path.rstrip("/")

    async def residents(self, timeout: float = LOOK) -> tuple[Resident, ...]:
        """The models it has loaded."""
        return _read(replies.residents, await self._get("/api/ps", timeout))

    async def installed(self, timeout: float = LOOK) -> tuple[Installed, ...]:
        return _read(replies.installed, await self._get("/api/tags", timeout))

    async def version(self, timeout: float = LOOK) -> str:
        return _read(replies.version, await self._get("/api/version", timeout))

    async def is_local_only(self, timeout: float = LOOK) -> bool | None:
        """Whether it sends nothing to ollama.com; None where it is too old to say."""
        try:
            return _read(replies.is_local_only, await self._get("/api/status", timeout))
        except HostFailed as failed:
            if failed.status == NOT_FOUND:
                return None
            raise

    async def show(self, model: str, timeout: float = LOOK) -> Model:
        """What there is to know of a model before it is asked."""
        shown = read_show(await self._post("/api/show", {"model": model}, timeout))
        if isinstance(shown, Failure):
            raise HostFailed(shown.message)
        return shown

    async def warm(
        self,
        model: str,
        *,
        options: Mapping[str, Any],
        keep_alive: int | float | str | None,
        gives_vectors: bool = False,
    ) -> float:
        """Loads a model, with the very options that requests come with; the seconds it took.

        It is a request of the gateway's own, so that no impatient caller can break the load off by leaving. A model
        that gives vectors can do nothing else.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        path = "/api/embed" if gives_vectors else "/api/generate"
        asked: dict[str, Any] = {"model": model, "stream": False, "options": dict(options), **AS_REQUESTS_DO}
        if gives_vectors:
            asked = {"model": model, "input": [], "options": dict(options)}
        if keep_alive is not None:
            asked["keep_alive"] = keep_alive
        await self._post(path, asked, LONGEST_LOAD)
        return loop.time() - started

    async def unload(self, model: str) -> None:
        await self._post("/api/generate", {"model": model, "stream": False, "keep_alive": 0}, LOOK * 6)

    async def remove(self, model: str) -> None:
        await self._call("DELETE", "/api/delete", {"model": model}, LOOK * 6)

    async def pull(self, model: str) -> AsyncIterator[Progress]:
        """Steps as they come. Leaving off breaks the pull off, and another takes it up where it was."""
        lines: asyncio.Queue[bytes] = asyncio.Queue()
        gathered = Gathered(lines)
        body = msgspec.json.encode({"model": model})
        data = request(self._pool, "POST", self._path("/api/pull"), body, self._headers)
        under_way = asyncio.ensure_future(call(self._pool, data, gathered, LONGEST_PULL))
        last = Progress()
        try:
            while not last.is_over and (line := await lines.get()):
                last = _read(replies.progress, line)
                yield last
            if not last.is_over:
                await under_way
                raise HostFailed(replies.error(bytes(gathered.body)), gathered.status)
            if last.error:
                raise HostFailed(last.error)
        finally:
            under_way.cancel()
            await asyncio.gather(under_way, return_exceptions=True)

    async def _get(self, path: str, timeout: float) -> bytes:
        return await self._call("GET", path, None, timeout)

    async def _post(self, path: str, document: Mapping[str, Any], timeout: float) -> bytes:
        return await self._call("POST", path, document, timeout)

    async def _call(self, method: str, path: str, document: Mapping[str, Any] | None, timeout: float) -> bytes:
        body = b"" if document is None else msgspec.json.encode(document)
        gathered = Gathered()
        await call(self._pool, request(self._pool, method, self._path(path), body, self._headers), gathered, timeout)
        if gathered.status != OK:
            raise HostFailed(f"{path}: {replies.error(bytes(gathered.body))}", gathered.status)
        return bytes(gathered.body)

    def _path(self, path: str) -> str:
        return quote(self._prefix) + path


def _read(read: Callable[[bytes], T], body: bytes) -> T:
    try:
        return read(body)
    except ValueError as error:
        raise HostFailed(str(error)) from error
