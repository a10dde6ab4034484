"""What hosts tell of the weights behind the names of a route's models."""

from collections.abc import Iterable

import msgspec

from earthward.config.snapshot import Route, Snapshot
from earthward.fleet.found import Probed
from earthward.rollout.weights import Weights
from earthward.routing.balance.standing import full_name


class Named(msgspec.Struct, frozen=True):
    """Models by provider and whole name: those of both arms, and the judge's."""

    arms: frozenset[tuple[str, str]]
    judge: frozenset[tuple[str, str]]


def named(route: Route, snapshot: Snapshot) -> Named:
    known = {target.name: (target.provider, full_name(target.model)) for target in snapshot.targets}
    judge = route.sampling.judge if route.sampling is not None else ""
    return Named(
        frozenset(known[name] for name in (route.baseline, route.candidate) if name in known),
        frozenset(known[name] for name in (judge,) if name in known),
    )


def weights(of: Iterable[tuple[str, str]], found: Iterable[Probed]) -> Weights:
    """Nothing of models whose hosts tell no digest, as those of a cloud."""
    wanted, told = frozenset(of), Weights()
    for it in found:
        for model, digest in it.report.digests:
            if (it.provider, model) in wanted:
                told.setdefault(f"{it.provider}/{model}", {})[it.url] = digest
    return told
