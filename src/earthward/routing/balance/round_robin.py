"""Each in its turn, those that have a free slot first. One that comes back is passed over as often as its ramp says."""

from collections.abc import Sequence

from earthward.routing.balance.shortlist import MOST
from earthward.routing.balance.view import Ask, Choice, Endpoint, in_order

NAME = "round_robin"


def order(endpoints: Sequence[Endpoint], ask: Ask) -> list[Choice]:
    steps = enumerate(_from_turn(endpoints, ask))
    return in_order([_choice(endpoint, step, len(endpoints), ask.draw) for step, endpoint in steps])


def _from_turn(endpoints: Sequence[Endpoint], ask: Ask) -> list[Endpoint]:
    """In the order of their places, from the one whose turn it is. Among a few, the turns of one that is missing are
    spread over all the others; among many its neighbour may take them."""
    ordered = sorted(endpoints, key=_place)
    if ask.count > MOST:
        return sorted(ordered, key=lambda endpoint: (endpoint.place - ask.turn) % ask.count)
    start = ask.turn % len(ordered)
    return ordered[start:] + ordered[:start]


def _choice(endpoint: Endpoint, step: int, count: int, draw: float) -> Choice:
    if endpoint.is_full:
        return Choice(endpoint.place, float(2 * count + step), "full")
    if draw >= endpoint.ramp:
        return Choice(endpoint.place, float(count + step), "comes back slowly")
    return Choice(endpoint.place, float(step), "its turn" if step == 0 else "not its turn")


def _place(endpoint: Endpoint) -> int:
    return endpoint.place
