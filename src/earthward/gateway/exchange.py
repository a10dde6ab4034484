"""One exchange's life, from the parsed request to its settled record, in the order it happens.

admit (who calls: in `straight`, where most lives are spent), read (what for), decide (route, arm, attempts), serve
(attempts, one at a time, until one serves), end (settle, then answer). Every path ends in exactly one answer, if the
caller is still there, and in one record, unless no model was asked for anything.
"""

import contextlib
import logging
import time
from collections.abc import Container
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.config.snapshot import Route
from earthward.dialects.envelope import read
from earthward.gateway import counting, stored, tiers
from earthward.gateway.attempts import Attempts
from earthward.gateway.decide import Decision, decide, minute_of_week
from earthward.gateway.doors.door import Door, Headers, Question, entered
from earthward.gateway.drive import drive
from earthward.gateway.explain import ASKS_TO_EXPLAIN, explanation
from earthward.gateway.heartbeat import SILENCE, Quiet, word_for
from earthward.gateway.introduction import Introduction
from earthward.gateway.limiting import Admission, foreseen
from earthward.gateway.limiting import admit as admit_within_limits
from earthward.gateway.limits_left import is_of_rates
from earthward.gateway.refused import Refused
from earthward.gateway.samples import Tap
from earthward.gateway.sampling import tap_of
from earthward.gateway.scores import Endpoints, scores
from earthward.gateway.settling import record_of
from earthward.gateway.tries import wanted
from earthward.gateway.upstream import Outcome
from earthward.http.answer import header_lines
from earthward.http.server import Request, ServerConnection
from earthward.ledger.record import Status
from earthward.store.spool import SpoolBroken, SpoolFull

if TYPE_CHECKING:
    from earthward.gateway.worker import Worker

log = logging.getLogger("earthward.exchange")

JSON = b"content-type: application/json\r\n"
NO = (b"0", b"false", b"no", b"")
CALLER_LEFT = Failure(FailureKind.CLIENT_GONE, "the caller left")
CUT_OFF = Failure(FailureKind.DRAINING, "the gateway stopped before the answer was over")
MAY_NOT_EXPLAIN = Failure(FailureKind.FORBIDDEN, "this key may not ask to explain; see `earthward keys create --help`")


class Exchange:
    """What is known so far of one exchange. The steps below fill it in, in order."""

    __slots__ = (
        "accepted_at",
        "admission",
        "attempts",
        "beaten_at",
        "caller",
        "connection",
        "counted",
        "decision",
        "door",
        "first_content",
        "hints",
        "id",
        "introduction",
        "is_ending",
        "left",
        "question",
        "quiet",
        "request",
        "serving",
        "tap",
        "worker",
    )

    def __init__(
        self,
        worker: "Worker",
        door: Door,
        request: Request,
        connection: ServerConnection,
        introduction: Introduction,
        question: Question | None = None,
    ) -> None:
        """`question` is what was read of it already."""
        self.worker = worker
        self.serving = worker.serving
        self.door = door
        self.request = request
        self.connection = connection
        self.introduction = introduction
        self.caller = introduction.caller
        self.hints = introduction.hints
        self.id = worker.next_id() if question is None else question.id
        self.accepted_at = time.time_ns() - self.elapsed()
        self.question = question
        self.decision: Decision | None = None
        self.attempts = Attempts(self)
        self.first_content: int | None = None
        self.left: Failure | None = None
        self.beaten_at: float | None = None
        self.quiet: Quiet | None = None
        self.is_ending = False
        self.counted = b""
        self.admission: Admission | None = None
        self.tap: Tap | None = None

    async def run(self) -> None:
        """The whole life. Raises nothing."""
        try:
            await self.live()
        except Exception:
            log.exception("exchange %s could not be ended", self.id)
            self.connection.abort()
        finally:
            # They know us, and would be a cycle for the collector.
            if self.admission is not None:
                self.admission.end()
            if self.question is not None and self.question.fetched:
                self.worker.room.give_back(self.question.fetched)
            self.attempts.forget()
            self.worker.exchanges.discard(self)

    async def live(self) -> None:
        try:
            question = self.question = self.question or self.read()
            if self.serving.snapshot.observe:
                key = self.caller.key
                self.worker.observed.take(key.app or key.id, self.request.path.decode("latin-1"), self.request.body)
            if self.door.dialect == stored.DIALECT:
                question = self.question = await stored.resumed(self, question)
            decision = self.decision = self.decide(question)
            answer = self.at_once(question, decision)
            if answer is not None:
                self.connection.respond(200, [], answer, JSON + self.own_lines())
                return
            if self.door.operation == "count":
                outcome = await self.counts(question, counting.for_a_count(decision))
            else:
                if self.introduction.limits or self.serving.has_budgets:
                    decision = self.decision = admit_within_limits(self, decision, question.input_tokens)
                if decision.route.sampling is not None and self.door.operation != "embed":
                    self.tap = tap_of(self)
                if decision.route.drill_every and decision.plan.is_drill:
                    self.worker.drill_pace.took(decision.route, self.worker.loop.time())
                outcome = await self.attempts.serve(question, decision)
        except Refused as refused:
            outcome = Outcome(failure=refused.failure)
        except Exception:
            log.exception("exchange %s: an error of our own", self.id)
            outcome = Outcome(failure=Failure(FailureKind.INTERNAL, f"the gateway failed; exchange {self.id}"))
        await self.end(outcome)

    # -- read ----------------------------------------------------------------------------------------------------

    def read(self) -> Question:
        """The envelope: model and stream. The rest of the body stays as it is."""
        question = question_of(self.worker, self.door, self.request, self.id, self.accepted_at)
        if isinstance(question, Failure):
            raise Refused(question)
        return question

    # -- decide --------------------------------------------------------------------------------------------------

    def decide(self, question: Question) -> Decision:
        """Route, arm and the attempts that are able and allowed to serve, in order."""
        if self.attempts.begun is not None:
            return self.attempts.begun.decision
        serving, caller = self.serving, self.caller
        minute = minute_now() if serving.router.looks_at_time else 0
        decision = decide(
            serving.router,
            serving.planner,
            question,
            self.hints,
            caller.key,
            self.worker.salt,
            caller.own_key,
            minute,
            self._is_drill_due,
        )
        if isinstance(decision, Failure):
            raise Refused(decision)
        return decision

    def _is_drill_due(self, route: Route) -> bool:
        """A count, and what is only to be explained, are no drills."""
        is_asked = self.door.operation != "count" and not self.is_to_be_explained
        return is_asked and self.worker.drill_pace.is_due(route, self.worker.loop.time())

    @property
    def is_to_be_explained(self) -> bool:
        return self.introduction.headers.get(ASKS_TO_EXPLAIN, b"0").lower() not in NO

    def at_once(self, question: Question, decision: Decision) -> bytes | None:
        """The answer to what asks no model for anything: how a request would be served, or whether a model is there."""
        if self.is_to_be_explained:
            if self.serving.snapshot.auth != "open" and not self.caller.key.may_explain:
                raise Refused(MAY_NOT_EXPLAIN)
            seen = {name: self._endpoints(question, name) for name, _ in decision.plan.attempts}
            decision, left = foreseen(self, decision)
            return msgspec.json.encode(
                explanation(question, decision, self.serving.snapshot, seen, left, self.worker.lengths)
            )
        if self.door.operation == "count" and not counting.can_ask(self, decision):
            counting.check(question)
            self.counted = b"estimate"
            return counting.estimate(self, question, decision)
        return self.door.answers_itself(question)

    async def counts(self, question: Question, decision: Decision) -> Outcome:
        """The count of who would serve it; an estimate where they can't tell."""
        self.decision = decision
        self.counted = b"exact"
        outcome = await self.attempts.serve(question, decision)
        if outcome.failure is not None and outcome.failure.kind in counting.ESTIMATED_AFTER:
            self.counted = b"estimate"
            outcome.body = counting.estimate(self, question, decision)
            outcome.failure = None
        return outcome

    def _endpoints(self, question: Question, name: str) -> Endpoints:
        target = self.serving.targets[name]
        context = tiers.context_for(question, target.target, self.worker.lengths) or 0
        asked = wanted(question, target, context, self.caller.key.id, self.hints.priority)
        return scores(target.provider.balancing, asked)

    # -- while it is served --------------------------------------------------------------------------------------

    @property
    def is_gone(self) -> bool:
        return self.left is not None

    @property
    def has_begun(self) -> bool:
        """Whether the caller has been sent a content event."""
        return self.first_content is not None

    def begin(self, headers: Headers, held: bytes) -> None:
        """The first content event is here: from now on nothing is tried again."""
        now = self.elapsed()
        # First: a head that can't be written is no beginning, and there must be another answer.
        self.start(headers)
        self.first_content = now
        self.connection.write(held)
        if self.tap is not None:
            self.tap.hear(held)

    def beat(self, now: float) -> None:
        """Sends a word that means nothing, where the caller of a stream has heard nothing for a while."""
        question = self.question
        if question is None or not question.glance.stream or self.is_ending or self.is_gone or self.decision is None:
            return
        if now - self._silent_since(now) < SILENCE:
            return
        word = word_for(question, self.introduction.headers)
        if word is None:
            return
        if self.beaten_at is None and not self.has_begun:
            lines = b"x-earthward-id: %b\r\n" % self.id.encode() + self.serving.lines(self.decision.plan, None)
            lines += b"content-type: %b\r\n" % self.door.stream_type
            headers = self.with_id(self.worker.surface.cors_headers(self.request))
            self.connection.start(200, headers, lines=lines)
        self.beaten_at = now
        self.connection.write(word)

    def give_up_at(self, down: Container[tuple[str, str]], failure: Failure) -> None:
        self.attempts.give_up_at(down, failure)

    def _silent_since(self, now: float) -> float:
        last = self.beaten_at or self.request.accepted
        if not self.has_begun or self.attempts.heard is None:
            return last
        self.quiet = self.quiet or Quiet()
        return max(last, self.quiet.since(self.attempts.heard.characters_out, now))

    def caller_left(self) -> None:
        """Called by the connection: whatever is under way upstream is cancelled at once."""
        self.left = CUT_OFF if self.worker.is_cutting_off else CALLER_LEFT
        self.attempts.leave()

    # -- end -----------------------------------------------------------------------------------------------------

    async def end(self, outcome: Outcome) -> None:
        """Settles, then lets the last bytes of the answer go."""
        asked = self.question
        if asked is not None and asked.stored is not None and outcome.failure is None and not self.is_gone:
            outcome.body = await asked.stored.kept(outcome.body, stream=asked.glance.stream)
        self.is_ending = True
        failure = self.left or outcome.failure
        status, headers, body = 200, outcome.headers, outcome.body
        if failure is not None and not self.has_begun:
            status, headers, body = self.door.write_failure(failure, self.id)
        label: Status = "cancelled" if self.is_gone else "failed" if failure else "ok"
        record = record_of(self, label, status, failure)
        if self.admission is not None:
            self.admission.settle(record, self.serving)
        sequence = self.worker.settle(record)
        if sequence is not None and self.serving.snapshot.durability == "strict":
            with contextlib.suppress(SpoolFull, SpoolBroken):
                await self.worker.spool.synced(sequence)
        if self.is_gone:
            return
        if failure is None:
            self.answer(headers, body)
        elif self.has_begun:
            self.connection.write_last(self.attempts.broken_off(failure))
        elif self.beaten_at is not None:
            self.connection.write_last(self.door.error_event(failure, self.id))
        else:
            self.connection.respond(status, self.with_id(headers), body, self.own_lines())
        if self.tap is not None:
            if failure is None:
                self.tap.hear(body)
            self.worker.samples.offer(partial(self.tap.sample, self, label, failure))

    def answer(self, headers: Headers, body: bytes) -> None:
        """All of a whole answer; of a stream what had to wait for the record, mostly its last event."""
        assert self.question is not None, "an answer has a question"
        if not self.question.glance.stream:
            self.connection.respond(200, self.passed_back(headers), body, JSON + self.own_lines())
            return
        if not self.has_begun:
            self.start(headers)
        self.connection.write_last(body)

    def start(self, upstream: Headers) -> None:
        """Begins a stream, with those of an upstream's own headers that mean something to the caller."""
        if self.beaten_at is not None:
            return
        lines = b"content-type: %b\r\n%b" % (self.door.stream_type, self.own_lines())
        self.connection.start(200, self.passed_back(upstream), lines=lines)

    def passed_back(self, upstream: Headers) -> Headers:
        passed = self.attempts.passed_back(upstream)
        if self.admission is not None:
            passed = [header for header in passed if not is_of_rates(header[0])]
        return self.with_id(passed)

    def with_id(self, headers: Headers) -> Headers:
        """With our id where the vendor's SDKs look for one, unless there is the vendor's own."""
        name = self.door.id_header
        if name is None or any(header[0] == name for header in headers):
            return headers
        return [*headers, (name, self.id.encode())]

    def own_lines(self) -> bytes:
        """The headers that say what became of the request."""
        lines = b"x-earthward-id: %b\r\n" % self.id.encode()
        if self.decision is not None:
            lines += self.serving.lines(self.decision.plan, self.attempts.target)
        if self.counted:
            lines += b"%b: %b\r\n" % (counting.HEADER, self.counted)
        if unsaid := self.attempts.unsaid:
            lines += dropped_line(unsaid)
        if self.admission is not None:
            lines += self.admission.lines
        if self.serving.snapshot.cors:
            lines += header_lines(self.worker.surface.cors_headers(self.request))
        return lines

    def elapsed(self) -> int:
        """Nanoseconds since the first byte of the request."""
        return int((time.monotonic() - self.request.accepted) * 1e9)


def dropped_line(names: tuple[str, ...]) -> bytes:
    """The header that tells what could not be said to the target, nor of its answer to the caller."""
    return header_lines([(b"x-earthward-dropped", ", ".join(names).encode("ascii", "replace"))])


def minute_now() -> int:
    """Of the week, by this machine's clock and time zone."""
    now = time.localtime()
    return minute_of_week(now.tm_wday, now.tm_hour, now.tm_min)


def question_of(worker: "Worker", door: Door, request: Request, id: str, accepted_at: int) -> Question | Failure:
    """What is asked, or what is wrong with how it is said."""
    envelope = read(request.body, worker.json_limits)
    if isinstance(envelope, Failure):
        return envelope
    envelope = entered(door, envelope)
    glance = door.glance(envelope)
    if isinstance(glance, Failure):
        return glance
    return Question(door, envelope, glance, id, accepted_at // 1_000_000_000)


def run(exchange: Exchange) -> None:
    """Begins its life, and tells it when the caller leaves."""
    exchange.connection.on_gone = exchange.caller_left
    exchange.worker.exchanges.add(exchange)
    drive(exchange.run())
