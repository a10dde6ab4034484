"""The attempts of one exchange: one at a time, each on record before it goes out, until one serves.

Nothing is tried after the first content event, nor more often than the plan and the retry budget allow.
"""

import logging
import time
from collections.abc import Callable, Container, Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from earthward.chat import Count, Failure, FailureKind, Usage
from earthward.chat.failures import ANOTHER_MAY_SERVE
from earthward.chat.usage import Source
from earthward.config.snapshot import Zone
from earthward.cost.exchange import cost_at
from earthward.dialects.content.several import billed
from earthward.dialects.upstream_fields import in_the_callers_terms
from earthward.gateway import tiers
from earthward.gateway.balancing import FAULTS, Balancing, Waiting, Wanted
from earthward.gateway.callers import refused_by_vendor, why_not_accepted
from earthward.gateway.counting import counting, of_a_count
from earthward.gateway.crossing import Crossing, Written, at, crossing
from earthward.gateway.decide import Decision, no_target
from earthward.gateway.doors.door import Headers, Question, tokens_in
from earthward.gateway.doors.exit import Heard, Listener
from earthward.gateway.embedding import embedding
from earthward.gateway.exact import exact_count, is_worth_a_count
from earthward.gateway.fetching import bring_in
from earthward.gateway.limiting import within_limits_of
from earthward.gateway.refused import Refused
from earthward.gateway.retrying import LONGEST
from earthward.gateway.serving import ServingEndpoint, ServingTarget
from earthward.gateway.upstream import Outcome, StreamedAnswer, WholeAnswer
from earthward.http.client import ClientConnection, ConnectFailed
from earthward.ledger.record import Attempt, Opened
from earthward.routing import egress
from earthward.routing.admission import retry_after
from earthward.routing.context import fits, was_cut
from earthward.routing.deadlines import bounded, callers_patience, left_for
from earthward.routing.health import Health
from earthward.routing.plan import MOST_ATTEMPTS, Reasoned
from earthward.routing.tiers import allocated, most
from earthward.store.spool import SpoolBroken, SpoolFull

if TYPE_CHECKING:
    from earthward.gateway.exchange import Exchange
    from earthward.gateway.worker import Worker

log = logging.getLogger("earthward.attempts")

NOTHING_USED = Usage()
LEDGER_DOWN = Failure(FailureKind.LEDGER_DOWN, "the ledger can't be written to; try again later")
TOO_LONG = Failure(FailureKind.CONTEXT_LENGTH, "the prompt is longer than the context of this target")
CUT_SHORT = Failure(FailureKind.PROMPT_CUT, "the host has left out a part of the prompt, which is too long for it")
MORE_THAN_TEXT = frozenset({"images", "documents", "audio", "tools"})
"""What takes tokens and is not among the characters that are counted."""
READ_TIMEOUT = b"x-stainless-read-timeout"
LEFT_ALONE = Failure(FailureKind.UNREACHABLE, "left alone for a while after failures in a row")
ENDPOINTS_OWN = FAULTS | {FailureKind.NO_SUCH_MODEL}
"""Failures after which another endpoint with the same model is worth a try."""
OK = 200
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
    """`made` are those that are over. `target`, `endpoint` and `heard` are the last one's.

    `_tier` is how much context is wanted of a host, in tokens, and `_context` how much it was asked for, which may be
    more; 0 where hosts choose.
    """

    __slots__ = (
        "_context",
        "_decision",
        "_exchange",
        "_patience",
        "_place",
        "_question",
        "_relay",
        "_retry",
        "_retry_after",
        "_rounds",
        "_sent",
        "_targets_left",
        "_tier",
        "_trial",
        "_tried",
        "_waiting",
        "_way",
        "begun",
        "drawn",
        "dropped",
        "endpoint",
        "heard",
        "made",
        "queued",
        "target",
    )

    _question: Question
    _decision: Decision

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self._relay: WholeAnswer | StreamedAnswer | None = None
        self._way: Crossing | None = None
        self._waiting: Waiting | None = None
        self._patience: float | None = None
        self._place = 0
        self._context = self._tier = 0
        self._retry: int | None = None
        self._retry_after = 0
        self._trial: Health | None = None
        self._sent = 0.0
        self._rounds: tuple[Usage, ...] = ()
        self._targets_left = 0
        self._tried: tuple[int, ...] = ()
        self.begun: Begun | None = None
        self.drawn: Drawn | None = None
        self.made: tuple[Attempt, ...] = ()
        self.queued = 0
        self.target: ServingTarget | None = None
        self.endpoint = ""
        self.heard: Heard | Listener | None = None
        self.dropped: tuple[str, ...] = ()

    @property
    def worker(self) -> "Worker":
        return self._exchange.worker

    # -- which, in which order -----------------------------------------------------------------------------------

    async def serve(self, question: Question, decision: Decision) -> Outcome:
        """The plan's attempts in order until one serves. If none does, the last one that was asked says why."""
        self._question = question
        self._decision = decision
        exchange = self._exchange
        if not decision.plan.attempts:
            raise Refused(no_target(decision.plan, question.glance.features, exchange.serving.router.targets))
        if self.begun is None:
            exchange.worker.count_request()
        self._patience = callers_patience(exchange.introduction.headers.get(READ_TIMEOUT))
        told: Outcome | None = None
        for number, (name, why) in enumerate(decision.plan.attempts):
            if number and not await self._may_go_on(partial(self._does_one_stand, decision.plan.attempts[number:])):
                break
            self._targets_left = len(decision.plan.attempts) - number - 1
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
        if self._targets_left and self._is_left_alone(target):
            return self.left_out(target, why, LEFT_ALONE)
        if self._targets_left and not await self._fits(target):
            return self.left_out(target, why, TOO_LONG)
        refused = target.provider.why_not_yet() or await self._why_not_for_caller(target)
        if refused is not None:
            # Not the target's fault: nothing is learned of it.
            return self._unsent(target, why, refused)
        if self._exchange.is_gone:
            return Outcome(gone=True, unreached=True)
        if target.terms.hosts:
            worker = self._exchange.worker
            refused = await worker.loop.create_task(bring_in(self._question, target.terms, worker.room))
            if refused is not None:
                return self.left_out(target, why, refused)
        self._tried = ()
        self._rounds = ()
        self._context = self._tier = tiers.context_for(self._question, target.target, self.worker.lengths) or 0
        apart = APART.get(self._question.door.operation)
        if apart is not None and not target.can(self._question.door.operation):
            return self.left_out(target, why, NOT_THERE)
        if apart is not None:
            self._way = way = apart(self._question, target)
        else:
            sized = at(target.way, self._tier) if target.target.tiers else target.way
            self._way = way = crossing(self._question, sized, target.dialect, target.target.model, target.terms)
        written = way.request()
        if isinstance(written, Failure):
            return self.left_out(target, why, written)
        self.dropped = written.dropped
        return await self._concluded(target, way, written, await self._attempt(target, why, way, written))

    async def _go_on(self, target: ServingTarget, why: str, begun: Begun) -> Outcome:
        """What was begun elsewhere, from where its only attempt is over."""
        self.begun = None
        self._way = way = crossing(self._question, target.way, target.dialect, target.target.model, target.terms)
        written = way.request()
        assert isinstance(written, Written), "it was sent"
        endpoint = target.provider.endpoints[begun.place]
        self.target, self.endpoint, self.queued = target, endpoint.url, begun.queued
        self._place, self._tried, self._sent = begun.place, (begun.place,), begun.sent
        self._context = self._tier = tiers.context_for(self._question, target.target, self.worker.lengths) or 0
        try:
            outcome = self._judged(begun.outcome, target, way, begun.key)
            self._learn(target, outcome)
        finally:
            target.provider.balancing.give_back(begun.place)
        self.made += (self._over(target, endpoint, why, begun.started, outcome),)
        return await self._concluded(target, way, written, outcome)

    async def _concluded(self, target: ServingTarget, way: Crossing, written: Written, outcome: Outcome) -> Outcome:
        """The outcome at this target, which is asked again where that makes sense, and once more for what is left."""
        outcome = await self._again_if_need_be(target, way, written, outcome)
        while outcome.failure is None and not outcome.gone and (more := way.more()) is not None:
            outcome = await self._next_round(target, way, more, outcome)
        if not outcome.gone and not outcome.left_out and not outcome.hurried:
            target.breaker.learn(outcome.failure, target.provider.balancing.rules)
        return outcome

    async def _again_if_need_be(
        self, target: ServingTarget, way: Crossing, written: Written, outcome: Outcome
    ) -> Outcome:
        if outcome.failure is not None and not self._is_settled(outcome) and not outcome.left_out:
            return await self._attempt_again(target, way, written, outcome)
        return outcome

    async def _next_round(
        self, target: ServingTarget, way: Crossing, more: Written | Failure, last: Outcome
    ) -> Outcome:
        """What the target is asked beside its last answer, of which the caller gets what there is already."""
        if isinstance(more, Failure):
            return Outcome(last.status, last.headers, failure=more)
        if more.otherwise is not None and not self._may_try_again():
            return Outcome(last.status, last.headers, failure=more.otherwise)
        if last.body:
            self._begin(last.headers, last.body)
        self._tried = ()
        self._rounds += (self.made[-1].usage,)
        outcome = await self._attempt(target, more.why, way, more)
        return await self._again_if_need_be(target, way, more, outcome)

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
        question, about, worker = self._question, target.target, self._exchange.worker
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
        decision = self._decision
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
        sent = self._count_sent
        if not sent or sent >= MOST_ATTEMPTS:
            return not sent
        if not self._has_turn:
            self._retry, self._retry_after = self.worker.retries.take(), sent
        return self._retry is not None

    async def _may_go_on(self, does_one_stand: Callable[[], bool]) -> bool:
        """As above; a turn is waited for while somebody else is there who is not known to fail."""
        sent = self._count_sent
        if not sent or sent >= MOST_ATTEMPTS:
            return not sent
        if self._has_turn:
            return True
        patience = LONGEST if self._patience is None else self._patience - self._exchange.elapsed() / 1e9
        exchange = self._exchange
        self._retry_after = sent
        self._retry = await self.worker.retries.turn(lambda: not exchange.is_gone and does_one_stand(), patience)
        if exchange.is_gone:
            self._give_turn_back()  # Nothing goes out, so nothing is counted.
            return False
        return self._retry is not None

    @property
    def _has_turn(self) -> bool:
        """Whether one more attempt was counted that then was not sent, as where a target had to be left out."""
        return self._retry is not None and self._retry_after == self._count_sent

    def _does_one_stand(self, attempts: Iterable[Reasoned]) -> bool:
        targets = (self._exchange.serving.targets[name] for name, _ in attempts)
        return any(target.breaker.stands and target.provider.balancing.stands() for target in targets)

    def _give_turn_back(self) -> None:
        """An attempt that served, or never went out, is no load that an outage made greater."""
        if self._retry is not None:
            self.worker.retries.give_back(self._retry)
            self._retry = None

    async def _may_another_endpoint_serve(self, target: ServingTarget, outcome: Outcome) -> bool:
        """Whether the failure was the endpoint's own. One attempt is left for each of the plan's next targets."""
        if outcome.failure is None or outcome.failure.kind not in ENDPOINTS_OWN:
            return False
        if self._count_sent + self._targets_left >= MOST_ATTEMPTS:
            return False
        return await self._may_go_on(partial(target.provider.balancing.stands, self._tried))

    async def _attempt_again(self, target: ServingTarget, way: Crossing, written: Written, outcome: Outcome) -> Outcome:
        """The same target: on a new connection if a kept one had gone stale, at another endpoint, with another key."""
        while (more := self._next_tier(target, outcome)) is not None and self._may_try_again():
            self._tier, self._tried = more, ()
            outcome = await self._attempt(target, "with more context", way, written)
        if outcome.stale and self._may_try_again():
            why = "the kept connection had been closed"
            outcome = await self._attempt(target, why, way, written, fresh=True)
        provider = target.provider
        for _ in provider.endpoints[1:]:
            if self._is_settled(outcome) or outcome.left_out:
                break
            if not await self._may_another_endpoint_serve(target, outcome):
                break
            outcome = await self._attempt(target, "another endpoint of the provider", way, written)
        for _ in range(1, len(provider.credentials)):
            if not is_about_the_key(outcome.failure) or self._is_settled(outcome):
                break
            if not provider.credentials.has_rested_key(time.monotonic()) or not self._may_try_again():
                break
            outcome = await self._attempt(target, "another key of the provider", way, written)
        return outcome

    def _next_tier(self, target: ServingTarget, outcome: Outcome) -> int | None:
        """More context, after a host has said that what it was asked for is too little. One attempt is left for each of
        the plan's next targets."""
        is_left = self._count_sent + self._targets_left < MOST_ATTEMPTS
        if outcome.failure is None or self._is_settled(outcome) or not is_left:
            return None
        return tiers.more(self._question, target.target, self.worker.lengths, self._context, outcome.failure)

    # -- one of them ---------------------------------------------------------------------------------------------

    async def _attempt(
        self, target: ServingTarget, why: str, way: Crossing, written: Written, *, fresh: bool = False
    ) -> Outcome:
        """One try at one endpoint, on record before it goes out and when it is over."""
        worker = self._exchange.worker
        provider = target.provider
        balancing = provider.balancing
        place = await self._taken(target)
        if place is None:
            return Outcome(gone=True)
        if isinstance(place, Failure):
            return self.left_out(target, why, place)
        trial, outcome = balancing.trial_at(place), None
        try:
            endpoint = provider.endpoints[place]
            head = target.head(self._question.door, place, stream=self._question.glance.stream, told=written.operation)
            self.target = target
            self.endpoint = endpoint.url
            self.heard = None
            self._place = place
            self._tried += (place,)
            self._sent = time.monotonic()
            started = time.time_ns()
            on_disk = self._put_on_record(target, started)
            if on_disk is not None and self._exchange.serving.snapshot.durability == "strict":
                await self.wait_for_disk(on_disk)
            if written.context:
                self._context = tiers.at_place(target, place, self.wanted(target))
                written = way.at(self._context, written)
            if balancing.sent(place, target.model, allocated(target.target, self._context), most(target.target)):
                await worker.loads.begin(target, place, self._context)
            outcome = await self._send(target, endpoint, head, way, written, fresh=fresh)
            self._learn(target, outcome)
        finally:
            balancing.give_back(place, None if shows(outcome) else trial)
        if outcome.failure is None and not outcome.gone:
            self._give_turn_back()
        self.made += (self._over(target, endpoint, why, started, outcome),)
        return outcome

    def _learn(self, target: ServingTarget, outcome: Outcome) -> None:
        """What the outcome says of the endpoint."""
        if not outcome.gone and not outcome.stale and not outcome.hurried:
            seconds, balancing = time.monotonic() - self._sent, target.provider.balancing
            balancing.ended(
                self._place,
                target.model,
                seconds,
                outcome.failure,
                at_once=outcome.unreached,
                context=allocated(target.target, self._context),
            )

    async def _taken(self, target: ServingTarget) -> int | Failure | None:
        """A place at the target's provider, waited for if need be; why there is none; None if the caller left."""
        balancing = target.provider.balancing
        patience = balancing.overflow if self._targets_left else balancing.longest_wait
        if self._patience is not None:
            patience = min(patience, left_for(self._patience, self._exchange.elapsed() / 1e9, self._targets_left))
        drawn, self.drawn = self.drawn, None
        place = drawn.place if drawn is not None and drawn.balancing is balancing else None
        taken = balancing.take(self.wanted(target), patience, place)
        if not isinstance(taken, Waiting):
            return taken
        self._waiting = taken
        if self._exchange.is_gone:
            taken.leave()
        told: int | Failure | None = await taken.told
        self._waiting = None
        if isinstance(told, int) and self._exchange.is_gone:
            balancing.give_back(told, balancing.trial_at(told))
            return None
        return told

    def wanted(self, target: ServingTarget) -> Wanted:
        question, exchange = self._question, self._exchange
        return wanted(question, target, self._tier, exchange.caller.key.id, exchange.hints.priority, self._tried)

    def _over(
        self, target: ServingTarget, endpoint: ServingEndpoint, why: str, started: int, outcome: Outcome
    ) -> Attempt:
        """What is kept of an attempt: how it ended, and what the provider will want for it all the same."""
        failure = self._exchange.left if outcome.gone else outcome.failure
        may_be_billed = outcome.status == OK or (outcome.gone and not outcome.unreached)
        usage = self._usage()
        return Attempt(
            target.name,
            endpoint.url,
            why,
            started,
            time.time_ns() - started,
            outcome.status or None,
            failure.kind if failure else None,
            failure.for_the_record if failure else None,
            usage,
            cost_at(target.target, usage, started) if may_be_billed else 0,
            self._context if target.dialect == "ollama" else 0,
        )

    def _usage(self) -> Usage:
        """What the attempt under way has used, as far as it was told or can be estimated."""
        heard = self.heard
        if heard is None:
            return NOTHING_USED
        usage = heard.usage
        if usage.input.is_known and usage.output.is_known:
            return usage
        return with_estimates(usage, self._question.glance.characters, heard.characters_out)

    def _put_on_record(self, target: ServingTarget, now: int) -> int | None:
        """Spools that an attempt goes out; its sequence number. Without a spool the route decides what happens."""
        exchange, plan, key = self._exchange, self._decision.plan, self._exchange.caller.key
        opened = Opened(
            exchange.id,
            len(self.made),
            now,
            plan.route,
            plan.arm,
            plan.share,
            self._decision.unit,
            key.id,
            key.app,
            key.team,
            self._question.glance.model,
            exchange.door.dialect,
            target.name,
            self.endpoint,
            exchange.serving.snapshot.version,
        )
        try:
            return exchange.worker.spool.append(opened)
        except (SpoolFull, SpoolBroken) as trouble:
            self._refuse_without_ledger(trouble)
            return None

    async def wait_for_disk(self, sequence: int) -> None:
        try:
            await self._exchange.worker.spool.synced(sequence)
        except (SpoolFull, SpoolBroken) as trouble:
            self._refuse_without_ledger(trouble)

    def _refuse_without_ledger(self, trouble: OSError) -> None:
        if self._decision.route.on_ledger_down == "refuse":
            raise Refused(LEDGER_DOWN) from trouble

    async def _send(
        self,
        target: ServingTarget,
        endpoint: ServingEndpoint,
        head: bytes,
        way: Crossing,
        written: Written,
        *,
        fresh: bool,
    ) -> Outcome:
        """The last step before the socket: checks the class once more, sends, and hears the answer out."""
        exchange, provider = self._exchange, target.provider
        zone: Zone = "cloud" if self._runs_elsewhere(target) else target.target.zone
        bound = egress.why_not(self._decision.data_class, self._decision.route.boundary, zone)
        if bound is not None:
            return Outcome(failure=Failure(FailureKind.FORBIDDEN, f"{target.name}: {bound}"))
        if exchange.is_gone:
            return Outcome(gone=True, unreached=True)
        configured = exchange.serving.deadlines(self._decision.route, provider)
        stream, elapsed = self._question.glance.stream, exchange.elapsed() / 1e9
        deadlines = bounded(configured, self._patience, elapsed, self._targets_left, stream=stream)
        connection = None if fresh else endpoint.pool.idle()
        if connection is None:
            try:
                connection = await exchange.worker.loop.create_task(endpoint.pool.connect(deadlines.connect))
            except ConnectFailed as failed:
                failure = provider.as_seen_by_callers(Failure(failed.kind, failed.message))
                return Outcome(failure=failure, unreached=True)
            if exchange.is_gone:
                connection.cancel()
                return Outcome(gone=True, unreached=True)
        if not self.queued:
            self.queued = exchange.elapsed()
        key, credential = self._credential(target)
        self._relay = relay = self._listener(connection, way, target)
        connection.send(self._wire(target, head, credential, written.body), relay, deadlines)
        outcome: Outcome = await relay.done
        is_too_late = outcome.failure is not None and outcome.failure.kind is FailureKind.TIMEOUT
        outcome.hurried = is_too_late and deadlines is not configured
        return self._judged(outcome, target, way, key)

    def _runs_elsewhere(self, target: ServingTarget) -> bool:
        """Whether the host has told that it sends this model on to a cloud, however local it and its name look."""
        return target.model in target.provider.balancing.standings[self._place].remote

    def _credential(self, target: ServingTarget) -> tuple[int, bytes]:
        """The provider's own key in turn, or the caller's, which goes to its own vendor and nowhere else."""
        caller = self._exchange.caller
        if target.takes_callers_key:
            if caller.own_key != target.target.callers_key:
                # The plan leaves such targets out; a key that goes astray can't be called back.
                raise Refused(Failure(FailureKind.FORBIDDEN, f"{target.name} takes other vendors' keys only"))
            return 0, target.provider.credential_of(caller.presented)
        return target.provider.credentials.current(time.monotonic())

    def _listener(
        self, connection: ClientConnection, way: Crossing, target: ServingTarget
    ) -> WholeAnswer | StreamedAnswer:
        exchange = self._exchange
        if not self._question.glance.stream:
            return WholeAnswer(connection, exchange.serving.snapshot.limits.answer)
        self.heard = listener = way.stream()
        client = exchange.connection
        hold = self._decision.route.buffer
        write = client.write if exchange.tap is None else exchange.tap.through(client.write)
        relay = StreamedAnswer(connection, listener, target.exit.stream_type, self._begin, write, hold)
        client.on_flow = relay.flow
        return relay

    def _begin(self, headers: Headers, held: bytes) -> None:
        """The first content event is here."""
        target = self.target
        assert target is not None
        if self._exchange.has_begun:
            self._exchange.connection.write(held)
            return
        self._give_turn_back()
        seconds, context = time.monotonic() - self._sent, allocated(target.target, self._context)
        target.provider.balancing.began(self._place, target.model, seconds, context)
        self._exchange.begin(headers, held)

    def _wire(self, target: ServingTarget, head: bytes, credential: bytes, body: bytes) -> bytes:
        """The request as it goes out: our head, the caller's headers that may pass, the body."""
        passed = self._exchange.introduction.lines_for(target, self._question.door)
        return b"%b%b%bcontent-length: %d\r\n\r\n%b" % (head, credential, passed, len(body), body)

    def _judged(self, outcome: Outcome, target: ServingTarget, way: Crossing, key: int) -> Outcome:
        """The outcome, with the failure that its status or its body amounts to, and the keys' lesson drawn from it."""
        if outcome.gone:
            return outcome
        provider = target.provider
        if target.takes_callers_key:
            self._learn_of_callers_key(outcome.status)
        if outcome.failure is not None:
            outcome.failure = provider.as_seen_by_callers(outcome.failure)
        elif outcome.status != OK:
            outcome.failure = self._refusal(outcome, target, key)
        elif not self._question.glance.stream:
            self.heard = heard = way.whole(outcome.body)
            outcome.failure = heard.failure and provider.as_seen_by_callers(heard.failure)
            outcome.body = heard.body
        if outcome.failure is None:
            outcome.failure = self._measured(target)
        return outcome

    def _measured(self, target: ServingTarget) -> Failure | None:
        """Learns how long the prompt was, unless the host has cut it: that is a failure, however well it answered."""
        glance, about, lengths = self._question.glance, target.target, self._exchange.worker.lengths
        tiers.learn(self._question, about, lengths, self.heard)
        counted = self.heard.usage.input if self.heard is not None else NOTHING_USED.input
        if counted.source is not Source.REPORTED or glance.features & MORE_THAN_TEXT:
            return None
        estimate = lengths.tokens(about.model, glance.characters)
        context = allocated(about, self._context) or None
        if target.dialect == "ollama" and was_cut(glance.characters, estimate, counted.tokens, context):
            log.warning("%s has cut a prompt to %d tokens", self.endpoint, counted.tokens)
            return CUT_SHORT
        lengths.learn(about.model, glance.characters, counted.tokens)
        return None

    def _refusal(self, outcome: Outcome, target: ServingTarget, key: int) -> Failure:
        failure = target.exit.failure_of(outcome.status, outcome.headers, outcome.body)
        if self._question.door.operation == "count":
            failure = of_a_count(failure)
        if target.takes_callers_key and failure.kind is FailureKind.UPSTREAM_AUTH:
            return refused_by_vendor(target.provider.name, outcome.status)
        target.provider.learn(failure, key, time.monotonic())
        if failure.kind is FailureKind.OVERLOADED and failure.retry_after is None:
            # Ollama never says when to come again, and SDKs that are not told ask again at once.
            when = retry_after(target.provider.balancing.expected_wait)
            failure = msgspec.structs.replace(failure, retry_after=when)
        failure = in_the_callers_terms(self._question.door.dialect, target.dialect, failure)
        return target.provider.as_seen_by_callers(failure)

    def _learn_of_callers_key(self, status: int) -> None:
        worker = self._exchange.worker
        until = time.monotonic() + worker.serving.snapshot.accepted_for
        worker.acceptance.learn(self._exchange.caller, status, until)

    # -- what others ask of them ---------------------------------------------------------------------------------

    def leave(self) -> None:
        """The caller has gone: whatever is under way upstream is cancelled."""
        if self._waiting is not None:
            self._waiting.leave()
        if self._relay is not None:
            self._relay.leave()

    def give_up_at(self, down: Container[tuple[str, str]], failure: Failure) -> None:
        """Ends the attempt under way, unanswered so far, where it is at one of these (provider, endpoint), and where
        there is somebody else to ask."""
        target, relay = self.target, self._relay
        if relay is None or target is None or (target.provider.name, self.endpoint) not in down:
            return
        if self._targets_left or not target.provider.balancing.is_out:
            relay.give_up(failure)

    def broken_off(self, failure: Failure) -> bytes:
        """What ends a stream that has begun and can't be finished."""
        assert self._way is not None, "what has begun was asked for"
        return self._way.broken_off(failure)

    def forget(self) -> None:
        """All is over: lets go of what knows us."""
        if self._has_turn:
            self._give_turn_back()
        self._relay = None
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


def wanted(
    question: Question, target: ServingTarget, context: int, key: str, priority: str, tried: tuple[int, ...] = ()
) -> Wanted:
    """What an endpoint of this target's provider is wanted for, with the model loaded with so much context."""
    has = allocated(target.target, context)
    tokens, root = question.input_tokens, question.glance.root
    return Wanted(target.model, has, root, tokens, key, priority, tried, most(target.target))


def shows(outcome: Outcome | None) -> bool:
    """Whether it says anything of who was asked, good or bad: what a caller broke off or got wrong does not."""
    if outcome is None or outcome.gone or outcome.left_out or outcome.stale or outcome.hurried:
        return False
    return outcome.failure is None or outcome.failure.kind in ANOTHER_MAY_SERVE - tiers.TOO_LITTLE


def is_about_the_key(failure: Failure | None) -> bool:
    return failure is not None and failure.kind in (FailureKind.UPSTREAM_AUTH, FailureKind.RATE_LIMITED)


def with_estimates(usage: Usage, characters_in: int, characters_out: int) -> Usage:
    """The usage, with what upstream did not tell estimated from the text, and marked as such."""
    if not characters_out:
        return usage
    return msgspec.structs.replace(
        usage,
        input=usage.input if usage.input.is_known else Count.estimated(tokens_in(characters_in)),
        output=usage.output if usage.output.is_known else Count.estimated(tokens_in(characters_out)),
    )
