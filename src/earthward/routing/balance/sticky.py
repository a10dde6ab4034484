"""A conversation's turns to where its earlier ones were, since its words lie in that endpoint's cache.

The places a conversation prefers are given (rendezvous hashing); a place that has more than its share is passed over,
as in consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, 2016).
"""

from collections.abc import Sequence
from math import ceil

from earthward.routing.balance.least_busy import busyness
from earthward.routing.balance.view import Ask, Choice, Endpoint, in_order

NAME = "sticky"

BOUND = 1.25
"""How many times the mean load one endpoint may have."""


def order(endpoints: Sequence[Endpoint], ask: Ask) -> list[Choice]:
    most = bound(endpoints)
    ranks = {place: rank for rank, place in enumerate(ask.affinity)}
    return in_order([_choice(endpoint, ranks.get(endpoint.place), most, ask.draw) for endpoint in endpoints])


def bound(endpoints: Sequence[Endpoint]) -> int:
    """What may be in flight at one endpoint, this request included, for it not to be passed over."""
    total = sum(endpoint.in_flight for endpoint in endpoints) + 1
    return ceil(BOUND * total / len(endpoints))


def _choice(endpoint: Endpoint, rank: int | None, most: int, draw: float) -> Choice:
    busy = busyness(endpoint)
    if endpoint.is_full:
        return Choice(endpoint.place, 2e6 + busy, "full")
    if draw >= endpoint.ramp:
        # What its cache held is gone, so the conversation loses nothing elsewhere.
        return Choice(endpoint.place, 1e6 + busy, "comes back slowly")
    if rank is None or endpoint.in_flight + 1 > most or endpoint.failing > 0.5:
        why = "not among the preferred" if rank is None else "has more than its share"
        return Choice(endpoint.place, 1e6 + busy, why if endpoint.failing <= 0.5 else "fails too often")
    return Choice(endpoint.place, float(rank), "the conversation's own" if rank == 0 else "one of its next")
