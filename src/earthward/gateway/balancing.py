"""Which endpoint of a provider takes a request: policy and health, in one worker.

What is decided is decided in `routing`; here clocks are read and the board is written. Those for whom no place is free
stand in a line of their own.
"""

import random
import time
from collections.abc import Container, Iterable
from typing import NamedTuple, Protocol
from zlib import crc32

import msgspec

from earthward.chat import Failure
from earthward.config.snapshot import Provider
from earthward.gateway.board import Board
from earthward.gateway.breaker import FAULTS, Breaker, milliseconds
from earthward.gateway.meters import Meters
from earthward.gateway.verdicts import Verdicts, place_of_endpoint
from earthward.gateway.waiting import Line, Waiting
from earthward.routing import health
from earthward.routing.admission import Terms, expected_wait
from earthward.routing.balance import POLICIES, choices
from earthward.routing.balance.affinity import Affinity
from earthward.routing.balance.shortlist import MOST, shortlist
from earthward.routing.balance.standing import Report, Standing
from earthward.routing.balance.view import Ask, Choice, Endpoint
from earthward.routing.health import Health, Rules

KNOWN_FOR = 0.25
"""Seconds for which it is remembered which of many endpoints hold a model."""
READS = 1500.0
"""Tokens per second that a host is taken to read of a prompt it has not seen."""
CONTEXT = 0xFFFFFFFF
"""The part of a packed load that is its context."""
USUAL_WHOLE = 2.0
"""Seconds a request is taken to hold a slot while nothing is known."""

Standings = dict[tuple[str, str], Standing]


class Known(NamedTuple):
    """What a worker has learned, whatever snapshot is in force; and the board it shares."""

    board: Board
    standings: Standings
    breakers: dict[str, Breaker]
    meters: Meters | None = None
    verdicts: Verdicts | None = None


class Place(Protocol):
    """What is needed of an endpoint: its address, and its column on the board."""

    url: str
    cell: int


class Wanted(msgspec.Struct, frozen=True):
    """What an endpoint is wanted for: the model by its full name, the context it is loaded with (0: any) and the `most`
    that is as good, the conversation, the length of its prompt in tokens; who asks, and how urgently. `avoid` are
    places tried before."""

    model: str
    context: int = 0
    root: bytes = b""
    tokens: int = 0
    key: str = ""
    priority: str = ""
    avoid: tuple[int, ...] = ()
    most: int = 0


class Balancing:
    """The endpoints of one provider in one worker. What is known of them outlives a snapshot; whoever waits when a new
    one comes waits on in the old queue."""

    def __init__(
        self,
        provider: Provider,
        places: Iterable[Place],
        standings: Standings,
        board: Board,
        verdicts: Verdicts | None = None,
    ) -> None:
        self.places = list(places)
        self._verdicts = verdicts or Verdicts(board)
        self._slots = [endpoint.slots or 0 for endpoint in provider.endpoints]
        self.has_slots = any(self._slots)
        self.standings = [standings.setdefault((provider.name, place.url), Standing()) for place in self.places]
        for place, standing in zip(self.places, self.standings, strict=True):
            self._verdicts.watch(place_of_endpoint(place.cell), standing)
        self._board = board
        self.rules = Rules(failures=provider.eject_after)
        self._policy = POLICIES[provider.balance]
        self._affinity = Affinity([place.url for place in self.places])
        terms = provider.queue
        self._line = Line(Terms(terms.length, terms.deadline), board, self.places[0].cell)
        self.queue = self._line.queue
        self.overflow = terms.overflow
        self.longest_wait = terms.deadline
        self._waiting = self._line.waiting
        self._warm: dict[str, tuple[float, list[int]]] = {}
        self._trials: dict[int, Health] = {}
        self._said: dict[int, int] = {}
        self._turn = random.randrange(1 << 16)  # noqa: S311  workers should not all begin with the same

    # -- taking a place ------------------------------------------------------------------------------------------

    def take(self, wanted: Wanted, patience: float, drawn: int | None = None) -> "int | Failure | Waiting":
        """A place, where the request is counted from now on; or why there will be none; or what to wait for, at most
        `patience` seconds. `drawn` is the place that was drawn for it just now."""
        if not self.queue.waiting_for(wanted.model):
            place = self.free(wanted, 0) if drawn is None else drawn
            if place is not None:
                self.occupy(place)
                return place
        return self._line.join(self, wanted, patience)

    @property
    def is_well(self) -> bool:
        """Whether nobody waits, and there is nothing to find out of any endpoint."""
        if self._waiting:
            return False
        if len(self.standings) == 1:
            return self.standings[0].is_well
        return all(standing.is_well for standing in self.standings)

    def has_at_hand(self, place: int, model: str, context: int, most: int) -> bool:
        """Whether a request for the model, with so much context, sets no load going there."""
        return self.standings[place].has_at_hand(model, context, most)

    def drawn(self, wanted: Wanted) -> int | None:
        """The place that a request would take now; None if it would have to wait."""
        return self.free(wanted, 0)

    def enter(self, place: int) -> None:
        """Takes a place at an endpoint that is well."""
        self._board.enter(self.places[place].cell)
        self._turn += 1

    def served(self, place: int, model: str, seconds: float, now: float, context: int) -> None:
        """A request went well, and its place is given back."""
        standing = self.standings[place]
        if standing.health is health.WELL:
            standing.ended(model, seconds, now, context)
        else:
            self.ended(place, model, seconds, None, context=context)
        self.give_back(place)

    def trial_at(self, place: int) -> Health | None:
        """The trial that the request is which was just given this place; None if it is none."""
        return self._trials.pop(place, None)

    def give_back(self, place: int, trial: Health | None = None) -> None:
        """The request is over; whoever waits may come. `trial` is one that showed nothing of the endpoint."""
        self._board.enter(self.places[place].cell, -1)
        if trial is not None and self.standings[place].health == trial:
            self._judge(place, health.untried(trial, milliseconds()))
        if self._waiting:
            self._line.wake(self)

    @property
    def expected_wait(self) -> float:
        """Seconds that one who comes last is likely to wait, behind those who wait in all workers."""
        waiting = self.waiting
        if not waiting:
            return 0.0
        now = milliseconds()
        known = [standing.whole for standing in self.standings if standing.whole]
        slots = sum(slots for slots, standing in zip(self._slots, self.standings, strict=True) if not standing.out(now))
        return expected_wait(waiting, slots, sum(known) / len(known) if known else USUAL_WHOLE)

    @property
    def waiting(self) -> int:
        """How many wait for this provider, in all workers."""
        return self._board.waiting(self.places[0].cell)

    def occupy(self, place: int) -> None:
        """Takes a place, for a trial where one is due there."""
        standing = self.standings[place]
        now = milliseconds()
        if health.state(standing.health, now) == "trial":
            self._judge(place, health.on_trial(standing.health, now))
            self._trials[place] = standing.health
        self.enter(place)

    def free(self, wanted: Wanted, queued: int) -> int | None:
        """The best place, if it has a slot free. `queued` is how many wait for the same model before it."""
        if len(self.places) == 1:
            slots = self._slots[0]
            return None if slots and self._board.in_flight(self.places[0].cell) >= slots else 0
        views, found = self.judged(wanted, queued, explain=False)
        best = found[0].place
        return None if next(view for view in views if view.place == best).is_full else best

    def judged(self, wanted: Wanted, queued: int, *, explain: bool) -> tuple[list[Endpoint], list[Choice]]:
        """Endpoints as they are, and the choice among them, best first; with `explain` all of them, with reasons."""
        now = time.monotonic()
        count = len(self.places)
        affinity = self._affinity.of(wanted.root) if wanted.root else ()
        looked_at: Iterable[int] = range(count)
        if count > MOST and not explain:
            looked_at = shortlist(count, self._turn, affinity[:2], self._holding(wanted.model, now))
        places = [place for place in looked_at if place not in wanted.avoid] or list(looked_at)
        in_flight = self._board.in_flight
        model, context, most = wanted.model, wanted.context, wanted.most
        if most > context:
            for place in places:
                self._hear_of_loads(place, wanted.model, now)
        views = [
            self.standings[place].view(
                place, self._slots[place], model, in_flight(self.places[place].cell), now, context, most
            )
            for place in places
        ]
        ask = Ask(
            wanted.context,
            affinity,
            wanted.tokens / READS,
            queued,
            count,
            self._turn,
            random.random(),  # noqa: S311  no secret hangs on it
            explain,
            most,
        )
        return views, choices(self._policy, views, ask)

    def _holding(self, model: str, now: float) -> list[int]:
        known = self._warm.get(model)
        if known is None or known[0] < now:
            holding = [place for place, standing in enumerate(self.standings) if standing.holds(model)]
            known = self._warm[model] = now + KNOWN_FOR, holding
        return known[1]

    # -- what is learned -----------------------------------------------------------------------------------------

    def sent(self, place: int, model: str, context: int = 0, most: int = 0) -> bool:
        """A request goes out. Whether it sets the load of its model going; other workers hear of it."""
        if not self.standings[place].sent(model, time.monotonic(), context, most):
            return False
        what = self._said[place] = _packed(model, context)
        self._board.say_load(self.places[place].cell, milliseconds(), what)
        return True

    def _take_back(self, place: int, model: str, context: int) -> None:
        """A load that was told of has failed: nobody is to join it."""
        if self._said.get(place) == _packed(model, context):
            self._board.say_load(self.places[place].cell, 0, 0)

    def _hear_of_loads(self, place: int, model: str, now: float) -> None:
        """Before a report tells of them: or a short request would have loaded anew what another worker gave more."""
        named = _packed(model, 0)
        for at, what in self._board.loads(self.places[place].cell):
            if what & ~CONTEXT == named:
                self.standings[place].heard_of_load(model, what & CONTEXT, at / 1000, now)

    def context_for(self, place: int, wanted: Wanted) -> int:
        """With how much context its model is to be asked for there: as it is loaded, where that is enough."""
        if wanted.most > wanted.context:
            self._hear_of_loads(place, wanted.model, time.monotonic())
        return self.standings[place].context_for(wanted.model, wanted.context, wanted.most) or wanted.context

    def load_ended(self, place: int, model: str, context: int = 0, *, went_well: bool) -> None:
        if not went_well:
            self._take_back(place, model, context)
        self.standings[place].load_ended(model, time.monotonic(), context, went_well=went_well)

    def began(self, place: int, model: str, seconds: float, context: int = 0) -> None:
        """The first content came after so many seconds."""
        self.standings[place].answered(model, seconds, time.monotonic(), context=context)

    def ended(
        self,
        place: int,
        model: str,
        seconds: float,
        failure: Failure | None,
        *,
        at_once: bool = False,
        context: int = 0,
    ) -> None:
        """A request is over after so many seconds. `at_once` where nobody answered at all."""
        standing, now = self.standings[place], milliseconds()
        if failure is None:
            standing.ended(model, seconds, now / 1000, context)
            if standing.health is not health.WELL:
                was_out = standing.health.times and not standing.health.back
                self._judge(place, health.after_success(standing.health, now))
                if was_out:
                    standing.forgive()
        elif failure.kind in FAULTS:
            standing.failed(model, now / 1000, context)
            self._take_back(place, model, context)
            out = sum(1 for other in self.standings if other.out(now))
            may = health.may_go_out(out, len(self.standings))
            self._judge(place, health.after_failure(standing.health, now, self.rules, at_once=at_once, may=may))

    def _judge(self, place: int, now: Health) -> None:
        standing = self.standings[place]
        before, standing.health = standing.health, now
        if before is not now:
            self._verdicts.say(place_of_endpoint(self.places[place].cell), before, now)

    def heard(self, url: str, report: Report) -> None:
        """What the prober found at one of these."""
        for place, standing in zip(self.places, self.standings, strict=True):
            if place.url == url:
                standing.heard(report, time.monotonic())

    def stands(self, tried: Container[int] = ()) -> bool:
        """Whether the last that was heard of an endpoint was good, those left aside that were tried."""
        now = milliseconds()
        return any(
            place not in tried
            and not standing.out(now)
            and not standing.health.failures
            and health.state(standing.health, now) == "well"
            for place, standing in enumerate(self.standings)
        )

    def some_place(self) -> int:
        """One that is in, for what takes no slot; the first where none is."""
        now = milliseconds()
        return next((place for place, standing in enumerate(self.standings) if not standing.out(now)), 0)

    @property
    def is_out(self) -> bool:
        """Whether no endpoint is in."""
        now = milliseconds()
        return all(standing.out(now) for standing in self.standings)


def _packed(model: str, context: int) -> int:
    """A load in one number: of which model, and with how much context."""
    return (crc32(model.encode()) & 0x7FFFFFFF) << 32 | min(context, CONTEXT)
