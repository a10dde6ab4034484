"""Access tokens of a provider's own identity: fetched before anybody asks for them, renewed before they end.

No request waits for one. Where there is none the provider is passed over, as one that refuses its key.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from earthward.config.snapshot import Provider
from earthward.gateway.credentials import Credentials
from earthward.probe.google_identity import NoToken, Token, token

log = logging.getLogger("earthward.identity")

EARLY = 300.0
"""Seconds before its end at which a token is renewed, unless that is more than half of its life."""
SOONEST = 1.0
FIRST_RETRY = 2.0
LAST_RETRY = 60.0

Fetch = Callable[[str | None], Token]


class Tokens(Credentials):
    """One identity's token. While there is none, `has_none` is true and no header is sent."""

    def __init__(self, file: str | None, fetch: Fetch) -> None:
        super().__init__((), ())
        self._file = file
        self._fetch = fetch
        self._wanted = asyncio.Event()
        self.tried = asyncio.Event()
        self.has_none = True

    def refused(self, index: int, now: float) -> None:
        """A new one might not be."""
        super().refused(index, now)
        self._wanted.set()

    async def keep(self) -> None:
        """Fetches and renews for as long as it is let."""
        pause = FIRST_RETRY
        while True:
            self._wanted.clear()
            try:
                fresh = await asyncio.to_thread(self._fetch, self._file)
                self._take(fresh)
            except NoToken as error:
                log.error("%s; trying again in %.0f s", error, pause)
                left, pause = pause, min(pause * 2, LAST_RETRY)
            else:
                left, pause = renewed_after(fresh.seconds), FIRST_RETRY
            self.tried.set()
            await self._rest_of(left)

    def _take(self, fresh: Token) -> None:
        if not (fresh.value.isascii() and fresh.value.isprintable() and fresh.value):
            raise NoToken("what Google gave is no token that a header can carry")
        self._headers = (f"authorization: Bearer {fresh.value}\r\n".encode("ascii"),)
        self._secrets = (fresh.value,)
        self._rests_until = [0.0]
        self.has_none = False

    async def _rest_of(self, seconds: float) -> None:
        """Waits so long; at least a moment and no longer than until the token was refused."""
        await asyncio.sleep(min(seconds, SOONEST))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), max(seconds - SOONEST, 0.001))


def renewed_after(life: float) -> float:
    """How many seconds after it was fetched a token is renewed that is good for so many."""
    return max(life - min(EARLY, life / 2), SOONEST)


class Identities:
    """The tokens of one worker, kept over changes of its configuration."""

    def __init__(self, fetch: Fetch = token) -> None:
        self._fetch = fetch
        self._kept: dict[str | None, tuple[Tokens, asyncio.Task[None]]] = {}

    def of(self, provider: Provider) -> Tokens:
        """Those that this provider is asked with; its first request for them begins to fetch."""
        file = dict(provider.settings).get("credentials")
        if file not in self._kept:
            tokens = Tokens(file, self._fetch)
            self._kept[file] = tokens, asyncio.get_running_loop().create_task(tokens.keep())
        return self._kept[file][0]

    async def first(self, seconds: float) -> None:
        """Returns when each has been tried once, or after so long."""
        tried = [asyncio.ensure_future(tokens.tried.wait()) for tokens, _ in self._kept.values()]
        if tried:
            _, late = await asyncio.wait(tried, timeout=seconds)
            for waiting in late:
                waiting.cancel()

    def stop(self) -> None:
        for _, task in self._kept.values():
            task.cancel()
