"""The least time to first content, as far as it can be told: wait for a slot, load the model if it must be, read.

Residency is not occupancy: the host that has the model is often the busy one. So both are brought to seconds, and a
host that would have to load is taken when the wait at the warm ones is longer than the load, and than what the load
will cost the model that is put out for it.
"""

from collections.abc import Sequence

from earthward.routing.balance.fastest import FAILURE
from earthward.routing.balance.view import Ask, Choice, Endpoint, Resident, in_order, suffices

NAME = "warmest"

EVICTION = 1.0
"""Loads that putting out a model is going to cost, for somebody will ask for it again."""
SPILL = 4.0
"""How many times as long a model takes that is computed by the CPU altogether."""
CROWDING = 0.5
"""By how much of its time an answer takes longer at a host whose slots are all taken but one."""
UNTOLD_SLOTS = 4
LONG_ENOUGH = 0.5
"""Seconds that a request is taken to hold a slot where that is not known yet."""


def order(endpoints: Sequence[Endpoint], ask: Ask) -> list[Choice]:
    warm = sum(1 for endpoint in endpoints if is_warm(endpoint, ask))
    own = _own_place(endpoints, ask)
    return in_order([_choice(endpoint, ask, warm, own) for endpoint in endpoints])


def is_warm(endpoint: Endpoint, ask: Ask) -> bool:
    """Whether it needs no load for this. What cannot be told, as of servers that hold one model for ever, is warm."""
    if not endpoint.is_known or endpoint.loading is not None:
        return True
    resident = endpoint.resident
    return resident is not None and suffices(resident.context, ask.context, ask.most)


def wait(endpoint: Endpoint, ahead: float) -> float:
    """Seconds until a slot is free, with `ahead` in the queue before this request."""
    slots = endpoint.slots or UNTOLD_SLOTS
    too_many = endpoint.in_flight + ahead - slots + 1
    return max(0.0, too_many) / slots * (endpoint.whole or LONG_ENOUGH)


def loading(endpoint: Endpoint, ask: Ask) -> float:
    """Seconds of loading that stand between this request and its answer, and those it causes later."""
    if endpoint.loading is not None:
        return endpoint.loading
    if is_warm(endpoint, ask):
        return 0.0
    puts_out = endpoint.room is not None and endpoint.held >= endpoint.room and endpoint.resident is None
    # Whoever is to be put out may end first, and so may those who use the same model with another context.
    ends_first = (puts_out or endpoint.resident is not None) and endpoint.in_flight
    ending = endpoint.whole if ends_first else 0.0
    return endpoint.blocked + ending + endpoint.load * (1 + EVICTION * puts_out)


def _own_place(endpoints: Sequence[Endpoint], ask: Ask) -> int | None:
    """The first of the places this conversation prefers that is warm: its words lie in that one's cache."""
    warm = {endpoint.place for endpoint in endpoints if is_warm(endpoint, ask)}
    return next((place for place in ask.affinity if place in warm), None)


def _choice(endpoint: Endpoint, ask: Ask, warm: int, own: int | None) -> Choice:
    load = loading(endpoint, ask)
    waiting = wait(endpoint, ask.queued / warm if load == 0 and warm else 0.0)
    crowd = 1 + CROWDING * endpoint.in_flight / (endpoint.slots or UNTOLD_SLOTS)
    spill = endpoint.resident.spill if endpoint.resident is not None else 0.0
    reading = 0.0 if endpoint.place == own else ask.reading
    # What has spilled is slow even where nobody has seen how slow: whole answers tell of no first token.
    first = endpoint.first or (LONG_ENOUGH if spill else 0.0)
    answering = (first * crowd + reading) * (1 + SPILL * spill)
    seconds = (waiting + load + answering) / endpoint.ramp + FAILURE * endpoint.failing
    return Choice(endpoint.place, seconds, _reason(endpoint, ask, load, waiting, own) if ask.explain else "")


def _reason(endpoint: Endpoint, ask: Ask, load: float, waiting: float, own: int | None) -> str:
    if endpoint.loading is not None:
        words = [f"loads it, {load:.1f} s more"]
    elif load:
        words = [f"{_lacking(endpoint.resident, ask)}, {load:.1f} s"]
    else:
        words = ["loaded" if endpoint.is_known else "needs no load"]
    if endpoint.resident is not None and endpoint.resident.spill:
        words.append(f"{endpoint.resident.spill:.0%} on the CPU")
    if endpoint.place == own and ask.reading:
        words.append("the conversation's own")
    words.append(f"{waiting:.1f} s to wait" if waiting else f"{endpoint.in_flight} in flight")
    if endpoint.failing > 0.01:
        words.append(f"{endpoint.failing:.0%} fail")
    return ", ".join(words)


def _lacking(resident: Resident | None, ask: Ask) -> str:
    if resident is None:
        return "not loaded"
    much = "little" if resident.context < ask.context else "much"
    return f"loaded with too {much} context ({resident.context:,} tokens)"
