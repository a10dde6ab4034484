"""Loads that requests set going, asked for by the gateway as well.

Ollama breaks a load off when the request that began it goes away, and a caller with a short deadline would begin it
anew for ever. A request of the gateway's own sees it through, whoever leaves.
"""

import asyncio
import logging
from typing import Any

from earthward.config.snapshot import EMBEDDINGS
from earthward.fleet.call import HostFailed
from earthward.fleet.host import Host
from earthward.gateway.serving import ServingTarget
from earthward.routing.tiers import allocated

log = logging.getLogger("earthward.loading")

HEAD_START = 0.01
"""Seconds by which the gateway's own request goes first: the first is the one that a load hangs on."""


class Loads:
    """The loads this worker sees through."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, target: ServingTarget, place: int, context: int) -> "asyncio.Future[None]":
        """Sees to the load of the target's model there, with so much context (0: as its host will); what is returned is
        over when its request has gone out."""
        task = self._loop.create_task(self._see_through(target, place, context))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        gone_out = self._loop.create_future()
        self._loop.call_later(HEAD_START, gone_out.set_result, None)
        return gone_out

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _see_through(self, target: ServingTarget, place: int, context: int) -> None:
        provider = target.provider
        endpoint, about = provider.endpoints[place], target.target
        options: dict[str, Any] = {"num_ctx": context} if context else {}
        try:
            await Host(endpoint.url, endpoint.pool, provider.own_lines).warm(
                about.model,
                options=options,
                keep_alive=about.keep_alive,
                gives_vectors=EMBEDDINGS in about.abilities,
            )
        except HostFailed as failed:
            log.warning("%s could not load %s: %s", endpoint.url, about.model, failed.message)
            provider.balancing.load_ended(place, target.model, allocated(about, context), went_well=False)
        else:
            provider.balancing.load_ended(place, target.model, allocated(about, context), went_well=True)
