"""Peak EWMA, the better of two drawn: the time to first content, which leaps up at once and comes down slowly, times
what is in flight.

Two are drawn because the best of all would get every request until the next measurement (Mitzenmacher, 2001; peak EWMA
as in Finagle). A failure counts as a long time, so that one that fails fast attracts nothing.
"""

from collections.abc import Sequence

from earthward.routing.balance.view import Ask, Choice, Endpoint, in_order

NAME = "fastest"

UNTRIED = 0.001
"""Seconds that one counts as which was never used: it is tried soon, and by a few at most."""
FAILURE = 10.0
"""Seconds that a failure counts as."""


def order(endpoints: Sequence[Endpoint], ask: Ask) -> list[Choice]:
    drawn = two_of([endpoint.place for endpoint in endpoints if not endpoint.is_full], ask.draw)
    return in_order([_choice(endpoint, endpoint.place in drawn, ask.explain) for endpoint in endpoints])


def cost(endpoint: Endpoint) -> float:
    """Seconds that one more request is likely to wait."""
    seconds = max(endpoint.peak, UNTRIED) + FAILURE * endpoint.failing
    return seconds * (endpoint.in_flight + 1) / endpoint.ramp


def two_of(places: Sequence[int], draw: float) -> tuple[int, ...]:
    """Two different ones, each pair as likely as any other, from one draw."""
    count = len(places)
    if count <= 2:
        return tuple(places)
    pair = int(draw * count * (count - 1))
    first, second = divmod(pair, count - 1)
    return places[first], places[second if second < first else second + 1]


def _choice(endpoint: Endpoint, is_drawn: bool, explain: bool) -> Choice:
    seconds = cost(endpoint)
    if endpoint.is_full:
        return Choice(endpoint.place, 2e6 + seconds, "full")
    if not is_drawn:
        return Choice(endpoint.place, 1e6 + seconds, "not drawn")
    return Choice(endpoint.place, seconds, _reason(endpoint) if explain else "")


def _reason(endpoint: Endpoint) -> str:
    return f"{endpoint.peak * 1000:.0f} ms, {endpoint.in_flight} in flight"
