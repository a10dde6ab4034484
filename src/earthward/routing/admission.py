"""Who waits for a slot, in which order, for how long, and who is turned away at once.

Ollama's own queue has no end and never says so, so the gateway keeps one: bounded, with deadlines, interactive before
batch, and fair between keys (start-time fair queueing, Goyal, Vin, Cheng, 1996): one who asks for much waits behind
one who asks for little.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator
from math import ceil

import msgspec

from earthward.chat import Failure, FailureKind

RANKS = {"batch": 1}
"""How late each priority is served; any that is not named here is interactive."""
BATCH_EVERY = 8
"""While both wait, one in so many that are served is batch, which would never be its turn otherwise; and it has a place
of its own in the queue for each so many that there are, from which nobody pushes it out."""
LONGEST_RETRY = 60.0


class Terms(msgspec.Struct, frozen=True):
    """How many may wait, for how many seconds at most, and how many of them for one key."""

    length: int = 256
    deadline: float = 30.0
    share_of_one: float = 0.5

    @property
    def most_of_one(self) -> int:
        return max(1, int(self.length * self.share_of_one))

    @property
    def own_of_batch(self) -> int:
        return max(1, self.length // BATCH_EVERY)


class Ticket(msgspec.Struct, frozen=True, order=True):
    """A place in the queue. Those that compare less are served first. Times are seconds of one clock."""

    rank: int
    tag: float
    number: int
    key: str
    model: str
    since: float
    until: float


class Queue:
    """The queue of one worker for one provider. Not to be shared between threads."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._waiting: list[Ticket] = []
        self._of_key: Counter[str] = Counter()
        self._of_model: Counter[str] = Counter()
        self._last_tag: dict[tuple[int, str], float] = {}
        # Of each priority by itself: what a key has of batch must not hold back its interactive requests.
        self._virtual: dict[int, float] = {}
        self._count = 0
        self._late = 0
        self._passed = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Ticket]:
        """In the order in which they are to be served."""
        waiting = tuple(self._waiting)
        if self._passed < BATCH_EVERY - 1 or not self._late:
            return iter(waiting)
        first = len(waiting) - self._late
        return iter((waiting[first], *waiting[:first], *waiting[first + 1 :]))

    def __contains__(self, ticket: Ticket) -> bool:
        return self._place(ticket) is not None

    def ahead(self, ticket: Ticket) -> int:
        """How many are served before this one, of those who wait for the same model."""
        place = bisect_left(self._waiting, ticket)
        return sum(1 for other in self._waiting[:place] if other.model == ticket.model)

    def waiting_for(self, model: str) -> int:
        return self._of_model[model]

    def join(
        self, key: str, model: str, priority: str, now: float, *, patience: float, expected: float
    ) -> tuple[Ticket | Failure, Ticket | None]:
        """A place, or why there is none; and who lost theirs for it.

        `patience` is for how many seconds the caller would wait; `expected` how long a request that comes last is
        likely to. One who would wait in vain is told so at once.
        """
        terms = self.terms
        rank = RANKS.get(priority, 0)
        patience = min(patience, terms.deadline)
        pushed_out = None
        if self._of_key[key] >= terms.most_of_one:
            pushed_out = next(other for other in reversed(self._waiting) if other.key == key)
            if pushed_out.rank <= rank:
                return refused_for_itself(expected), None
        tag = max(self._virtual.get(rank, 0.0), self._last_tag.get((rank, key), 0.0)) + 1.0
        ticket = Ticket(rank, tag, self._count, key, model, now, now + patience)
        place = bisect_left(self._waiting, ticket)
        before = self._served_before(place, rank)
        if expected * (before + 1) / (len(self._waiting) + 1) > patience:
            return refused(expected), None
        if self._is_full(rank, leaving=int(pushed_out is not None)):
            if pushed_out is not None:
                # What leaves one of batch's own places makes no room for anybody else.
                return refused(expected), None
            pushed_out = self._last_to_stay()
            if pushed_out < ticket:
                return refused(expected), None
        if pushed_out is not None:
            self.leave(pushed_out)
        self._count += 1
        self._last_tag[rank, key] = tag
        insort(self._waiting, ticket)
        self._late += rank > 0
        self._of_key[key] += 1
        self._of_model[model] += 1
        return ticket, pushed_out

    def serve(self, ticket: Ticket) -> None:
        """It has its slot: what it cost its key counts from here on."""
        self._virtual[ticket.rank] = max(self._virtual.get(ticket.rank, 0.0), ticket.tag - 1.0)
        self._give_up(ticket)
        # Only those who pass batch while it waits are counted: it has no turn saved up from before it came.
        self._passed = self._passed + 1 if not ticket.rank and self._late else 0

    def leave(self, ticket: Ticket) -> None:
        """Gives the place up, whether it is still there or not. What was not served costs its key nothing."""
        if self._give_up(ticket):
            lane = ticket.rank, ticket.key
            tags = (it.tag for it in self._waiting if (it.rank, it.key) == lane)
            self._last_tag[lane] = max(tags, default=self._virtual.get(ticket.rank, 0.0))

    def _give_up(self, ticket: Ticket) -> bool:
        place = self._place(ticket)
        if place is None:
            return False
        del self._waiting[place]
        self._late -= ticket.rank > 0
        for counter, name in ((self._of_key, ticket.key), (self._of_model, ticket.model)):
            counter[name] -= 1
            if not counter[name]:
                del counter[name]
        if not self._waiting:
            # Nobody waits: no one is behind anybody.
            self._last_tag.clear()
            self._virtual.clear()
        return True

    def _served_before(self, place: int, rank: int) -> int:
        """How many are served before one who would stand there."""
        if not rank:
            return place
        of_batch = place - (len(self._waiting) - self._late)
        return min(place, BATCH_EVERY * (of_batch + 1) - 1)

    def _is_full(self, rank: int, leaving: int) -> bool:
        """`leaving` are so many of batch that are about to go."""
        own, late = self.terms.own_of_batch, self._late - leaving
        if rank and late < own:
            return False
        return len(self._waiting) - leaving - min(late, own) >= self.terms.length

    def _last_to_stay(self) -> Ticket:
        """Who goes first if somebody must, those left aside who stand on batch's own places."""
        if self._late > self.terms.own_of_batch:
            return self._waiting[-1]
        return self._waiting[len(self._waiting) - self._late - 1]

    def expired(self, now: float) -> list[Ticket]:
        return [ticket for ticket in self._waiting if ticket.until <= now]

    def _place(self, ticket: Ticket) -> int | None:
        place = bisect_left(self._waiting, ticket)
        return place if place < len(self._waiting) and self._waiting[place] == ticket else None


def expected_wait(waiting: int, slots: int, whole: float) -> float:
    """Seconds until one who comes behind `waiting` others has a slot, where a request holds one for `whole`."""
    return (waiting + 1) / max(slots, 1) * whole


def retry_after(expected: float) -> float:
    """Whole seconds after which it is worth asking again."""
    return float(min(LONGEST_RETRY, max(1, ceil(expected))))


def refused(expected: float) -> Failure:
    """Nobody is to blame: 503."""
    message = "every host is busy and the queue is too long to wait in; try again later"
    return Failure(FailureKind.OVERLOADED, message, retry_after=retry_after(expected))


def refused_for_itself(expected: float) -> Failure:
    """The key has more waiting than its share: 429."""
    message = "too many requests of this key are waiting already; try again later"
    return Failure(FailureKind.RATE_LIMITED, message, retry_after=retry_after(expected))


def gave_up(ticket: Ticket, now: float, expected: float) -> Failure:
    message = f"no host had a free slot for {now - ticket.since:.1f} s"
    return Failure(FailureKind.OVERLOADED, message, retry_after=retry_after(expected))
