"""Tries at one target: each takes a place at one of its endpoints, is put on record, goes out, is heard and judged.

Which target is asked, and whether it is asked again, is for `attempts` to say.
"""

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from earthward.chat import Count, Failure, FailureKind, Usage
from earthward.chat.failures import ANOTHER_MAY_SERVE
from earthward.chat.usage import Source
from earthward.config.snapshot import Zone
from earthward.cost.exchange import cost_at
from earthward.dialects.upstream_fields import in_the_callers_terms
from earthward.gateway import tiers
from earthward.gateway.balancing import Wanted
from earthward.gateway.callers import refused_by_vendor
from earthward.gateway.counting import of_a_count
from earthward.gateway.crossing import Crossing, Written
from earthward.gateway.decide import Decision
from earthward.gateway.doors.door import Headers, Question, tokens_in
from earthward.gateway.doors.exit import Heard, Listener
from earthward.gateway.refused import Refused
from earthward.gateway.serving import ServingEndpoint, ServingTarget
from earthward.gateway.upstream import Outcome, StreamedAnswer, WholeAnswer
from earthward.gateway.waiting import Waiting
from earthward.http.client import ClientConnection, ConnectFailed
from earthward.ledger.record import Attempt, Opened
from earthward.routing import egress
from earthward.routing.admission import retry_after
from earthward.routing.context import was_cut
from earthward.routing.deadlines import bounded, left_for
from earthward.routing.tiers import allocated, most
from earthward.store.spool import SpoolBroken, SpoolFull

if TYPE_CHECKING:
    from earthward.gateway.attempts import Attempts, Begun
    from earthward.gateway.exchange import Exchange

log = logging.getLogger("earthward.attempts")

NOTHING_USED = Usage()
LEDGER_DOWN = Failure(FailureKind.LEDGER_DOWN, "the ledger can't be written to; try again later")
CUT_SHORT = Failure(FailureKind.PROMPT_CUT, "the host has left out a part of the prompt, which is too long for it")
MORE_THAN_TEXT = frozenset({"images", "documents", "audio", "tools"})
"""What takes tokens and is not among the characters that are counted."""
OK = 200


class Tries:
    """What `attempts` asks with: a target is aimed at for a question, and then attempted, once or more.

    `target`, `endpoint` and `heard` are the last attempt's. `tried` are the places of endpoints that were attempted
    since the last aim. `tier` is how much context is wanted of a host, in tokens, and `context` how much it was asked
    for, which may be more; 0 where hosts choose.
    """

    __slots__ = (
        "_aim",
        "_attempts",
        "_decision",
        "_exchange",
        "_place",
        "_question",
        "_relay",
        "_sent",
        "_waiting",
        "context",
        "endpoint",
        "heard",
        "target",
        "tier",
        "tried",
        "way",
    )

    _question: Question
    _decision: Decision
    _aim: ServingTarget
    way: Crossing

    def __init__(self, exchange: "Exchange", attempts: "Attempts") -> None:
        self._exchange = exchange
        self._attempts = attempts
        self._relay: WholeAnswer | StreamedAnswer | None = None
        self._waiting: Waiting | None = None
        self._place = 0
        self._sent = 0.0
        self.context = self.tier = 0
        self.tried: tuple[int, ...] = ()
        self.target: ServingTarget | None = None
        self.endpoint = ""
        self.heard: Heard | Listener | None = None

    @property
    def lost(self) -> tuple[str, ...]:
        """What of the answer the caller could not be told."""
        return self.way.lost if self.target is not None else ()

    def aim(self, target: ServingTarget, way: Crossing, tier: int, question: Question, decision: Decision) -> None:
        self._question, self._decision = question, decision
        self._aim = target
        self.way = way
        self.tried = ()
        self.context = self.tier = tier

    async def attempt(self, why: str, written: Written, *, fresh: bool = False) -> Outcome:
        """One try at one endpoint, on record before it goes out and when it is over."""
        worker, target = self._exchange.worker, self._aim
        provider, balancing = target.provider, target.provider.balancing
        place = await self._taken()
        if place is None:
            return Outcome(gone=True)
        if isinstance(place, Failure):
            return self._attempts.left_out(target, why, place)
        trial, outcome = balancing.trial_at(place), None
        try:
            endpoint = provider.endpoints[place]
            question = self._question
            head = target.head(question.door, place, stream=question.glance.stream, told=written.operation)
            self.target = target
            self.endpoint = endpoint.url
            self.heard = None
            self._place = place
            self.tried += (place,)
            self._sent = time.monotonic()
            started = time.time_ns()
            on_disk = self._put_on_record(started)
            if on_disk is not None and self._exchange.serving.snapshot.durability == "strict":
                await self._wait_for_disk(on_disk)
            if written.context:
                self.context = tiers.at_place(target, place, self.wanted())
                written = self.way.at(self.context, written)
            if balancing.sent(place, target.model, allocated(target.target, self.context), most(target.target)):
                await worker.loads.begin(target, place, self.context)
            outcome = await self._send(endpoint, head, written, fresh=fresh)
            self._learn(outcome)
        finally:
            balancing.give_back(place, None if shows(outcome) else trial)
        if outcome.failure is None and not outcome.gone:
            self._attempts.turns.give_back()
        self._attempts.made += (self._over(why, started, outcome),)
        return outcome

    def _learn(self, outcome: Outcome) -> None:
        """What the outcome says of the endpoint."""
        if not outcome.gone and not outcome.stale and not outcome.hurried:
            target, seconds = self._aim, time.monotonic() - self._sent
            target.provider.balancing.ended(
                self._place,
                target.model,
                seconds,
                outcome.failure,
                at_once=outcome.unreached,
                context=allocated(target.target, self.context),
            )

    async def _taken(self) -> int | Failure | None:
        """A place at the target's provider, waited for if need be; why there is none; None if the caller left."""
        attempts, balancing = self._attempts, self._aim.provider.balancing
        patience = balancing.overflow if attempts.targets_left else balancing.longest_wait
        if attempts.patience is not None:
            patience = min(patience, left_for(attempts.patience, self._exchange.elapsed() / 1e9, attempts.targets_left))
        drawn, attempts.drawn = attempts.drawn, None
        place = drawn.place if drawn is not None and drawn.balancing is balancing else None
        taken = balancing.take(self.wanted(), patience, place)
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

    def wanted(self) -> Wanted:
        exchange = self._exchange
        return wanted(self._question, self._aim, self.tier, exchange.caller.key.id, exchange.hints.priority, self.tried)

    def _over(self, why: str, started: int, outcome: Outcome) -> Attempt:
        """What is kept of an attempt: how it ended, and what the provider will want for it all the same."""
        failure = self._exchange.left if outcome.gone else outcome.failure
        may_be_billed = outcome.status == OK or (outcome.gone and not outcome.unreached)
        target, usage = self._aim, self._usage()
        return Attempt(
            target.name,
            self.endpoint,
            why,
            started,
            time.time_ns() - started,
            outcome.status or None,
            failure.kind if failure else None,
            failure.for_the_record if failure else None,
            usage,
            cost_at(target.target, usage, started) if may_be_billed else 0,
            self.context if target.dialect == "ollama" else 0,
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

    def _put_on_record(self, now: int) -> int | None:
        """Spools that an attempt goes out; its sequence number. Without a spool the route decides what happens."""
        exchange, plan, key = self._exchange, self._decision.plan, self._exchange.caller.key
        opened = Opened(
            exchange.id,
            len(self._attempts.made),
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
            self._aim.name,
            self.endpoint,
            exchange.serving.snapshot.version,
        )
        try:
            return exchange.worker.spool.append(opened)
        except (SpoolFull, SpoolBroken) as trouble:
            self._refuse_without_ledger(trouble)
            return None

    async def _wait_for_disk(self, sequence: int) -> None:
        try:
            await self._exchange.worker.spool.synced(sequence)
        except (SpoolFull, SpoolBroken) as trouble:
            self._refuse_without_ledger(trouble)

    def _refuse_without_ledger(self, trouble: OSError) -> None:
        if self._decision.route.on_ledger_down == "refuse":
            raise Refused(LEDGER_DOWN) from trouble

    async def _send(self, endpoint: ServingEndpoint, head: bytes, written: Written, *, fresh: bool) -> Outcome:
        """The last step before the socket: checks the class once more, sends, and hears the answer out."""
        exchange, target, attempts = self._exchange, self._aim, self._attempts
        provider = target.provider
        zone: Zone = "cloud" if self._runs_elsewhere else target.target.zone
        bound = egress.why_not(self._decision.data_class, self._decision.route.boundary, zone)
        if bound is not None:
            return Outcome(failure=Failure(FailureKind.FORBIDDEN, f"{target.name}: {bound}"))
        if exchange.is_gone:
            return Outcome(gone=True, unreached=True)
        configured = exchange.serving.deadlines(self._decision.route, provider)
        stream, elapsed = self._question.glance.stream, exchange.elapsed() / 1e9
        deadlines = bounded(configured, attempts.patience, elapsed, attempts.targets_left, stream=stream)
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
        if not attempts.queued:
            attempts.queued = exchange.elapsed()
        key, credential = self._credential()
        self._relay = relay = self._listener(connection)
        connection.send(self._wire(head, credential, written.body), relay, deadlines)
        outcome: Outcome = await relay.done
        is_too_late = outcome.failure is not None and outcome.failure.kind is FailureKind.TIMEOUT
        outcome.hurried = is_too_late and deadlines is not configured
        return self.judged(outcome, key)

    @property
    def _runs_elsewhere(self) -> bool:
        """Whether the host has told that it sends this model on to a cloud, however local it and its name look."""
        target = self._aim
        return target.model in target.provider.balancing.standings[self._place].remote

    def _credential(self) -> tuple[int, bytes]:
        """The provider's own key in turn, or the caller's, which goes to its own vendor and nowhere else."""
        caller, target = self._exchange.caller, self._aim
        if target.takes_callers_key:
            if caller.own_key != target.target.callers_key:
                # The plan leaves such targets out; a key that goes astray can't be called back.
                raise Refused(Failure(FailureKind.FORBIDDEN, f"{target.name} takes other vendors' keys only"))
            return 0, target.provider.credential_of(caller.presented)
        return target.provider.credentials.current(time.monotonic())

    def _listener(self, connection: ClientConnection) -> WholeAnswer | StreamedAnswer:
        exchange = self._exchange
        if not self._question.glance.stream:
            return WholeAnswer(connection, exchange.serving.snapshot.limits.answer)
        self.heard = listener = self.way.stream()
        client = exchange.connection
        hold = self._decision.route.buffer
        write = client.write if exchange.tap is None else exchange.tap.through(client.write)
        relay = StreamedAnswer(connection, listener, self._aim.exit.stream_type, self.begin, write, hold)
        client.on_flow = relay.flow
        return relay

    def begin(self, headers: Headers, held: bytes) -> None:
        """The first content event is here."""
        if self._exchange.has_begun:
            self._exchange.connection.write(held)
            return
        self._attempts.turns.give_back()
        target, seconds = self._aim, time.monotonic() - self._sent
        context = allocated(target.target, self.context)
        target.provider.balancing.began(self._place, target.model, seconds, context)
        self._exchange.begin(headers, held)

    def _wire(self, head: bytes, credential: bytes, body: bytes) -> bytes:
        """The request as it goes out: our head, the caller's headers that may pass, the body."""
        passed = self._exchange.introduction.lines_for(self._aim, self._question.door)
        return b"%b%b%bcontent-length: %d\r\n\r\n%b" % (head, credential, passed, len(body), body)

    def judged(self, outcome: Outcome, key: int) -> Outcome:
        """The outcome, with the failure that its status or its body amounts to, and the keys' lesson drawn from it."""
        if outcome.gone:
            return outcome
        target, provider = self._aim, self._aim.provider
        if target.takes_callers_key:
            self._learn_of_callers_key(outcome.status)
        if outcome.failure is not None:
            outcome.failure = provider.as_seen_by_callers(outcome.failure)
        elif outcome.status != OK:
            outcome.failure = self._refusal(outcome, key)
        elif not self._question.glance.stream:
            self.heard = heard = self.way.whole(outcome.body)
            outcome.failure = heard.failure and provider.as_seen_by_callers(heard.failure)
            outcome.body = heard.body
        if outcome.failure is None:
            outcome.failure = self._measured()
        return outcome

    def _measured(self) -> Failure | None:
        """Learns how long the prompt was, unless the host has cut it: that is a failure, however well it answered."""
        glance, about, lengths = self._question.glance, self._aim.target, self._exchange.worker.lengths
        tiers.learn(self._question, about, lengths, self.heard)
        counted = self.heard.usage.input if self.heard is not None else NOTHING_USED.input
        if counted.source is not Source.REPORTED or glance.features & MORE_THAN_TEXT:
            return None
        estimate = lengths.tokens(about.model, glance.characters)
        context = allocated(about, self.context) or None
        if self._aim.dialect == "ollama" and was_cut(glance.characters, estimate, counted.tokens, context):
            log.warning("%s has cut a prompt to %d tokens", self.endpoint, counted.tokens)
            return CUT_SHORT
        lengths.learn(about.model, glance.characters, counted.tokens)
        return None

    def _refusal(self, outcome: Outcome, key: int) -> Failure:
        target = self._aim
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

    def take_over(self, begun: "Begun", why: str) -> Outcome:
        """What was begun elsewhere, from where its attempt is over."""
        self.target = target = self._aim
        self.endpoint = target.provider.endpoints[begun.place].url
        self._place, self.tried, self._sent = begun.place, (begun.place,), begun.sent
        try:
            outcome = self.judged(begun.outcome, begun.key)
            self._learn(outcome)
        finally:
            target.provider.balancing.give_back(begun.place)
        self._attempts.made += (self._over(why, begun.started, outcome),)
        return outcome

    def leave(self) -> None:
        """The caller has gone: whatever is under way upstream is cancelled."""
        if self._waiting is not None:
            self._waiting.leave()
        if self._relay is not None:
            self._relay.leave()

    def give_up(self, failure: Failure) -> None:
        """Ends the attempt under way, if there is one, unanswered so far."""
        if self._relay is not None:
            self._relay.give_up(failure)

    def forget(self) -> None:
        """All is over: lets go of what knows us."""
        self._relay = None
        del self._exchange, self._attempts


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


def with_estimates(usage: Usage, characters_in: int, characters_out: int) -> Usage:
    """The usage, with what upstream did not tell estimated from the text, and marked as such."""
    if not characters_out:
        return usage
    return msgspec.structs.replace(
        usage,
        input=usage.input if usage.input.is_known else Count.estimated(tokens_in(characters_in)),
        output=usage.output if usage.output.is_known else Count.estimated(tokens_in(characters_out)),
    )
