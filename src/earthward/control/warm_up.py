"""A stage with more share begins when the candidate's model is loaded on the hosts that it will need, or cannot be.

The rollout has moved already; workers get its new share a little later. Less share is never held up: who goes back to
the baseline must not wait for anything.
"""

import logging
from collections.abc import Callable, Iterator
from math import ceil

import msgspec

from earthward.config.snapshot import Route, Snapshot, Target
from earthward.rollout.event import WHOLE

log = logging.getLogger("earthward.warm_up")

PATIENCE = 300.0
"""Seconds that a stage waits at most: Ollama itself gives up on a load after as many."""


class Need(msgspec.Struct, frozen=True):
    """A target whose model so many of its hosts are to have loaded."""

    target: Target
    copies: int


IsLoaded = Callable[[Need], bool]


class WarmUps:
    """Which routes wait, and since when. `holding` are their names."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    @property
    def holding(self) -> list[str]:
        return sorted(self._since)

    def held(self, wanted: Snapshot, in_force: Snapshot, is_loaded: IsLoaded, now: float) -> Snapshot:
        """The snapshot that is wanted, its routes held where they are while a model that they will need is cold."""
        before = {route.name: route for route in in_force.routes}
        waiting: dict[str, float] = {}
        routes = []
        for route in wanted.routes:
            need = need_of(route, wanted)
            old = before.get(route.name)
            is_cold = need is not None and old is not None and old.share < route.share and not is_loaded(need)
            since = self._since.get(route.name, now)
            if is_cold and now - since < PATIENCE and old is not None and need is not None:
                waiting[route.name] = since
                if route.name not in self._since:
                    log.info("route %s waits for %s on %d hosts", route.name, need.target.name, need.copies)
                route = msgspec.structs.replace(route, share=old.share, stage=old.stage, epoch=old.epoch)
            elif is_cold:
                log.warning("route %s goes on though its candidate is not loaded everywhere", route.name)
            routes.append(route)
        self._since = waiting
        if not waiting:
            return wanted
        held = ",".join(sorted(waiting))
        version = f"{wanted.version}{'' if '~' in wanted.version else '~0'}w{held}"
        return msgspec.structs.replace(wanted, version=version, routes=tuple(routes))


def needs(snapshot: Snapshot) -> Iterator[Need]:
    """What the rollouts of this snapshot will need, each candidate once for each of its routes."""
    for route in snapshot.routes:
        need = need_of(route, snapshot)
        if need is not None:
            yield need


def need_of(route: Route, snapshot: Snapshot) -> Need | None:
    """As many of the hosts as its share is of all units, one at least. None where nothing has to be loaded."""
    if not route.plan or not route.share or route.candidate is None:
        return None
    target = next(it for it in snapshot.targets if it.name == route.candidate)
    provider = next(it for it in snapshot.providers if it.name == target.provider)
    if provider.dialect != "ollama" or provider.zone != "local" or target.zone != "local":
        return None
    copies = ceil(len(provider.endpoints) * route.share / WHOLE)
    return Need(target, max(1, target.warm, copies))
