"""The one with the least in flight for what it can take.

One that fails fast has little in flight just because it fails; late failures therefore weigh as much as a full host.
"""

from collections.abc import Sequence

from earthward.routing.balance.view import Ask, Choice, Endpoint, in_order

NAME = "least_busy"

FAILING = 20.0
"""How much busier an endpoint counts whose every request fails."""


def order(endpoints: Sequence[Endpoint], ask: Ask) -> list[Choice]:
    count = max(endpoint.place for endpoint in endpoints) + 1
    return in_order([_choice(it, (it.place - ask.turn) % count / count, ask.explain) for it in endpoints])


def busyness(endpoint: Endpoint) -> float:
    """Requests per slot, this one included; where nobody said how many slots there are, requests."""
    share = (endpoint.in_flight + 1) / (endpoint.slots or 1) / endpoint.ramp
    return share * (1 + FAILING * endpoint.failing)


def _choice(endpoint: Endpoint, nudge: float, explain: bool) -> Choice:
    """Those that are equally busy take turns: `nudge` is less than any difference between them."""
    if endpoint.is_full:
        return Choice(endpoint.place, 1e6 + endpoint.in_flight / endpoint.slots, "full")
    return Choice(endpoint.place, busyness(endpoint) + nudge * 1e-6, _reason(endpoint) if explain else "")


def _reason(endpoint: Endpoint) -> str:
    return f"{endpoint.in_flight} in flight" + (f", {endpoint.failing:.0%} fail" if endpoint.failing > 0.01 else "")
