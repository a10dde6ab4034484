"""Asks every endpoint in the house how it is, again and again, and tells what it found as plain reports.

Runs in the control process. Clouds are not asked: their answers to requests tell enough, and each call may cost.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable

import msgspec

from earthward.config.snapshot import Provider, Shown, Snapshot
from earthward.fleet.call import Gathered, HostFailed, call, request
from earthward.fleet.found import Probed
from earthward.fleet.host import Host
from earthward.fleet.replies import Installed
from earthward.http.client import Pool, PoolLimits, client_context, proxy_for
from earthward.providers import KINDS
from earthward.routing.balance.standing import Report, full_name

EVERY = 1.0
"""Seconds between two looks at a host; a dead one is found out in two."""
DISK_EVERY = 30.0
"""Seconds between two looks at what is installed, and at the version."""
TIMEOUT = 2.0
DOWN_AFTER = 2
"""Looks without an answer, in a row, until an endpoint counts as down."""
SERVER_ERROR = 500


class Watched:
    """One endpoint, and what is kept of it between two looks. `models` are those that targets name."""

    def __init__(self, provider: Provider, url: str) -> None:
        self.provider = provider.name
        self.url = url
        self.is_ollama = provider.dialect == "ollama"
        tls = provider.tls
        context = client_context(ca=tls.ca, certificate=tls.certificate, key=tls.key) if url[:6] == "https:" else None
        headers = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in provider.headers)
        proxy = provider.proxy or (proxy_for(url, os.environ) if provider.zone == "cloud" else None)
        self.pool = Pool(url, ssl=context, proxy=proxy, limits=PoolLimits(idle=2))
        self.host = Host(url, self.pool, headers)
        self._alive = request(self.pool, "GET", KINDS[provider.kind].path(url, "models").decode(), b"", headers)
        self._missed = 0
        self._last: Report | None = None
        self._disk_at = 0.0
        self._version = ""
        self._sizes: tuple[tuple[str, int], ...] | None = None
        self._remote: tuple[str, ...] = ()
        self._digests: tuple[tuple[str, str], ...] = ()
        self._shown: dict[tuple[str, str], Shown] = {}
        self.models: frozenset[str] = frozenset()

    def name(self, models: frozenset[str]) -> None:
        """Targets name these models from now on."""
        if models != self.models:
            self.models = models
            self._disk_at = 0.0

    async def look(self) -> Report:
        """How it is. Raises nothing that a host could cause."""
        at = time.monotonic()
        try:
            report = await (self._look_at_models(at) if self.is_ollama else self._look_whether_alive(at))
        except HostFailed as failed:
            self._missed += 1
            return Report(at, problem=failed.message, is_down=self._missed >= DOWN_AFTER)
        self._missed = 0
        self._last = report
        return report

    def known(self, report: Report) -> Report:
        """What is known of it after this look: one that misses takes nothing from what was found."""
        if report.problem and not report.is_down and self._last is not None:
            return msgspec.structs.replace(self._last, problem=report.problem)
        return report

    async def _look_at_models(self, at: float) -> Report:
        residents = await self.host.residents(TIMEOUT)
        if at >= self._disk_at:
            installed = await self.host.installed(TIMEOUT)
            self._sizes = tuple((it.name, it.size) for it in installed)
            self._remote = tuple(it.name for it in installed if it.remote)
            self._digests = tuple((it.name, it.digest) for it in installed if it.digest)
            self._version = await self.host.version(TIMEOUT)
            await self._look_at_each(installed)
            self._disk_at = at + DISK_EVERY
        return Report(
            at,
            residents,
            self._sizes,
            self._version,
            remote=self._remote,
            digests=self._digests,
            shown=tuple(self._shown.values()),
        )

    async def _look_at_each(self, installed: tuple[Installed, ...]) -> None:
        """What a model can do stays the same as long as its digest does."""
        before = self._shown
        self._shown = {}
        for it in installed:
            if it.name in self.models:
                known = before.get((it.name, it.digest))
                self._shown[it.name, it.digest] = known or await self._show(it.name)

    async def _show(self, model: str) -> Shown:
        found = await self.host.show(model, TIMEOUT)
        told = None if found.capabilities is None else tuple(sorted(found.capabilities))
        return Shown(model, told, found.stop, found.thinks_in_levels, found.trained)

    async def _look_whether_alive(self, at: float) -> Report:
        """Any answer but a server's own failure will do: which models it lists is not asked, nor who may ask."""
        gathered = Gathered()
        await call(self.pool, self._alive, gathered, TIMEOUT)
        if gathered.status >= SERVER_ERROR:
            raise HostFailed(f"{self.pool.name} answers with status {gathered.status}")
        return Report(at)


class Prober:
    """Looks at the endpoints of the snapshot in force; `tell` gets all that was found in one round. `found` is what is
    known of them since then."""

    def __init__(self, tell: Callable[[tuple[Probed, ...]], None], every: float = EVERY) -> None:
        self._tell = tell
        self._every = every
        self._watched: dict[tuple[str, str, bytes], Watched] = {}
        self.found: tuple[Probed, ...] = ()

    def watch(self, snapshot: Snapshot) -> None:
        """Looks at these from now on. What stays the same is remembered. Needs a running loop."""
        before, self._watched = self._watched, {}
        named: dict[str, set[str]] = {}
        for target in snapshot.targets:
            named.setdefault(target.provider, set()).add(full_name(target.model))
        for provider in snapshot.providers:
            if provider.zone != "local" or KINDS[provider.kind].is_embedded:
                continue
            settings = msgspec.msgpack.encode((provider.tls, provider.proxy, provider.headers, provider.kind))
            for endpoint in provider.endpoints:
                key = (provider.name, endpoint.url, settings)
                watched = before.pop(key) if key in before else Watched(provider, endpoint.url)
                watched.name(frozenset(named.get(provider.name, ())))
                self._watched[key] = watched
        for left in before.values():
            asyncio.get_running_loop().create_task(left.pool.close())

    def host(self, provider: str, url: str) -> Host | None:
        """The host at this address, if it is watched."""
        return next((it.host for it in self._watched.values() if (it.provider, it.url) == (provider, url)), None)

    async def run(self) -> None:
        """Until cancelled. A round lasts as long as its slowest host, which is at most a few time-outs."""
        while True:
            started = time.monotonic()
            await self.round()
            await asyncio.sleep(max(0.05, self._every - (time.monotonic() - started)))

    async def round(self) -> None:
        watched = list(self._watched.values())
        reports = await asyncio.gather(*[it.look() for it in watched])
        looked = list(zip(watched, reports, strict=True))
        self.found = tuple(Probed(it.provider, it.url, it.known(report)) for it, report in looked)
        if looked:
            self._tell(tuple(Probed(it.provider, it.url, report) for it, report in looked))

    async def close(self) -> None:
        for watched in self._watched.values():
            with contextlib.suppress(OSError):
                await watched.pool.close()
        self._watched = {}
