"""The straight line: a whole answer, in the caller's own dialect, from a target's only endpoint, at the first attempt.

Most exchanges are that, and nothing that could be decided about them changes from one to the next: a `Leg` holds it,
packed and written beforehand. The line does what `exchange` and `attempts` do, and leaves the same bytes and records.
Whatever turns out to be otherwise it leaves to them: before anything is sent as if it had never begun, after that as
an attempt that is under way. What it doesn't know of, such as a setting that was added later, it leaves to them, too.
"""

import logging
import time
from collections.abc import Container
from typing import TYPE_CHECKING

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.chat.usage import Source
from earthward.config.snapshot import Endpoint, Key, Provider, Route, Snapshot, Target
from earthward.cost.exchange import cost_at
from earthward.gateway import board as columns
from earthward.gateway import exchange as exchanges
from earthward.gateway.attempts import MORE_THAN_TEXT, READ_TIMEOUT, Begun, with_estimates
from earthward.gateway.decide import LONGEST_HINT, Decision, decide, unit_of
from earthward.gateway.doors.door import Door, Question
from earthward.gateway.exchange import CALLER_LEFT, CUT_OFF, JSON, Exchange
from earthward.gateway.explain import ASKS_TO_EXPLAIN
from earthward.gateway.introduction import Introduction, introduction
from earthward.gateway.sampling import is_drawn
from earthward.gateway.settling import named_reason
from earthward.gateway.terms import AS_ASKED, may_pass
from earthward.gateway.upstream import Gathering, Outcome
from earthward.http.client import ClientConnection
from earthward.http.server import Request, ServerConnection
from earthward.ledger import template
from earthward.ledger.plausible import can_be
from earthward.ledger.record import Arm, Attempt, Opened, Record
from earthward.routing import egress, split
from earthward.store.spool import SpoolBroken, SpoolFull

if TYPE_CHECKING:
    from earthward.gateway.worker import Worker

log = logging.getLogger("earthward.straight")

MOST_LANES = 16
"""Models asked for with one head of which it is remembered how they are served; callers choose what they are called."""
DIALECTS = frozenset({"openai_chat", "anthropic_messages"})
"""Ollama's host may cut a prompt or load a model, and what is asked in other dialects may have to be stored."""
NEEDS = frozenset({"tools", "schema", "images", "documents", "audio"})
OPENED = ("id", "at", "unit")
SETTLED = (
    *("id", "accepted_at", "queued", "duration", "unit", "attempts"),
    *("finish_reason", "usage", "characters_in", "characters_out", "cost"),
)
KNOWN: dict[type[msgspec.Struct], frozenset[str]] = {
    Snapshot: frozenset(
        {"version", "digest", "providers", "targets", "routes", "auth", "limits", "accepted_for", "money", "notify"}
        | {"content_key", "responses_kept", "accounts", "limits_webhook"}
    ),
    Endpoint: frozenset({"url", "cell"}),
    Provider: frozenset(
        {"name", "kind", "dialect", "zone", "endpoints", "api_keys", "headers", "tls", "proxy", "deadlines", "balance"}
        | {"queue", "eject_after"}
    ),
    Target: frozenset(
        {"name", "provider", "model", "zone", "context", "abilities", "price", "rates", "keep_alive", "warm", "cell"}
        | {"objective"}
    ),
    Route: frozenset(
        {"name", "when", "use", "baseline", "candidate", "share", "fallback", "candidate_may_rescue", "unit", "stage"}
        | {"epoch", "on_ledger_down", "boundary", "data_class", "deadlines", "buffer", "plan", "sampling", "objective"}
        | {"drill_every"}
    ),
    Key: frozenset({"id", "digest", "app", "team", "routes", "expires_at", "data_class", "may_explain", "meter"}),
}
"""Settings that are heeded here. Any other that is not left at its default leads away from the straight line."""


class Leg:
    """One arm of a lane: the target that is asked first, and all that is the same for each request that goes there."""

    __slots__ = (
        "answer_lines",
        "balancing",
        "breaker",
        "credentials",
        "deadlines",
        "endpoint",
        "head",
        "limit",
        "opened",
        "others",
        "passed_lines",
        "passes_back",
        "provider",
        "settled",
        "target",
        "way",
        "why",
    )

    def __init__(self, question: Question, introduced: Introduction, decision: Decision, path: str) -> None:
        serving, key, door, plan = introduced.serving, introduced.caller.key, question.door, decision.plan
        name, self.why = plan.attempts[0]
        self.others = len(plan.attempts) - 1
        self.target = target = serving.targets[name]
        self.provider = provider = target.provider
        self.endpoint = endpoint = provider.endpoints[0]
        self.balancing = provider.balancing
        self.breaker = target.breaker
        self.credentials = provider.credentials
        self.way = target.way
        self.deadlines = serving.deadlines(decision.route, provider)
        self.limit = serving.snapshot.limits.answer
        self.head = target.head(door, 0, stream=False)
        self.passed_lines = introduced.lines_for(target, door)
        self.passes_back = provider.passes_back
        self.answer_lines = JSON + b"x-earthward-id: %b\r\n" + serving.lines(plan, target).replace(b"%", b"%%")
        model = question.glance.model
        self.opened = template.opened(
            Opened(
                "",
                0,
                0,
                plan.route,
                plan.arm,
                plan.share,
                "",
                key.id,
                key.app,
                key.team,
                model,
                door.dialect,
                name,
                endpoint.url,
                serving.snapshot.version,
            ),
            OPENED,
        )
        self.settled = template.settled(
            Record(
                "",
                0,
                "ok",
                dialect=door.dialect,
                path=path,
                requested_model=model,
                key=key.id,
                app=key.app,
                team=key.team,
                task=introduced.hints.task,
                data_class=decision.data_class,
                route=plan.route,
                arm=plan.arm,
                share=plan.share,
                stage=plan.stage,
                epoch=plan.epoch,
                snapshot=serving.snapshot.version,
                target=name,
                endpoint=endpoint.url,
                upstream_dialect=target.dialect,
                model=target.target.model,
                http_status=200,
            ),
            SETTLED,
        )


class Lane:
    """How requests with one head, for one model, with the same needs are served: a leg for each arm of the route.

    `route` is None where that can't be on the straight line.
    """

    __slots__ = ("legs", "route")

    def __init__(self, route: Route | None) -> None:
        self.route = route
        self.legs: dict[Arm | None, Leg | None] = {}


class Lanes:
    """Those of one head."""

    __slots__ = ("found", "may_be_straight")

    def __init__(self, introduced: Introduction) -> None:
        serving, caller, headers = introduced.serving, introduced.caller, introduced.headers
        self.found: dict[tuple[str, frozenset[str]], Lane] = {}
        self.may_be_straight = (
            knows_all_of(serving.snapshot)
            and knows_all_of(caller.key)
            and not (serving.router.looks_at_time or serving.router.looks_at_length)
            and not caller.presented
            and not introduced.limits
            and ASKS_TO_EXPLAIN not in headers
            and READ_TIMEOUT not in headers
        )

    def add(self, model: str, features: frozenset[str], decision: Decision | Failure) -> Lane:
        if len(self.found) >= MOST_LANES:
            self.found.clear()
        route = None if isinstance(decision, Failure) else decision.route
        lane = self.found[model, features] = Lane(route if route is not None and knows_all_of(route) else None)
        return lane


class Straight(Gathering):
    """One exchange on the straight line, from when it is sent."""

    __slots__ = (
        "_accepted_at",
        "_caller",
        "_introduced",
        "_is_over",
        "_key",
        "_leg",
        "_question",
        "_queued",
        "_request",
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
        unit: str,
        accepted_at: int,
    ) -> None:
        self._worker = worker
        self._request = request
        self._caller = caller
        self._introduced = introduced
        self._question = question
        self._leg = leg
        self._unit = unit
        self._accepted_at = accepted_at
        self._is_over = False

    def send(self, connection: ClientConnection, body: bytes) -> bool:
        """Puts on record that it goes out, and sends it; whether it could be put on record."""
        worker, leg, question = self._worker, self._leg, self._question
        self.begin(connection, leg.limit)
        self._sent = sent = time.monotonic()
        self._queued = queued = int((sent - self._request.accepted) * 1e9)
        self._started = started = self._accepted_at + queued
        constants = leg.opened
        values = (constants[0], question.id, constants[1], started, constants[2], self._unit, constants[3])
        try:
            worker.spool.append_packed(template.filled(values))
        except (SpoolFull, SpoolBroken):
            return False
        worker.count_request()
        leg.balancing.enter_only()
        worker.exchanges.add(self)
        self._caller.on_gone = self.caller_left
        self._key, credential = leg.credentials.current(sent)
        wire = b"%b%b%bcontent-length: %d\r\n\r\n%b" % (leg.head, credential, leg.passed_lines, len(body), body)
        connection.send(wire, self, leg.deadlines)
        return True

    # -- what becomes of it --------------------------------------------------------------------------------------

    def over(self, outcome: Outcome) -> None:
        """Called once, when upstream has said all it had to, or failed."""
        if self._is_over:
            return
        try:
            if outcome.failure is None and outcome.status == 200 and self._answer(outcome):
                return
        except Exception:
            log.exception("exchange %s: an error of our own", self._question.id)
            outcome = Outcome(
                failure=Failure(FailureKind.INTERNAL, f"the gateway failed; exchange {self._question.id}")
            )
        if self._is_over:
            self._caller.abort()
        else:
            self._leave_line(outcome, None)

    def _answer(self, outcome: Outcome) -> bool:
        """Settles and answers; whether it could be done here, and if not, nothing has been done."""
        worker, leg, question = self._worker, self._leg, self._question
        glance, about = question.glance, leg.target.target
        heard = leg.way.hear(question, outcome.body)
        if heard.failure is not None or worker.access_log is not None:
            return False
        usage = heard.usage
        is_told = usage.input.source is Source.REPORTED
        if not (is_told and usage.output.is_known):
            usage = with_estimates(usage, glance.characters, heard.characters_out)
        now = time.monotonic()
        took = now - self._sent
        spent = cost_at(about, usage, self._started)
        attempt = Attempt(
            leg.target.name,
            leg.endpoint.url,
            leg.why,
            self._started,
            int(took * 1e9),
            200,
            None,
            None,
            usage,
            spent,
        )
        if not can_be(attempt):
            return False
        constants = leg.settled
        values = (
            constants[0],
            question.id,
            constants[1],
            self._accepted_at,
            constants[2],
            self._queued,
            constants[3],
            int((now - self._request.accepted) * 1e9),
            constants[4],
            self._unit,
            constants[5],
            (attempt,),
            constants[6],
            named_reason(heard.finish_reason),
            constants[7],
            usage,
            constants[8],
            glance.characters,
            constants[9],
            heard.characters_out,
            constants[10],
            spent,
            constants[11],
        )
        settled = template.filled(values)
        if is_told and not glance.features & MORE_THAN_TEXT:
            worker.lengths.learn(about.model, glance.characters, heard.usage.input.tokens)
        leg.balancing.ended(0, leg.target.model, took, None)
        leg.breaker.learn(None, leg.balancing.rules)
        leg.balancing.give_back(0)
        self._is_over = True
        worker.exchanges.discard(self)
        worker.settle_packed(settled)
        named = question.id.encode()
        passed = [header for header in outcome.headers if header[0] in leg.passes_back]
        name = question.door.id_header
        if name is not None and not any(header[0] == name for header in passed):
            passed.append((name, named))
        self._caller.respond(200, passed, heard.body, leg.answer_lines % named)
        return True

    def caller_left(self) -> None:
        """Called by the connection: what is under way upstream is cancelled at once."""
        if not self._is_over:
            self.connection.cancel()
            self._leave_line(Outcome(gone=True), CUT_OFF if self._worker.is_cutting_off else CALLER_LEFT)

    def give_up_at(self, down: Container[tuple[str, str]], failure: Failure) -> None:
        """As `Attempts.give_up_at`: ends the attempt, unanswered so far, where there is somebody else to ask."""
        leg = self._leg
        may = leg.others or not leg.balancing.is_out
        if may and not (self._is_over or self._status) and (leg.provider.name, leg.endpoint.url) in down:
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
        went_on.attempts.begun = Begun(outcome, self._started, self._sent, self._queued, self._key)
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
    question = None
    lanes = introduced.kept.value
    if lanes is None:
        lanes = introduced.kept.value = Lanes(introduced)
    if lanes.may_be_straight and door.dialect in DIALECTS and door.operation == "chat" and worker.access_log is None:
        accepted_at = time.time_ns() - int((time.monotonic() - request.accepted) * 1e9)
        read = exchanges.question_of(worker, door, request, worker.next_id(), accepted_at)
        if isinstance(read, Question):
            if _goes_straight(worker, request, caller, introduced, lanes, read, accepted_at):
                return None
            question = read
    exchanges.run(Exchange(worker, door, request, caller, introduced, question))
    return None


def _goes_straight(
    worker: "Worker",
    request: Request,
    caller: ServerConnection,
    introduced: Introduction,
    lanes: Lanes,
    question: Question,
    accepted_at: int,
) -> bool:
    """Whether it does; then it is under way."""
    glance = question.glance
    if glance.stream:
        return False
    lane = lanes.found.get((glance.model, glance.features))
    if lane is None:
        lane = lanes.add(glance.model, glance.features, _decided(worker, introduced, question))
    route, key = lane.route, introduced.caller.key
    if route is None or (route.drill_every and worker.drill_pace.is_due(route, worker.loop.time())):
        return False
    arm: Arm | None = None
    unit = ""
    if route.candidate is not None:
        unit = unit_of(route, question, introduced.hints, key, worker.salt)
        arm, _ = split.arm(route, unit, worker.salt, key=key.id)
    try:
        leg = lane.legs[arm]
    except KeyError:
        leg = lane.legs[arm] = _leg(worker, introduced, question, request)
    if leg is None or not leg.breaker.is_well or not leg.balancing.is_only_place_well(leg.target.model):
        return False
    if route.sampling is not None and is_drawn(route, arm, introduced.hints.task, question.id):
        return False
    if leg.target.terms is not AS_ASKED and not may_pass(question, leg.target.terms):
        return False
    connection = leg.endpoint.pool.idle()
    if connection is None:
        return False
    straight = Straight(worker, request, caller, introduced, question, leg, unit, accepted_at)
    if straight.send(connection, leg.way.pass_on(question)):
        return True
    leg.endpoint.pool.returned(connection)
    return False


def _decided(worker: "Worker", introduced: Introduction, question: Question) -> Decision | Failure:
    serving, caller = introduced.serving, introduced.caller
    return decide(
        serving.router, serving.planner, question, introduced.hints, caller.key, worker.salt, caller.own_key, 0
    )


def _leg(worker: "Worker", introduced: Introduction, question: Question, request: Request) -> Leg | None:
    """None where the first target can't be asked on the straight line."""
    decision = _decided(worker, introduced, question)
    if isinstance(decision, Failure) or not decision.plan.attempts:
        return None
    serving, attempts = introduced.serving, decision.plan.attempts
    target = serving.targets[attempts[0][0]]
    provider, about = target.provider, target.target
    is_straight = (
        target.dialect == question.door.dialect
        and question.glance.features <= NEEDS
        and len(provider.endpoints) == 1
        and knows_all_of(about)
        and target.limits is None
        and all(
            knows_all_of(told) and knows_all_of(told.endpoints[0])
            for told in serving.snapshot.providers
            if told.name == provider.name
        )
        # Whether a prompt fits is only looked at where another target could take it.
        and (about.context is None or len(attempts) == 1)
        and egress.why_not(decision.data_class, decision.route.boundary, about.zone) is None
        # What would be cut short on record.
        and len(question.glance.model) <= LONGEST_HINT
        and "\0" not in question.glance.model
    )
    path = request.path.decode("latin-1")
    return Leg(question, introduced, decision, path) if is_straight else None


def knows_all_of(settings: msgspec.Struct) -> bool:
    """Whether all that is not at its default is heeded here."""
    known = KNOWN[type(settings)]
    return all(
        field.name in known or getattr(settings, field.name) == _default(field)
        for field in msgspec.structs.fields(settings)
    )


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
