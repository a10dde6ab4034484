"""The straight line: a whole answer, at the first attempt, over a connection that is kept; passed through where caller
and target speak one dialect, and translated where not.

Most exchanges are that, and little that could be decided about them changes from one to the next: a `Leg` holds it,
packed and written beforehand. The line does what `exchange` and `attempts` do, and leaves the same bytes and records.
Whatever turns out to be otherwise it leaves to them: before anything is sent as if it had never begun, after that as
an attempt that is under way. What it doesn't know of, such as a setting that was added later, it leaves to them, too.
"""

import logging
import time
from collections.abc import Container
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.chat.usage import Source
from earthward.cost.exchange import cost_at
from earthward.gateway import board as columns
from earthward.gateway import exchange as exchanges
from earthward.gateway.attempts import Begun, Drawn
from earthward.gateway.crossing import Translating, Written
from earthward.gateway.decide import Decision, decide
from earthward.gateway.doors.door import Door, Question
from earthward.gateway.doors.exit import left_out
from earthward.gateway.exchange import CALLER_LEFT, CUT_OFF, Exchange, dropped_line
from earthward.gateway.introduction import Introduction, introduction
from earthward.gateway.lanes import Goal, Lanes, Leg, Passed
from earthward.gateway.lanes import leg as leg_of
from earthward.gateway.samples import Sample
from earthward.gateway.settling import named_reason
from earthward.gateway.tapped import sample_of
from earthward.gateway.terms import AS_ASKED, may_pass
from earthward.gateway.tries import MORE_THAN_TEXT, OK, wanted, with_estimates
from earthward.gateway.upstream import Gathering, Outcome
from earthward.http.client import ClientConnection, SameAnswer
from earthward.http.server import Request, ServerConnection
from earthward.ledger import template
from earthward.ledger.plausible import can_be
from earthward.ledger.record import Arm, Attempt
from earthward.routing.context import fits_for_sure, was_cut
from earthward.store.spool import SpoolBroken, SpoolFull

if TYPE_CHECKING:
    from earthward.gateway.worker import Worker

log = logging.getLogger("earthward.straight")

REPORTED, UNKNOWN = Source.REPORTED, Source.UNKNOWN


class Straight(Gathering):
    """One exchange on the straight line, from when it is sent."""

    __slots__ = (
        "_accepted_at",
        "_caller",
        "_crossing",
        "_dropped",
        "_goal",
        "_introduced",
        "_is_over",
        "_key",
        "_leg",
        "_question",
        "_queued",
        "_request",
        "_sample",
        "_sent",
        "_started",
        "_unit",
        "_worker",
    )

    def __init__(
        self,
        worker: "Worker",
        request: Request,
        caller: ServerConnection,
        introduced: Introduction,
        question: Question,
        leg: Leg,
        goal: Goal,
        unit: str,
        accepted_at: int,
        crossing: Translating | None,
        sample: Sample | None,
    ) -> None:
        """`crossing` is there where it is translated."""
        self._worker = worker
        self._request = request
        self._caller = caller
        self._introduced = introduced
        self._question = question
        self._leg = leg
        self._goal = goal
        self._unit = unit
        self._accepted_at = accepted_at
        self._crossing = crossing
        self._sample = sample
        self._is_over = False

    def send(self, connection: ClientConnection, body: bytes, dropped: tuple[str, ...]) -> bool:
        """Puts on record that it goes out, and sends it; whether it could be put on record. `dropped` is what could not
        be said."""
        self._dropped = dropped
        worker, leg, goal = self._worker, self._leg, self._goal
        self.begin(connection, leg.limit)
        self._sent = sent = time.monotonic()
        self._queued = queued = int((sent - self._request.accepted) * 1e9)
        self._started = started = self._accepted_at + queued
        constants = goal.opened
        values = (constants[0], self._question.id, constants[1], started, constants[2], self._unit, constants[3])
        try:
            worker.spool.append_packed(template.filled(values))
        except (SpoolFull, SpoolBroken):
            return False
        worker.board.count_request(int(sent), retry=False)
        leg.balancing.enter(goal.place)
        worker.exchanges.add(self)
        self._caller.on_gone = self.caller_left
        self._key, credential = leg.credentials.current(sent)
        connection.send(goal.wire(credential, body), self, leg.deadlines)
        return True

    # -- what becomes of it --------------------------------------------------------------------------------------

    def on_whole(self, same: SameAnswer, body: bytes) -> None:
        passed = self._leg.passed_of(same) if same.status == OK else None
        if passed is None or passed.opening is None or len(body) > self._limit:
            super().on_whole(same, body)
            return
        self._status = OK
        if not self._is_over and not self._is_ended(body, passed):
            self._leave_line(Outcome(OK, same.headers, body), None)

    def over(self, outcome: Outcome) -> None:
        """Called once, when upstream has said all it had to, or failed."""
        if self._is_over:
            return
        went_well = outcome.failure is None and outcome.status == OK
        if not went_well or not self._is_ended(outcome.body, self._leg.passed(outcome.headers)):
            self._leave_line(outcome, None)

    def _is_ended(self, body: bytes, passed: Passed) -> bool:
        """Whether it could be ended here."""
        try:
            return self._is_answered(body, passed)
        except Exception:
            log.exception("exchange %s: an error of our own", self._question.id)
        if self._is_over:
            self._caller.abort()
        else:
            failed = Failure(FailureKind.INTERNAL, f"the gateway failed; exchange {self._question.id}")
            self._leave_line(Outcome(failure=failed), None)
        return True

    def _is_answered(self, body: bytes, passed: Passed) -> bool:
        """Settles and answers; whether it could be done here, and if not, nothing has been done."""
        worker, leg, goal, question = self._worker, self._leg, self._goal, self._question
        glance, about, crossing = question.glance, leg.target.target, self._crossing
        heard = leg.way.hear(question, body) if crossing is None else crossing.whole(body)
        if heard.failure is not None or worker.access_log is not None or not (crossing is None or crossing.is_said):
            return False
        usage = heard.usage
        is_told = usage.input.source is REPORTED
        if not is_told or usage.output.source is UNKNOWN:
            usage = with_estimates(usage, glance.characters, heard.characters_out)
        teaches = is_told and not glance.features & MORE_THAN_TEXT
        if teaches and leg.sent_with and self._is_cut(usage.input.tokens):
            return False
        now = time.monotonic()
        took = now - self._sent
        spent = cost_at(about, usage, self._started)
        attempt = Attempt(
            leg.target.name,
            goal.url,
            leg.why,
            self._started,
            int(took * 1e9),
            OK,
            None,
            None,
            usage,
            spent,
            leg.sent_with,
        )
        if not can_be(attempt):
            return False
        unsaid = self._dropped if crossing is None else (*self._dropped, *crossing.lost)
        before, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, after = goal.settled
        duration, finish = int((now - self._request.accepted) * 1e9), named_reason(heard.finish_reason)
        # fmt: off
        values = (
            before, question.id,
            c1, self._accepted_at,
            c2, self._queued,
            c3, duration,
            c4, self._unit,
            c5, (attempt,),
            c6, finish,
            c7, usage,
            c8, glance.characters,
            c9, heard.characters_out,
            c10, spent,
            c11, unsaid,
            after,
        )
        # fmt: on
        settled = template.filled(values)
        if teaches:
            worker.lengths.learn(about.model, glance.characters, heard.usage.input.tokens)
        leg.balancing.served(goal.place, leg.target.model, took, now, leg.loaded_with)
        leg.breaker.learn(None, leg.balancing.rules)
        self._is_over = True
        worker.exchanges.discard(self)
        worker.settle_packed(settled)
        named = question.id.encode()
        opening = passed.opening or b""
        if passed.id_name is not None:
            opening = b"%b%b: %b\r\n" % (opening, passed.id_name, named)
        lines = leg.answer_lines % named
        if unsaid:
            lines += dropped_line(unsaid)
        self._caller.respond_written(opening, heard.body, lines)
        if self._sample is not None:
            own = question.id, self._accepted_at, self._unit, duration, finish, heard.body
            worker.samples.offer(partial(sample_of, self._sample, self._request, *own))
        return True

    def _is_cut(self, counted: int) -> bool:
        """Whether the host has left out a part of the prompt."""
        leg, characters = self._leg, self._question.glance.characters
        estimate = self._worker.lengths.tokens(leg.target.target.model, characters)
        return was_cut(characters, estimate, counted, leg.loaded_with or None)

    def caller_left(self) -> None:
        """Called by the connection: what is under way upstream is cancelled at once."""
        if not self._is_over:
            self.connection.cancel()
            self._leave_line(Outcome(gone=True), CUT_OFF if self._worker.is_cutting_off else CALLER_LEFT)

    def give_up_at(self, down: Container[tuple[str, str]], failure: Failure) -> None:
        """As `Attempts.give_up_at`: ends the attempt, unanswered so far, where there is somebody else to ask."""
        leg = self._leg
        may = leg.others or not leg.balancing.is_out
        if may and not (self._is_over or self._status) and (leg.provider.name, self._goal.url) in down:
            self.connection.cancel()
            self._leave_line(Outcome(failure=failure, unreached=True), None)

    def beat(self, now: float) -> None:
        """Only streams are told that they still wait."""

    def _leave_line(self, outcome: Outcome, left: Failure | None) -> None:
        """The general path takes over what is under way."""
        self._is_over = True
        worker = self._worker
        worker.exchanges.discard(self)
        question = self._question
        went_on = Exchange(worker, question.door, self._request, self._caller, self._introduced, question)
        # A snapshot that came meanwhile would have other targets.
        went_on.serving = self._introduced.serving
        went_on.left = left
        decision = msgspec.structs.replace(self._leg.decision, unit=self._unit)
        went_on.attempts.begun = Begun(
            outcome, decision, self._goal.place, self._started, self._sent, self._queued, self._key
        )
        exchanges.run(went_on)


# -- the way in ----------------------------------------------------------------------------------------------------


def admit(worker: "Worker", door: Door, request: Request, caller: ServerConnection) -> Failure | None:
    """Starts an exchange's life, unless its caller may not call at all.

    Those turned away here are counted, not put on record: strangers must not fill the ledger.
    """
    introduced = introduction(worker, door, request)
    if isinstance(introduced, Failure):
        worker.board.add(columns.REFUSED)
        return introduced
    question: Question | None = None
    drawn: bool | Drawn = False
    lanes: Lanes | None = introduced.kept.value
    if lanes is None or lanes.planner is not introduced.serving.planner:
        lanes = introduced.kept.value = Lanes(introduced, door)
    if lanes.may_be_straight:
        accepted_at = time.time_ns() - int((time.monotonic() - request.accepted) * 1e9)
        read = exchanges.question_of(worker, door, request, worker.next_id(), accepted_at)
        if isinstance(read, Question):
            drawn = _sent_straight(worker, request, caller, introduced, lanes, read, accepted_at)
            if drawn is True:
                return None
            question = read
    exchange = Exchange(worker, door, request, caller, introduced, question)
    if isinstance(drawn, Drawn):
        exchange.attempts.drawn = drawn
    exchanges.run(exchange)
    return None


def _sent_straight(
    worker: "Worker",
    request: Request,
    caller: ServerConnection,
    introduced: Introduction,
    lanes: Lanes,
    question: Question,
    accepted_at: int,
) -> bool | Drawn:
    """Whether it was, and is under way. If not, the place that was drawn for it, if it came to that."""
    glance = question.glance
    if glance.stream:
        return False
    lane = lanes.found.get((glance.model, glance.features))
    if lane is None:
        lane = lanes.add(question, introduced, _decided(worker, introduced, question), worker.salt)
    route = lane.route
    if route is None or (route.drill_every and worker.drill_pace.is_due(route, worker.loop.time())):
        return False
    arm: Arm | None = None
    unit = ""
    draw = lane.draw
    if draw is not None:
        unit = draw.unit(glance.unit, glance.root)
        arm = draw.arm(unit)
    try:
        leg = lane.legs[arm]
    except KeyError:
        leg = lane.legs[arm] = leg_of(question, introduced, _decided(worker, introduced, question), request.path)
    if leg is None or not leg.breaker.is_well or not leg.balancing.is_well:
        return False
    if leg.room and not fits_for_sure(worker.lengths.tokens(leg.target.target.model, glance.characters), leg.room):
        return False
    crossing: Translating | None = None
    dropped: tuple[str, ...] = ()
    if leg.is_translated:
        crossing = Translating(question, leg.way, leg.target.target.model, leg.terms)
        written = crossing.request()
        if not isinstance(written, Written):
            return False
        body, dropped = written.body, written.dropped
    elif leg.terms is AS_ASKED or may_pass(question, leg.terms):
        body, dropped = leg.way.pass_on(question), left_out(leg.way, question)
    else:
        return False
    place = 0
    drawn: bool | Drawn = False
    if leg.has_choice:
        key, priority = introduced.caller.key.id, introduced.hints.priority
        found = leg.balancing.drawn(wanted(question, leg.target, leg.context, key, priority))
        if found is None:
            return False
        place, drawn = found, Drawn(leg.balancing, found)
    goal = leg.goals[place]
    if not leg.balancing.has_at_hand(place, leg.target.model, leg.loaded_with, leg.most):
        return drawn
    connection = goal.endpoint.pool.idle()
    if connection is None:
        return drawn
    sample = None if leg.tapped is None else leg.tapped.drawn(question.id)
    straight = Straight(worker, request, caller, introduced, question, leg, goal, unit, accepted_at, crossing, sample)
    if straight.send(connection, body, dropped):
        return True
    goal.endpoint.pool.returned(connection)
    return drawn


def _decided(worker: "Worker", introduced: Introduction, question: Question) -> Decision | Failure:
    serving, caller = introduced.serving, introduced.caller
    return decide(
        serving.router, serving.planner, question, introduced.hints, caller.key, worker.salt, caller.own_key, 0
    )
