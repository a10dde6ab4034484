"""The control process's hand on the hosts: looks after them, tells the workers, and loads what targets want warm.

A load of the gateway's own cannot be broken off by a caller who leaves. It is asked for with the very options that
requests come with, or the first request would load the model anew.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from earthward.config.snapshot import EMBEDDINGS, Snapshot, Target
from earthward.control.digests import Digests
from earthward.control.warm_up import Need
from earthward.fleet.call import HostFailed
from earthward.fleet.found import Probed
from earthward.fleet.prober import Prober
from earthward.routing.abilities import learned
from earthward.routing.balance.standing import full_name
from earthward.routing.balance.view import Resident, suffices
from earthward.routing.placement import Home, Wish, placement
from earthward.routing.tiers import allocated, least, most

log = logging.getLogger("earthward.fleet")


class Fleet:
    """`tell` gets what was found in each round. Warm-ups run beside it, one at a time for each host."""

    def __init__(self, tell: Callable[[tuple[Probed, ...]], None]) -> None:
        self._tell = tell
        self._prober = Prober(self._found)
        self._targets: dict[tuple[str, str], Target] = {}
        self._needed: dict[tuple[str, str], Need] = {}
        self._warming: dict[str, asyncio.Task[None]] = {}
        self._asked: set[tuple[str, str]] = set()
        self._spilled: set[tuple[str, str]] = set()
        self._digests = Digests()
        self._named: frozenset[tuple[str, str]] = frozenset()

    @property
    def found(self) -> tuple[Probed, ...]:
        return self._prober.found

    @property
    def warming(self) -> list[str]:
        """The hosts that load something for us right now."""
        return sorted(self._warming)

    def watch(self, snapshot: Snapshot) -> None:
        """Looks after the endpoints of this snapshot. What is already warm stays so."""
        providers = {provider.name: provider for provider in snapshot.providers}
        self._targets = {
            (target.provider, full_name(target.model)): target
            for target in snapshot.targets
            if target.warm and providers[target.provider].dialect == "ollama"
        }
        self._named = frozenset((target.provider, full_name(target.model)) for target in snapshot.targets)
        self._asked.clear()
        self._prober.watch(snapshot)

    def need(self, needs: Iterable[Need]) -> None:
        """Loads these as well, whatever the targets say, from the next round on."""
        # Of several rollouts to one model the one that needs most of it counts: it comes last.
        ordered = sorted(needs, key=lambda it: it.copies)
        self._needed = {(it.target.provider, full_name(it.target.model)): it for it in ordered}

    def is_loaded(self, need: Need) -> bool:
        """Whether as many hosts have it loaded as are to, of those that are up and have it on their disk. One that
        no host could load is not waited for."""
        model, target = full_name(need.target.model), as_shown(need.target, self.found)
        homes = [it for it in self.found if it.provider == need.target.provider and it.report.residents is not None]
        able = [it for it in homes if _home(it).can_hold(model)]
        residents = ({each.model: each for each in it.report.residents or ()} for it in able)
        return sum(is_warm(it, model, target) for it in residents) >= min(need.copies, len(able))

    async def run(self) -> None:
        """Until cancelled. Whatever goes wrong in a round, there is another."""
        try:
            while True:
                try:
                    await self._prober.run()
                except Exception:
                    log.exception("the hosts could not be looked after; trying again")
                    await asyncio.sleep(1.0)
        finally:
            for task in self._warming.values():
                task.cancel()
            await self._prober.close()

    def _found(self, found: tuple[Probed, ...]) -> None:
        self._tell(found)
        self._warn_of_spills(found)
        for line in self._digests.news(found, self._named):
            log.warning("%s", line)
        for provider in {provider for provider, _ in (*self._targets, *self._needed)}:
            self._warm(provider, [it for it in found if it.provider == provider and it.report.residents is not None])
        down = {it.url for it in found if it.report.is_down}
        # Whoever was away comes back with nothing loaded.
        self._asked = {(url, model) for url, model in self._asked if url not in down}

    def _warn_of_spills(self, found: tuple[Probed, ...]) -> None:
        """Says once of a model that it is partly on the CPU: it answers, but several times as slowly."""
        spilled = {(it.url, each.model): each.spill for it in found for each in it.report.residents or () if each.spill}
        for (url, model), share in spilled.items():
            if (url, model) not in self._spilled:
                log.warning(
                    "%s holds %.0f %% of %s on the CPU; give it less context, or more room", url, share * 100, model
                )
        self._spilled = set(spilled)

    def _warm(self, provider: str, found: list[Probed]) -> None:
        """Has the plan's next load begun at each host that has nothing to load."""
        homes = [_home(it) for it in found]
        residents = {it.url: {each.model: each for each in it.report.residents or ()} for it in found}
        wanted = self._wanted(provider)
        for placed in placement(homes, [Wish(model, it.copies) for model, it in wanted.items()]):
            target = as_shown(wanted[placed.model].target, found)
            is_asked = (placed.url, placed.model) in self._asked
            if is_asked or placed.url in self._warming or is_warm(residents[placed.url], placed.model, target):
                continue
            self._asked.add((placed.url, placed.model))
            task = asyncio.get_running_loop().create_task(self._load(provider, placed.url, target))
            self._warming[placed.url] = task
            task.add_done_callback(lambda _, url=placed.url: self._warming.pop(url, None))  # type: ignore[misc]

    def _wanted(self, provider: str) -> dict[str, Need]:
        """By model: what targets want warm, and what rollouts need of it beyond that."""
        always = {model: Need(it, it.warm) for (name, model), it in self._targets.items() if name == provider}
        needed = {model: it for (name, model), it in self._needed.items() if name == provider}
        return always | needed

    async def _load(self, provider: str, url: str, target: Target) -> None:
        host = self._prober.host(provider, url)
        if host is None:
            return
        try:
            seconds = await host.warm(
                target.model,
                options=load_options(target),
                keep_alive=target.keep_alive,
                gives_vectors=EMBEDDINGS in target.abilities,
            )
            log.info("%s has loaded %s for %s in %.1f s", url, target.model, target.name, seconds)
        except HostFailed as failed:
            log.warning("%s could not load %s for %s: %s", url, target.model, target.name, failed.message)


def as_shown(target: Target, found: Iterable[Probed]) -> Target:
    """The target with what hosts show of its model: none has more context than it was made for."""
    model = full_name(target.model)
    return learned(target, [it for one in found for it in one.report.shown if it.model == model])


def is_warm(residents: Mapping[str, Resident], model: str, target: Target) -> bool:
    """Whether it is loaded with the context that requests will ask for, or with more that is as good."""
    resident = residents.get(model)
    return resident is not None and suffices(resident.context, allocated(target, least(target)), most(target))


def load_options(target: Target) -> dict[str, Any]:
    """The options that decide how a model is loaded, as requests for this target name them: short ones, where it has
    several contexts."""
    context = least(target)
    return {} if context is None else {"num_ctx": context}


def _home(it: Probed) -> Home:
    loaded = frozenset(resident.model for resident in it.report.residents or ())
    return Home(it.url, loaded, None if it.report.sizes is None else dict(it.report.sizes))
