"""The attempts of one exchange: one at a time, each on record before it goes out, until one serves.

Nothing is tried after the first content event, nor more often than the plan and the retry budget allow.
"""

import time
from collections.abc import Callable, Container, Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from earthward.chat import Failure, FailureKind, Usage
from earthward.chat.failures import ANOTHER_MAY_SERVE
from earthward.dialects.content.several import billed
from earthward.gateway import tiers
from earthward.gateway.balancing import Balancing
from earthward.gateway.breaker import FAULTS
from earthward.gateway.callers import why_not_accepted
from earthward.gateway.counting import counting
from earthward.gateway.crossing import Written, at, crossing
from earthward.gateway.decide import Decision, no_target
from earthward.gateway.doors.door import Headers, Question
from earthward.gateway.doors.exit import Heard, Listener
from earthward.gateway.embedding import embedding
from earthward.gateway.exact import exact_count, is_worth_a_count
from earthward.gateway.fetching import bring_in
from earthward.gateway.limiting import within_limits_of
from earthward.gateway.refused import Refused
from earthward.gateway.serving import ServingTarget
from earthward.gateway.tries import MORE_THAN_TEXT, NOTHING_USED, Tries, shows
from earthward.gateway.turns import Turns
from earthward.gateway.upstream import Outcome
from earthward.ledger.record import Attempt
from earthward.routing import egress
from earthward.routing.context import fits
from earthward.routing.deadlines import callers_patience
from earthward.routing.health import Health
from earthward.routing.plan import MOST_ATTEMPTS, Reasoned

if TYPE_CHECKING:
    from earthward.gateway.exchange import Exchange
    from earthward.gateway.worker import Worker

TOO_LONG = Failure(FailureKind.CONTEXT_LENGTH, "the prompt is longer than the context of this target")
READ_TIMEOUT = b"x-stainless-read-timeout"
LEFT_ALONE = Failure(FailureKind.UNREACHABLE, "left alone for a while after failures in a row")
ENDPOINTS_OWN = FAULTS | {FailureKind.NO_SUCH_MODEL}
"""Failures after which another endpoint with the same model is worth a try."""
NOT_THERE = Failure(FailureKind.UNSUPPORTED, "this target has no path for that")
APART = {"embed": embedding, "count": counting}
"""Operations that are no chat, and how they cross."""


class Begun(NamedTuple):
    """An attempt at the first target that was sent on the straight line, and how it came out there. Its `decision`
    stands, whatever hosts have told since, and whatever drill has fallen due.

    `place` is the endpoint's, `key` which of the provider's was used. `started` is in Unix nanoseconds, `sent` in
    seconds of the monotonic clock, `queued` in nanoseconds after accept.
    """

    outcome: Outcome
    decision: Decision
    place: int
    started: int
    sent: float
    queued: int
    key: int


class Drawn(NamedTuple):
    """The place that was drawn for a request which then could not go straight: that is where its first attempt goes."""

    balancing: Balancing
    place: int


class Attempts:
    """`made` are those that are over, `dropped` what the target that was asked last was not told."""

    __slots__ = (
        "_exchange",
        "_rounds",
        "_trial",
        "begun",
        "decision",
        "drawn",
        "dropped",
        "made",
        "patience",
        "question",
        "queued",
        "targets_left",
        "tries",
        "turns",
    )

    question: Question
    decision: Decision

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self._trial: Health | None = None
        self._rounds: tuple[Usage, ...] = ()
        self.tries = Tries(exchange, self)
        self.turns = Turns(exchange.worker.retries)
        self.patience: float | None = None
        self.targets_left = 0
        self.begun: Begun | None = None
        self.drawn: Drawn | None = None
        self.made: tuple[Attempt, ...] = ()
        self.queued = 0
        self.dropped: tuple[str, ...] = ()

    @property
    def target(self) -> ServingTarget | None:
        return self.tries.target

    @property
    def unsaid(self) -> tuple[str, ...]:
        """What could not be said to the target, nor of its answer to the caller."""
        return (*self.dropped, *self.tries.lost)

    @property
    def endpoint(self) -> str:
        return self.tries.endpoint

    @property
    def heard(self) -> Heard | Listener | None:
        return self.tries.heard

    @property
    def worker(self) -> "Worker":
        return self._exchange.worker

    # -- which, in which order -----------------------------------------------------------------------------------

    async def serve(self, question: Question, decision: Decision) -> Outcome:
        """The plan's attempts in order until one serves. If none does, the last one that was asked says why."""
        self.question = question
        self.decision = decision
        exchange = self._exchange
        if not decision.plan.attempts:
            raise Refused(no_target(decision.plan, question.glance.features, exchange.serving.router.targets))
        if self.begun is None:
            exchange.worker.count_request()
        self.patience = callers_patience(exchange.introduction.headers.get(READ_TIMEOUT))
        told: Outcome | None = None
        for number, (name, why) in enumerate(decision.plan.attempts):
            if number and not await self._may_go_on(partial(self._does_one_stand, decision.plan.attempts[number:])):
                break
            self.targets_left = len(decision.plan.attempts) - number - 1
            target = exchange.serving.targets[name]
            outcome = None
            try:
                if target.limits is None:
                    outcome = await self.try_one(target, why)
                else:
                    outcome = await within_limits_of(target, self, why, question.input_tokens)
            finally:
                self._end_trial(target, outcome)
            if told is None or not outcome.left_out:
                told = outcome
            if self._is_settled(outcome) or not self._may_another_serve(outcome):
                break
        assert told is not None, "a plan has attempts, and the first is always made"
        return told

    async def try_one(self, target: ServingTarget, why: str) -> Outcome:
        """One target: asked if it can be, and asked again where that makes sense."""
        if self.begun is not None:
            return await self._go_on(target, why, self.begun)
        if self.targets_left and self._is_left_alone(target):
            return self.left_out(target, why, LEFT_ALONE)
        if self.targets_left and not await self._fits(target):
            return self.left_out(target, why, TOO_LONG)
        refused = target.provider.why_not_yet() or await self._why_not_for_caller(target)
        if refused is not None:
            # Not the target's fault: nothing is learned of it.
            return self._unsent(target, why, refused)
        if self._exchange.is_gone:
            return Outcome(gone=True, unreached=True)
        if target.terms.hosts:
            worker = self._exchange.worker
            refused = await worker.loop.create_task(bring_in(self.question, target.terms, worker.room))
            if refused is not None:
                return self.left_out(target, why, refused)
        self._rounds = ()
        tier = self._tier(target)
        apart = APART.get(self.question.door.operation)
        if apart is not None and not target.can(self.question.door.operation):
            return self.left_out(target, why, NOT_THERE)
        if apart is not None:
            way = apart(self.question, target)
        else:
            sized = at(target.way, tier) if target.target.tiers else target.way
            way = crossing(self.question, sized, target.dialect, target.target.model, target.terms)
        self.tries.aim(target, way, tier, self.question, self.decision)
        written = way.request()
        if isinstance(written, Failure):
            return self.left_out(target, why, written)
        self.dropped = written.dropped
        return await self._concluded(target, written, await self.tries.attempt(why, written))

    def _tier(self, target: ServingTarget) -> int:
        return tiers.context_for(self.question, target.target, self.worker.lengths) or 0

    async def _go_on(self, target: ServingTarget, why: str, begun: Begun) -> Outcome:
        """What was begun elsewhere, from where its only attempt is over."""
        self.begun = None
        way = crossing(self.question, target.way, target.dialect, target.target.model, target.terms)
        self.tries.aim(target, way, self._tier(target), self.question, self.decision)
        written = way.request()
        assert isinstance(written, Written), "it was sent"
        self.dropped = written.dropped
        self.queued = begun.queued
        return await self._concluded(target, written, self.tries.take_over(begun, why))

    async def _concluded(self, target: ServingTarget, written: Written, outcome: Outcome) -> Outcome:
        """The outcome at this target, which is asked again where that makes sense, and once more for what is left."""
        outcome = await self._again_if_need_be(target, written, outcome)
        while outcome.failure is None and not outcome.gone and (more := self.tries.way.more()) is not None:
            outcome = await self._next_round(target, more, outcome)
        if not outcome.gone and not outcome.left_out and not outcome.hurried:
            target.breaker.learn(outcome.failure, target.provider.balancing.rules)
        return outcome

    async def _again_if_need_be(self, target: ServingTarget, written: Written, outcome: Outcome) -> Outcome:
        if outcome.failure is not None and not self._is_settled(outcome) and not outcome.left_out:
            return await self._attempt_again(target, written, outcome)
        return outcome

    async def _next_round(self, target: ServingTarget, more: Written | Failure, last: Outcome) -> Outcome:
        """What the target is asked beside its last answer, of which the caller gets what there is already."""
        if isinstance(more, Failure):
            return Outcome(last.status, last.headers, failure=more)
        if more.otherwise is not None and not self._may_try_again():
            return Outcome(last.status, last.headers, failure=more.otherwise)
        if last.body:
            self.tries.begin(last.headers, last.body)
        self._rounds += (self.made[-1].usage,)
        self.tries.tried = ()
        outcome = await self.tries.attempt(more.why, more)
        return await self._again_if_need_be(target, more, outcome)

    def _is_left_alone(self, target: ServingTarget) -> bool:
        """Whether it is known to fail, so that the next target is asked at once."""
        before = target.breaker.health
        if target.provider.balancing.is_out or not target.breaker.lets_through():
            return True
        self._trial = None if target.breaker.health is before else target.breaker.health
        return False

    def _end_trial(self, target: ServingTarget, outcome: Outcome | None) -> None:
        """Lets another one begin where this was one, and showed nothing of the target."""
        trial, self._trial = self._trial, None
        if trial is not None and not shows(outcome):
            target.breaker.give_back(trial)

    async def _fits(self, target: ServingTarget) -> bool:
        """Whether the prompt is likely to fit; the host itself says so when it does not."""
        question, about, worker = self.question, target.target, self._exchange.worker
        prompt = worker.lengths.tokens(about.model, question.glance.characters)
        made_for = about.shown.context if about.shown is not None else None
        context = min(about.context, made_for) if about.context and made_for else about.context
        if is_worth_a_count(question, target, prompt, context) and self._may_go_to(target):
            counted = await worker.loop.create_task(exact_count(question, target))
            if counted is not None:
                prompt = counted
                if not question.glance.features & MORE_THAN_TEXT:
                    worker.lengths.learn(about.model, question.glance.characters, counted)
        return fits(prompt, 0, context)

    def _may_go_to(self, target: ServingTarget) -> bool:
        decision = self.decision
        return egress.why_not(decision.data_class, decision.route.boundary, target.target.zone) is None

    def left_out(self, target: ServingTarget, why: str, failure: Failure) -> Outcome:
        """Nothing went out: what is asked can't be said there, nobody is there, or all are busy."""
        outcome = self._unsent(target, why, failure)
        outcome.left_out = True
        return outcome

    def _unsent(self, target: ServingTarget, why: str, failure: Failure) -> Outcome:
        attempt = Attempt(target.name, "", why, time.time_ns(), 0, None, failure.kind, failure.for_the_record)
        self.made += (attempt,)
        return Outcome(failure=failure)

    async def _why_not_for_caller(self, target: ServingTarget) -> Failure | None:
        """Why a caller with a key of their own gets nothing that is the gateway's to give."""
        caller = self._exchange.caller
        if not caller.presented or target.takes_callers_key:
            return None
        return await why_not_accepted(self._exchange.worker, caller)

    def _may_another_serve(self, outcome: Outcome) -> bool:
        return outcome.left_out or (outcome.failure is not None and outcome.failure.kind in ANOTHER_MAY_SERVE)

    def _is_settled(self, outcome: Outcome) -> bool:
        """Whether nothing may be tried any more: it went well, the caller left, or has begun to read."""
        return outcome.failure is None or self._exchange.is_gone or self._exchange.has_begun

    @property
    def _count_sent(self) -> int:
        return sum(1 for attempt in self.made if attempt.endpoint)

    def _may_try_again(self) -> bool:
        """Whether one request, and all requests together, may make one more attempt."""
        return self.turns.take(self._count_sent)

    async def _may_go_on(self, does_one_stand: Callable[[], bool]) -> bool:
        """As above; a turn is waited for while somebody else is there who is not known to fail."""
        exchange = self._exchange
        patience = None if self.patience is None else self.patience - exchange.elapsed() / 1e9
        may = await self.turns.wait(self._count_sent, lambda: not exchange.is_gone and does_one_stand(), patience)
        if may and exchange.is_gone:
            self.turns.give_back()  # Nothing goes out, so nothing is counted.
            return False
        return may

    def _does_one_stand(self, attempts: Iterable[Reasoned]) -> bool:
        targets = (self._exchange.serving.targets[name] for name, _ in attempts)
        return any(target.breaker.stands and target.provider.balancing.stands() for target in targets)

    async def _may_another_endpoint_serve(self, target: ServingTarget, outcome: Outcome) -> bool:
        """Whether the failure was the endpoint's own. One attempt is left for each of the plan's next targets."""
        if outcome.failure is None or outcome.failure.kind not in ENDPOINTS_OWN:
            return False
        if self._count_sent + self.targets_left >= MOST_ATTEMPTS:
            return False
        return await self._may_go_on(partial(target.provider.balancing.stands, self.tries.tried))

    async def _attempt_again(self, target: ServingTarget, written: Written, outcome: Outcome) -> Outcome:
        """The same target: on a new connection if a kept one had gone stale, at another endpoint, with another key."""
        while (more := self._next_tier(target, outcome)) is not None and self._may_try_again():
            self.tries.tier, self.tries.tried = more, ()
            outcome = await self.tries.attempt("with more context", written)
        if outcome.stale and self._may_try_again():
            outcome = await self.tries.attempt("the kept connection had been closed", written, fresh=True)
        provider = target.provider
        for _ in provider.endpoints[1:]:
            if self._is_settled(outcome) or outcome.left_out:
                break
            if not await self._may_another_endpoint_serve(target, outcome):
                break
            outcome = await self.tries.attempt("another endpoint of the provider", written)
        for _ in range(1, len(provider.credentials)):
            if not is_about_the_key(outcome.failure) or self._is_settled(outcome):
                break
            if not provider.credentials.has_rested_key(time.monotonic()) or not self._may_try_again():
                break
            outcome = await self.tries.attempt("another key of the provider", written)
        return outcome

    def _next_tier(self, target: ServingTarget, outcome: Outcome) -> int | None:
        """More context, after a host has said that what it was asked for is too little. One attempt is left for each of
        the plan's next targets."""
        is_left = self._count_sent + self.targets_left < MOST_ATTEMPTS
        if outcome.failure is None or self._is_settled(outcome) or not is_left:
            return None
        return tiers.more(self.question, target.target, self.worker.lengths, self.tries.context, outcome.failure)

    # -- what others ask of them ---------------------------------------------------------------------------------

    def leave(self) -> None:
        """The caller has gone: whatever is under way upstream is cancelled."""
        self.tries.leave()

    def give_up_at(self, down: Container[tuple[str, str]], failure: Failure) -> None:
        """Ends the attempt under way, unanswered so far, where it is at one of these (provider, endpoint), and where
        there is somebody else to ask."""
        target = self.target
        if target is None or (target.provider.name, self.endpoint) not in down:
            return
        if self.targets_left or not target.provider.balancing.is_out:
            self.tries.give_up(failure)

    def broken_off(self, failure: Failure) -> bytes:
        """What ends a stream that has begun and can't be finished."""
        return self.tries.way.broken_off(failure)

    def forget(self) -> None:
        """All is over: lets go of what knows us."""
        if self.turns.is_held(self._count_sent):
            self.turns.give_back()
        self.tries.forget()
        del self._exchange

    def passed_back(self, upstream: Headers) -> Headers:
        if self.target is None:
            return []
        if self.target.dialect != self._exchange.door.dialect:
            return []
        return [header for header in upstream if header[0] in self.target.provider.passes_back]

    def used(self) -> Usage:
        """By the target that was asked last, over all the rounds this took."""
        last = self.made[-1].usage if self.made else NOTHING_USED
        return billed([*self._rounds, last]) if self._rounds else last

    def cost(self) -> int | None:
        """Of all, in nano-dollars; unknown if it is for the last, or for one at a target that has a price."""
        total = 0
        targets = self._exchange.serving.targets
        for attempt in self.made:
            if attempt.cost is not None:
                total += attempt.cost
            elif attempt is self.made[-1] or targets[attempt.target].target.price.input is not None:
                return None
        return total


def is_about_the_key(failure: Failure | None) -> bool:
    return failure is not None and failure.kind in (FailureKind.UPSTREAM_AUTH, FailureKind.RATE_LIMITED)
