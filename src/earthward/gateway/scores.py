"""The endpoints of a provider as one worker sees them, for people who ask why."""

import msgspec

from earthward.gateway.balancing import Balancing, Wanted


class Scored(msgspec.Struct, frozen=True):
    """An endpoint with its score, of which less is better (None: it is out), and the reason."""

    url: str
    score: float | None
    why: str
    in_flight: int
    slots: int | None


class Endpoints(msgspec.Struct, frozen=True):
    """All endpoints of a provider, best first; how many wait in all workers, and how long one more would."""

    endpoints: tuple[Scored, ...]
    waiting: int
    expected_wait: float


def scores(balancing: Balancing, wanted: Wanted) -> Endpoints:
    """Each endpoint with its score and the reason, best first, and who waits."""
    views, found = balancing.judged(wanted, balancing.queue.waiting_for(wanted.model), explain=True)
    by_place = {view.place: view for view in views}
    endpoints = (
        Scored(
            balancing.places[choice.place].url,
            None if choice.score == float("inf") else round(choice.score, 4),
            choice.reason,
            by_place[choice.place].in_flight,
            by_place[choice.place].slots or None,
        )
        for choice in found
    )
    return Endpoints(tuple(endpoints), balancing.waiting, round(balancing.expected_wait, 3))
