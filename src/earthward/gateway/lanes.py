"""What is the same for requests that are served alike, worked out once: for each head lanes by model and needs, in each
a leg for each arm of its route, and a goal for each endpoint of the leg's target.

Nothing here looks at a single request: which lane it takes, and whether it may, is for `straight` to say.
"""

from typing import NamedTuple

import msgspec

from earthward.chat import Failure
from earthward.config.snapshot import Endpoint, Key, Provider, Route, Snapshot, Target
from earthward.gateway.attempts import READ_TIMEOUT
from earthward.gateway.decide import LONGEST_HINT, Decision
from earthward.gateway.doors.door import Door, Headers, Question
from earthward.gateway.exchange import JSON
from earthward.gateway.explain import ASKS_TO_EXPLAIN
from earthward.gateway.introduction import Introduction
from earthward.gateway.serving import ServingProvider
from earthward.gateway.tapped import tapped
from earthward.gateway.upstream import is_encoded
from earthward.http.answer import opening_bytes
from earthward.http.client import SameAnswer
from earthward.ledger import template
from earthward.ledger.record import Arm, Opened, Record
from earthward.routing import egress
from earthward.routing.balance.shortlist import MOST
from earthward.routing.split import Draw
from earthward.routing.tiers import allocated, most

MOST_LANES = 16
"""Models asked for with one head of which it is remembered how they are served; callers choose what they are called."""
CALLERS = frozenset({"openai_chat", "anthropic_messages"})
"""Dialects of callers; what is asked in others may have to be stored, or names its model in the path."""
TARGETS = frozenset({"openai_chat", "anthropic_messages", "ollama", "gemini"})
"""Dialects of targets."""
NOTHING: frozenset[bytes] = frozenset()
NEEDS = frozenset({"tools", "schema", "images", "documents", "audio"})
OPENED = ("id", "at", "unit")
SETTLED = (
    *("id", "accepted_at", "queued", "duration", "unit", "attempts"),
    *("finish_reason", "usage", "characters_in", "characters_out", "cost", "dropped"),
)
KNOWN: dict[type[msgspec.Struct], frozenset[str]] = {
    Snapshot: frozenset(
        {"version", "digest", "providers", "targets", "routes", "auth", "limits", "accepted_for", "money", "notify"}
        | {"content_key", "responses_kept", "accounts", "limits_webhook"}
    ),
    Endpoint: frozenset({"url", "cell", "slots"}),
    Provider: frozenset(
        {"name", "kind", "dialect", "zone", "endpoints", "api_keys", "headers", "tls", "proxy", "deadlines", "balance"}
        | {"queue", "eject_after"}
    ),
    Target: frozenset(
        {"name", "provider", "model", "zone", "context", "abilities", "price", "rates", "keep_alive", "warm", "cell"}
        | {"objective", "shown", "states_abilities"}
    ),
    Route: frozenset(
        {"name", "when", "use", "baseline", "candidate", "share", "fallback", "candidate_may_rescue", "unit", "stage"}
        | {"epoch", "on_ledger_down", "boundary", "data_class", "deadlines", "buffer", "plan", "sampling", "objective"}
        | {"drill_every"}
    ),
    Key: frozenset({"id", "digest", "app", "team", "routes", "expires_at", "data_class", "may_explain", "meter"}),
}
"""Settings that are heeded here. Any other that is not left at its default leads away from the straight line."""
KNOWN_SETTINGS = frozenset({"keep_alive"})
"""Likewise those that only some kinds of providers have."""


class Goal:
    """One endpoint of a leg: what is sent there, and what is put on record of it."""

    __slots__ = ("_credential", "_head", "_lines", "_start", "endpoint", "opened", "place", "settled", "url")

    def __init__(self, leg: "Leg", place: int, head: bytes) -> None:
        self.place = place
        self.endpoint = leg.provider.endpoints[place]
        self.url = self.endpoint.url
        self.opened = template.opened(msgspec.structs.replace(leg.opened, endpoint=self.url), OPENED)
        self.settled = template.settled(msgspec.structs.replace(leg.settled, endpoint=self.url), SETTLED)
        self._head = head
        self._lines = leg.passed_lines + b"content-length: "
        self._credential: bytes | None = None
        self._start = b""

    def wire(self, credential: bytes, body: bytes) -> bytes:
        """The request as it goes out."""
        if credential is not self._credential:
            self._credential = credential
            self._start = self._head + credential + self._lines
        return b"%b%d\r\n\r\n%b" % (self._start, len(body), body)


class Passed(NamedTuple):
    """An answer's headers as they go on to the caller, status line and all: those of these `names` and, where the
    vendor gave no id, `id_name` for ours. None where the answer is nothing for the straight line.

    `id_header` is where the caller's SDK looks for an id: two doors may lead to one connection."""

    names: frozenset[bytes]
    id_header: bytes | None
    opening: bytes | None
    id_name: bytes | None


class Leg:
    """One arm of a lane: the target that is asked first, and all that is the same for each request that goes there."""

    __slots__ = (
        "_id_name",
        "answer_lines",
        "balancing",
        "breaker",
        "context",
        "credentials",
        "deadlines",
        "decision",
        "goals",
        "has_choice",
        "is_translated",
        "limit",
        "loaded_with",
        "most",
        "opened",
        "others",
        "passed_lines",
        "passes_back",
        "provider",
        "room",
        "sent_with",
        "settled",
        "tapped",
        "target",
        "terms",
        "way",
        "why",
    )

    def __init__(self, question: Question, introduced: Introduction, decision: Decision, path: str) -> None:
        serving, door, plan = introduced.serving, question.door, decision.plan
        name, self.why = plan.attempts[0]
        self.decision = decision
        self.others = len(plan.attempts) - 1
        self.target = target = serving.targets[name]
        self.provider = provider = target.provider
        self.balancing = provider.balancing
        self.breaker = target.breaker
        self.credentials = provider.credentials
        self.context = target.target.context or 0
        self.loaded_with = allocated(target.target, self.context)
        self.most = most(target.target)
        self.is_translated = target.dialect != door.dialect
        # What only Ollama's hosts are told.
        self.sent_with = self.context if target.dialect == "ollama" else 0
        # Whether a prompt fits is only looked at where another target could take it.
        self.room = self.loaded_with if self.others else 0
        self.way = target.way
        self.terms = target.terms
        self.deadlines = serving.deadlines(decision.route, provider)
        self.limit = serving.snapshot.limits.answer
        self.passed_lines = introduced.lines_for(target, door)
        self.passes_back = NOTHING if self.is_translated else provider.passes_back
        self._id_name = door.id_header
        self.answer_lines = JSON + b"x-earthward-id: %b\r\n" + serving.lines(plan, target).replace(b"%", b"%%")
        self.opened = _opened(question, introduced, decision)
        self.settled = _settled(question, introduced, decision, path)
        self.tapped = tapped(question, introduced, decision, name, path)
        heads = [target.head(door, place, stream=False) for place in range(len(provider.endpoints))]
        # With slots it may have to wait, even where there is no other.
        self.has_choice = len(provider.endpoints) > 1 or provider.balancing.has_slots
        self.goals = [Goal(self, place, head) for place, head in enumerate(heads)]

    def passed(self, headers: Headers) -> Passed:
        """What goes on of the headers of an answer that went well."""
        names, id_name = self.passes_back, self._id_name
        if is_encoded(headers):
            return Passed(names, id_name, None, None)
        passed = [header for header in headers if header[0] in names]
        has_id = any(header[0] == id_name for header in passed)
        return Passed(names, id_name, opening_bytes(200, passed), None if has_id else id_name)

    def passed_of(self, same: SameAnswer) -> Passed:
        """The same of a head that came before."""
        known: Passed | None = same.kept.value
        if known is None or known.names is not self.passes_back or known.id_header != self._id_name:
            known = same.kept.value = self.passed(same.headers)
        return known


def _opened(question: Question, introduced: Introduction, decision: Decision) -> Opened:
    """What is put on record before a request goes to the first target, without what is the request's own."""
    key, plan = introduced.caller.key, decision.plan
    return Opened(
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
        question.glance.model,
        question.door.dialect,
        plan.attempts[0][0],
        "",
        introduced.serving.snapshot.version,
    )


def _settled(question: Question, introduced: Introduction, decision: Decision, path: str) -> Record:
    """What is put on record once the first target has answered, without what is the request's own."""
    serving, key, plan = introduced.serving, introduced.caller.key, decision.plan
    target = serving.targets[plan.attempts[0][0]]
    return Record(
        "",
        0,
        "ok",
        dialect=question.door.dialect,
        path=path,
        requested_model=question.glance.model,
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
        target=target.name,
        upstream_dialect=target.dialect,
        model=target.target.model,
        http_status=200,
    )


class Lane:
    """How requests with one head, for one model, with the same needs are served: a leg for each arm of the route.

    `route` is None where that can't be on the straight line, `draw` where there is one arm.
    """

    __slots__ = ("draw", "legs", "route")

    def __init__(self, route: Route | None, draw: Draw | None) -> None:
        self.route = route
        self.draw = draw
        self.legs: dict[Arm | None, Leg | None] = {}


class Lanes:
    """Those of one head, as long as plans are made by the same `planner`: hosts tell what their models can do."""

    __slots__ = ("found", "may_be_straight", "planner")

    def __init__(self, introduced: Introduction, door: Door) -> None:
        serving, caller, headers = introduced.serving, introduced.caller, introduced.headers
        self.planner = serving.planner
        self.found: dict[tuple[str, frozenset[str]], Lane] = {}
        self.may_be_straight = (
            door.dialect in CALLERS
            and door.operation == "chat"
            and knows_all_of(serving.snapshot)
            and knows_all_of(caller.key)
            and not (serving.router.looks_at_time or serving.router.looks_at_length)
            and not caller.presented
            and not introduced.limits
            and ASKS_TO_EXPLAIN not in headers
            and READ_TIMEOUT not in headers
        )

    def add(self, question: Question, introduced: Introduction, decision: Decision | Failure, salt: bytes) -> Lane:
        if len(self.found) >= MOST_LANES:
            self.found.clear()
        glance = question.glance
        route = None if isinstance(decision, Failure) or not knows_all_of(decision.route) else decision.route
        draw = None
        if route is not None and route.candidate is not None:
            draw = Draw(route, salt, introduced.caller.key.id, introduced.hints.unit)
        lane = self.found[glance.model, glance.features] = Lane(route, draw)
        return lane


def leg(question: Question, introduced: Introduction, decision: Decision | Failure, path: bytes) -> Leg | None:
    """None where the first target can't be asked on the straight line."""
    if isinstance(decision, Failure) or not decision.plan.attempts:
        return None
    serving, attempts = introduced.serving, decision.plan.attempts
    target = serving.targets[attempts[0][0]]
    about = target.target
    is_straight = (
        target.dialect in TARGETS
        and question.glance.features <= NEEDS
        and knows_all_of(about)
        and target.limits is None
        and _is_known(serving.snapshot, target.provider)
        and egress.why_not(decision.data_class, decision.route.boundary, about.zone) is None
        # What would be cut short on record.
        and len(question.glance.model) <= LONGEST_HINT
        and "\0" not in question.glance.model
    )
    return Leg(question, introduced, decision, path.decode("latin-1")) if is_straight else None


def _is_known(snapshot: Snapshot, provider: ServingProvider) -> bool:
    """Of many endpoints only some are looked at for a request; that is left to those who can."""
    if len(provider.endpoints) > MOST:
        return False
    told = next(told for told in snapshot.providers if told.name == provider.name)
    # What hosts are told with each request stands in the target, too.
    settings = tuple(setting for setting in told.settings if setting[0] not in KNOWN_SETTINGS)
    return knows_all_of(msgspec.structs.replace(told, settings=settings)) and all(map(knows_all_of, told.endpoints))


def knows_all_of(settings: msgspec.Struct) -> bool:
    """Whether all that is not at its default is heeded here."""
    known = KNOWN[type(settings)]
    return all(
        field.name in known or getattr(settings, field.name) == _default(field)
        for field in msgspec.structs.fields(settings)
    )


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
