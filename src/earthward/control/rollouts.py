"""Rollouts of a running gateway: settled records in, in batches, and out comes what each route is to be now.

Thin on purpose: the controller decides, this only tells it things in order and writes down what came of them before
anybody acts on it. One thread calls it.
"""

import logging
from collections.abc import Mapping, Sequence

import msgspec

from earthward.config.snapshot import Route
from earthward.control.rollout_files import ANEW, MOST_RECORDED, Kept, RolloutFiles
from earthward.ledger.record import Record
from earthward.rollout.controller import Controller, begin
from earthward.rollout.event import Event
from earthward.rollout.from_record import event_of
from earthward.rollout.own import Verdict, with_own
from earthward.rollout.placed import placed
from earthward.rollout.plan import Plan
from earthward.rollout.read_events import Head, Line, Order, Seen, SetBack, Tick, Tried
from earthward.rollout.state import PauseReason, Subject, Transition
from earthward.rollout.verbs import ENDED, NotNow, Verb
from earthward.rollout.weights import Weights, brought_up_to
from earthward.rollout.write_events import written
from earthward.rollout.write_plan import changed
from earthward.store.quality import Later

log = logging.getLogger("earthward.rollout")

SET_BACK = 5.0
"""Seconds; a clock that is corrected by less than that is waited for."""


class LiveRollout:
    """The rollout of one route. A changed plan counts from the next start or retry: evidence belongs to its plan."""

    def __init__(self, route: str, plan: Plan, files: RolloutFiles, most_recorded: int = MOST_RECORDED) -> None:
        self.route = route
        self._files = files
        self._most_recorded = most_recorded
        kept = files.load()
        if kept is None:
            kept = Kept(0, begin(plan))
        is_rewritten = kept.state.place.phase in ("pending", *ENDED) and kept.state.plan != plan
        if is_rewritten:
            # What comes next is a retry, since the move before belonged to the old plan.
            kept.state.plan, kept.state.before = plan, None
        self.changes = tuple(changed(kept.state.plan, plan))
        """What the configuration's plan says otherwise than the one that counts until the next start or retry."""
        self.read_up_to = kept.read_up_to
        self.told_up_to = kept.told_up_to
        self._recorded = kept.recorded
        self.unrecorded = kept.unrecorded
        """Why nothing more of what it is told is put on record; empty where it is, and where it has not begun."""
        self._told: list[bytes] = []
        self.controller = Controller(kept.state)
        if is_rewritten:
            self._record(self._head(kept.state.now))

    def set_back(self, now: float) -> tuple[Transition, ...]:
        """Where the clock is behind what it was: what lies between would count as long ago until it is there again."""
        if self.controller.state.now - now < SET_BACK:
            return ()
        self._record(SetBack(now))
        moved = self.controller.set_back(now)
        self._keep(moved)
        return moved

    def take(
        self,
        records: Sequence[Record],
        up_to: int,
        now: float,
        more: Sequence[Event] = (),
        own: Sequence[Mapping[str, Verdict]] = (),
        latest: float = float("inf"),
    ) -> tuple[Transition, ...]:
        """Takes in what was stored behind `read_up_to`, up to that number, in its order, and what became known later.

        `own` is what the user's own metrics say of each record. No event is later than `latest`: one that is comes from
        a clock that is ahead, and must not take time along. Numbers that were read before are left alone, so that a
        batch told twice counts once. Raises OSError where the result can't be written down; the state in memory is then
        ahead of the disk, and this must be made anew.
        """
        if up_to < self.read_up_to:
            return ()
        moved: tuple[Transition, ...] = ()
        if up_to > self.read_up_to:
            for place, record in enumerate(records):
                event = event_of(record) if record.route == self.route else None
                if event is not None:
                    moved += self._feed(_until(latest, with_own(event, own[place]) if own else event))
        for event in more:
            moved += self._feed(_until(latest, event))
        if now > self.controller.state.now:
            self._record(Tick(now))
        moved += self.controller.advance(now)
        self.read_up_to = up_to
        self._keep(moved)
        return moved

    def hear(self, later: Sequence[tuple[int, Later]], now: float) -> tuple[Transition, ...]:
        """Takes in what became known of exchanges later, by its numbers. What another judge said is left aside."""
        judge = self.controller.state.subject.judge
        news = [(number, it) for number, it in later if number > self.told_up_to]
        if not news:
            return ()
        self.told_up_to = news[-1][0]
        events = [msgspec.json.decode(it.event, type=Event) for _, it in news if it.judge in ("", judge)]
        return self.take((), self.read_up_to, now, events, latest=now)

    def act(
        self, verb: Verb, now: float, by: str, why: str, reason: PauseReason = "manual", at: str = ""
    ) -> tuple[Transition, ...]:
        """Does what somebody says, only if it is `at` that place where one is named, and writes it down.
        Raises NotNow."""
        head, order = self._head(now), Order(now, verb, by, why, reason, at)
        try:
            moved = self.controller.act(verb, now, by, why, reason, at)
        except NotNow as refusal:
            self._record(order)
            self._keep(refusal.moved)
            raise
        if verb in ("start", "retry"):
            self._begin_record(head)
        self._record(order)
        self._keep(moved)
        return moved

    def try_out(self, subject: Subject, now: float) -> tuple[Transition, ...]:
        """Says what is being tried now. Nothing is written down where that is nothing new."""
        if subject == self.controller.state.subject:
            return ()
        self._record(Tried(now, subject))
        moved = self.controller.change(subject, now)
        self._keep(moved)
        return moved

    def see(self, arms: Weights, judge: Weights, now: float) -> tuple[Transition, ...]:
        """Says which weights hosts have. Nothing is written down where that is nothing new."""
        state = self.controller.state
        known = brought_up_to(state.weights, arms), brought_up_to(state.judge_weights, judge)
        if known == (state.weights, state.judge_weights):
            return ()
        self._record(Seen(now, arms, judge))
        moved = self.controller.see(arms, judge, now)
        self._keep(moved)
        return moved

    def placed(self, route: Route) -> Route:
        """The route as it is to be now."""
        return placed(route, self.controller.state)

    def history(self) -> list[Transition]:
        return self._files.history()

    def _keep(self, moved: Sequence[Transition]) -> None:
        told = b"".join(self._told)
        self._told.clear()
        if self._recorded is not None:
            self._recorded += len(told)
        if self._recorded is not None and self._recorded > self._most_recorded:
            self._recorded, self.unrecorded = None, f"its record has reached {self._most_recorded / 2**30:.3g} GB"
            log.warning("rollout of %s: no more of what it is told is put on record: %s", self.route, self.unrecorded)
        kept = Kept(self.read_up_to, self.controller.state, self.told_up_to, self._recorded, self.unrecorded)
        self._files.save(kept, moved, told)

    # ── what is on record ──

    def _feed(self, event: Event) -> tuple[Transition, ...]:
        self._record(event)
        return self.controller.feed(event)

    def _record(self, line: Line) -> None:
        """In the order in which the controller is told, before or after which nothing else is."""
        if self._recorded is not None:
            self._told.append(written(line))

    def _begin_record(self, head: Head) -> None:
        """A record begins where a rollout does. A short one of the same rollout before goes on."""
        if self._recorded is None or self._recorded >= ANEW:
            self._recorded, self.unrecorded = 0, ""
            self._told.clear()
            self._record(head)

    def _head(self, now: float) -> Head:
        state = self.controller.state
        place = (state.epoch, state.place, state.requests, state.subject, state.weights, state.judge_weights)
        return Head(max(now, state.now), state.plan, *place)


def _until(latest: float, event: Event) -> Event:
    return event if event.t <= latest else msgspec.structs.replace(event, t=latest)
