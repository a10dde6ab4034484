"""One exchange's life, from the parsed request to its settled record, in the order it happens.

admit (who calls; strangers are turned away before there is an exchange), read (what for), decide (route, arm,
attempts), serve (attempts, one at a time, until one serves), end (settle, then answer). Every path ends in exactly
one answer, if the caller is still there, and in one record.
"""

import contextlib
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from earthward.chat import Count, Failure, FailureKind, Usage
from earthward.chat.failures import ANOTHER_MAY_SERVE
from earthward.config.snapshot import Key, Route
from earthward.cost.exchange import cost
from earthward.dialects import openai_chat
from earthward.dialects.envelope import Envelope, read
from earthward.dialects.openai_chat import Glance
from earthward.gateway import board as columns
from earthward.gateway.crossing import CROSSINGS, Crossing, Heard, Listener
from earthward.gateway.drive import drive
from earthward.gateway.serving import ServingEndpoint, ServingProvider, ServingTarget
from earthward.gateway.upstream import Headers, Outcome, StreamedAnswer, WholeAnswer
from earthward.http.client import ClientConnection, ConnectFailed
from earthward.http.server import Request, ServerConnection
from earthward.ledger.record import Attempt, Opened, Record, Status
from earthward.routing import egress, split
from earthward.routing.match import Asked
from earthward.routing.plan import MOST_ATTEMPTS, Plan
from earthward.store.spool import SpoolBroken, SpoolFull

if TYPE_CHECKING:
    from earthward.gateway.worker import Worker

log = logging.getLogger("earthward.exchange")

DIALECT = "openai_chat"
CHARACTERS_PER_TOKEN = 4
"""English text in common tokenizers; only used where upstream told no count."""
EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
JSON = (b"content-type", b"application/json")
NO_KEY = Key("", b"")
UNPLANNED = Plan("", "only", 0, -1, (), ())
NOTHING_USED = Usage()
NOTHING_SEEN = Glance("", False, None, b"", frozenset(), 0)
CALLER_LEFT = Failure(FailureKind.CLIENT_GONE, "the caller left")
CUT_OFF = Failure(FailureKind.DRAINING, "the gateway stopped before the answer was over")
LEDGER_DOWN = Failure(FailureKind.LEDGER_DOWN, "the ledger can't be written to; try again later")
LONGEST_HINT = 200
OK = 200
FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "function_call", "content_filter"})


class Refused(Exception):
    """The exchange ends here, with this failure for the caller."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Exchange:
    """What is known so far of one exchange. The steps below fill it in, in order."""

    __slots__ = (
        "accepted_at",
        "attempts",
        "caller",
        "connection",
        "data_class",
        "endpoint",
        "envelope",
        "first_content",
        "glance",
        "headers",
        "heard",
        "id",
        "left",
        "model",
        "plan",
        "queued",
        "relay",
        "request",
        "serving",
        "stream",
        "target",
        "task",
        "unit",
        "worker",
    )

    envelope: Envelope
    plan: Plan

    def __init__(
        self,
        worker: "Worker",
        request: Request,
        headers: dict[bytes, bytes],
        connection: ServerConnection,
        caller: Key,
    ) -> None:
        self.worker = worker
        self.serving = worker.serving
        self.request = request
        self.headers = headers
        self.connection = connection
        self.id = worker.next_id()
        self.accepted_at = time.time_ns() - self.elapsed()
        self.caller = caller
        self.model = ""
        self.stream = False
        self.glance = NOTHING_SEEN
        self.task = ""
        self.data_class = ""
        self.unit = ""
        self.plan = UNPLANNED
        self.attempts: tuple[Attempt, ...] = ()
        self.queued = 0
        self.first_content: int | None = None
        self.target: ServingTarget | None = None
        self.endpoint = ""
        self.heard: Heard | Listener | None = None
        self.relay: WholeAnswer | StreamedAnswer | None = None
        self.left: Failure | None = None

    async def run(self) -> None:
        """The whole life. Raises nothing."""
        try:
            self.read()
            self.decide()
            outcome = await self.serve()
        except Refused as refused:
            outcome = Outcome(failure=refused.failure)
        except Exception:
            log.exception("exchange %s: an error of our own", self.id)
            outcome = Outcome(failure=Failure(FailureKind.INTERNAL, f"the gateway failed; exchange {self.id}"))
        try:
            await self.end(outcome)
        except Exception:
            log.exception("exchange %s could not be ended", self.id)
            self.connection.abort()
        finally:
            # It knows us, and would be a cycle for the collector.
            self.relay = None
            self.worker.exchanges.discard(self)

    # -- read ----------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """The envelope: model, stream, and the hints in headers. The rest of the body stays as it is."""
        envelope = read(self.request.body, self.worker.json_limits)
        if isinstance(envelope, Failure):
            raise Refused(envelope)
        glance = openai_chat.glance(envelope)
        if isinstance(glance, Failure):
            raise Refused(glance)
        self.envelope = envelope
        self.glance = glance
        self.model = glance.model
        self.stream = glance.stream
        self.task = self.hint(b"x-earthward-task")
        self.data_class = self.hint(b"x-earthward-data-class")

    def hint(self, name: bytes) -> str:
        value = self.headers.get(name)
        return value[:LONGEST_HINT].decode("latin-1") if value else ""

    # -- decide --------------------------------------------------------------------------------------------------

    def decide(self) -> None:
        """Route, arm and the attempts that are able and allowed to serve, in order."""
        key = self.caller
        priority = self.hint(b"x-earthward-priority")
        asked = Asked(self.model, self.task, priority, self.data_class, key.id, key.app, key.team, key.routes)
        route = self.serving.router.route(asked)
        if route is None:
            message = f"no route serves the model {self.model[:LONGEST_HINT]!r}"
            raise Refused(Failure(FailureKind.NO_SUCH_MODEL, message, param="model"))
        if route.candidate is not None:
            self.unit = self.unit_of(route)
        self.plan = plan = self.serving.planner.plan(
            route,
            unit=self.unit,
            salt=self.worker.salt,
            features=self.glance.features,
            data_class=self.data_class,
            key=key.id,
        )
        if not plan.attempts:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in plan.excluded)
            raise Refused(Failure(FailureKind.NO_TARGET, f"no target may serve this request ({reasons})"))

    def unit_of(self, route: Route) -> str:
        glance = self.glance
        return split.unit(
            route,
            salt=self.worker.salt,
            key=self.caller.id,
            header=self.hint(b"x-earthward-unit"),
            user=glance.unit,
            root=lambda: glance.root,
        )

    # -- serve ---------------------------------------------------------------------------------------------------

    async def serve(self) -> Outcome:
        """Attempts in order until one serves; nothing is tried after the first content event."""
        self.worker.count_request()
        outcome = Outcome()
        for number, (name, why) in enumerate(self.plan.attempts):
            if number and not self.may_try_again():
                break
            target = self.serving.targets[name]
            outcome = await self.attempt(target, why)
            if outcome.failure is not None and not self.is_settled(outcome):
                outcome = await self.attempt_again(target, outcome)
            if self.is_settled(outcome) or (outcome.failure and outcome.failure.kind not in ANOTHER_MAY_SERVE):
                break
        return outcome

    def is_settled(self, outcome: Outcome) -> bool:
        """Whether nothing may be tried any more: it went well, the caller left, or has begun to read."""
        return outcome.failure is None or self.is_gone or self.has_begun

    @property
    def is_gone(self) -> bool:
        return self.left is not None

    @property
    def has_begun(self) -> bool:
        """Whether the caller has been sent a content event."""
        return self.first_content is not None

    def may_try_again(self) -> bool:
        """Whether one request, and all requests together, may make one more attempt."""
        return len(self.attempts) < MOST_ATTEMPTS and self.worker.may_retry()

    async def attempt_again(self, target: ServingTarget, outcome: Outcome) -> Outcome:
        """The same target: on a new connection if a kept one had gone stale, at another endpoint, with another key."""
        if outcome.stale and self.may_try_again():
            outcome = await self.attempt(target, "the kept connection had been closed", fresh=True)
        provider = target.provider
        for _ in provider.endpoints[1:]:
            if not is_unreachable(outcome.failure) or self.is_settled(outcome) or not self.may_try_again():
                break
            outcome = await self.attempt(target, "another endpoint of the provider")
        for _ in range(1, len(provider.credentials)):
            if not is_about_the_key(outcome.failure) or self.is_settled(outcome):
                break
            if not provider.credentials.has_rested_key(time.monotonic()) or not self.may_try_again():
                break
            outcome = await self.attempt(target, "another key of the provider")
        return outcome

    async def attempt(self, target: ServingTarget, why: str, *, fresh: bool = False) -> Outcome:
        """One try at one endpoint, on record before it goes out and when it is over."""
        endpoint, head = target.provider.next_endpoint()
        self.target = target
        self.endpoint = endpoint.url
        self.heard = None
        started = time.time_ns()
        on_disk = self.put_on_record(target, started)
        if on_disk is not None and self.serving.snapshot.durability == "strict":
            await self.wait_for_disk(on_disk)
        board = self.worker.board
        board.enter(endpoint.cell)
        try:
            outcome = await self.send(target, endpoint, head, fresh=fresh)
        finally:
            board.enter(endpoint.cell, -1)
        self.attempts += (self.made(target, endpoint, why, started, outcome),)
        return outcome

    def made(
        self, target: ServingTarget, endpoint: ServingEndpoint, why: str, started: int, outcome: Outcome
    ) -> Attempt:
        """What is kept of an attempt: how it ended, and what the provider will want for it all the same."""
        failure = self.left if outcome.gone else outcome.failure
        usage = self.usage()
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
            cost(target.target.price, usage) if outcome.status == OK or outcome.gone else 0,
        )

    def usage(self) -> Usage:
        """What the attempt under way has used, as far as it was told or can be estimated."""
        heard = self.heard
        if heard is None:
            return NOTHING_USED
        usage = heard.usage
        if usage.input.is_known and usage.output.is_known:
            return usage
        return with_estimates(usage, self.glance.characters, heard.characters_out)

    def put_on_record(self, target: ServingTarget, now: int) -> int | None:
        """Spools that an attempt goes out; its sequence number. Without a spool the route decides what happens."""
        plan, caller = self.plan, self.caller
        opened = Opened(
            self.id,
            len(self.attempts),
            now,
            plan.route,
            plan.arm,
            plan.share,
            self.unit,
            caller.id,
            caller.app,
            caller.team,
            self.model,
            DIALECT,
            target.name,
            self.endpoint,
            self.serving.snapshot.version,
        )
        try:
            return self.worker.spool.append(opened)
        except (SpoolFull, SpoolBroken) as trouble:
            self.refuse_without_ledger(trouble)
            return None

    async def wait_for_disk(self, sequence: int) -> None:
        try:
            await self.worker.spool.synced(sequence)
        except (SpoolFull, SpoolBroken) as trouble:
            self.refuse_without_ledger(trouble)

    def refuse_without_ledger(self, trouble: OSError) -> None:
        if self.serving.routes[self.plan.route].on_ledger_down == "refuse":
            raise Refused(LEDGER_DOWN) from trouble

    async def send(self, target: ServingTarget, endpoint: ServingEndpoint, head: bytes, *, fresh: bool) -> Outcome:
        """The last step before the socket: checks the class once more, sends, and hears the answer out."""
        provider = target.provider
        if not egress.may_leave(self.data_class, target.target.zone):
            message = f"data of class {self.data_class} may not go to {target.name}"
            return Outcome(failure=Failure(FailureKind.FORBIDDEN, message))
        if self.is_gone:
            return Outcome(gone=True)
        connection = None if fresh else endpoint.pool.idle()
        if connection is None:
            try:
                connection = await self.worker.loop.create_task(endpoint.pool.connect(provider.deadlines.connect))
            except ConnectFailed as failed:
                endpoint.rest(time.monotonic())
                return Outcome(failure=provider.as_seen_by_callers(Failure(failed.kind, failed.message)))
            if self.is_gone:
                connection.cancel()
                return Outcome(gone=True)
        if not self.queued:
            self.queued = self.elapsed()
        crossing = CROSSINGS[DIALECT, provider.dialect]
        key, credential = provider.credentials.current(time.monotonic())
        body = crossing.prepare(self.envelope, target.target.model, stream=self.stream)
        self.relay = relay = self.listener(connection, crossing)
        connection.send(self.wire(provider, head, credential, body), relay, provider.deadlines)
        return self.judged(await relay.done, provider, crossing, key)

    def listener(self, connection: ClientConnection, crossing: Crossing) -> "WholeAnswer | StreamedAnswer":
        if not self.stream:
            return WholeAnswer(connection, self.serving.snapshot.limits.answer)
        self.heard = listener = crossing.stream(self.envelope, self.model)
        relay = StreamedAnswer(connection, listener, self.begin, self.connection.write)
        self.connection.on_flow = relay.flow
        return relay

    def wire(self, provider: ServingProvider, head: bytes, credential: bytes, body: bytes) -> bytes:
        """The request as it goes out: our head, the caller's headers that may pass, the body."""
        passed = b""
        headers = self.headers
        for name in provider.passes_on:
            if name in headers:
                passed += b"%b: %b\r\n" % (name, headers[name])
        return b"%b%b%bcontent-length: %d\r\n\r\n%b" % (head, credential, passed, len(body), body)

    def judged(self, outcome: Outcome, provider: ServingProvider, crossing: Crossing, key: int) -> Outcome:
        """The outcome, with the failure that its status or its body amounts to, and the keys' lesson drawn from it."""
        if outcome.gone:
            return outcome
        if outcome.failure is not None:
            outcome.failure = provider.as_seen_by_callers(outcome.failure)
        elif outcome.status != 200:
            failure = openai_chat.failure_of(outcome.status, outcome.headers, outcome.body)
            provider.learn(failure, key, time.monotonic())
            outcome.failure = provider.as_seen_by_callers(failure)
        elif not self.stream:
            self.heard = heard = crossing.whole(outcome.body, self.model)
            outcome.failure = heard.failure and provider.as_seen_by_callers(heard.failure)
            outcome.body = heard.body
        return outcome

    def begin(self, headers: Headers, held: bytes) -> None:
        """The first content event is here: from now on nothing is tried again."""
        self.first_content = self.elapsed()
        self.connection.start(200, self.answer_headers(headers, EVENT_STREAM))
        self.connection.write(held)

    def caller_left(self) -> None:
        """Called by the connection: whatever is under way upstream is cancelled at once."""
        self.left = CUT_OFF if self.worker.is_cutting_off else CALLER_LEFT
        if self.relay is not None:
            self.relay.leave()

    # -- end -----------------------------------------------------------------------------------------------------

    async def end(self, outcome: Outcome) -> None:
        """Settles, then lets the last bytes of the answer go."""
        failure = self.left or outcome.failure
        status, headers, body = 200, outcome.headers, outcome.body
        if failure is not None and not self.has_begun:
            status, headers, body = openai_chat.write_failure(failure)
        label: Status = "cancelled" if self.is_gone else "failed" if failure else "ok"
        sequence = self.worker.settle(self.record(label, status, failure))
        if sequence is not None and self.serving.snapshot.durability == "strict":
            with contextlib.suppress(Refused):
                await self.wait_for_disk(sequence)
        if self.is_gone:
            return
        if failure is None:
            self.answer(headers, body)
        elif self.has_begun:
            self.connection.write_last(openai_chat.error_event(failure))
        else:
            self.connection.respond(status, headers + self.own_headers(), body)

    def answer(self, headers: Headers, body: bytes) -> None:
        """All of a whole answer; of a stream what had to wait for the record, mostly its last event."""
        if not self.stream:
            self.connection.respond(200, self.answer_headers(headers, JSON), body)
            return
        if not self.has_begun:
            self.connection.start(200, self.answer_headers(headers, EVENT_STREAM))
        self.connection.write_last(body)

    def answer_headers(self, upstream: Headers, content_type: tuple[bytes, bytes]) -> Headers:
        assert self.target is not None
        passes = self.target.provider.passes_back
        return [content_type, *[header for header in upstream if header[0] in passes], *self.own_headers()]

    def own_headers(self) -> Headers:
        headers = [(b"x-earthward-id", self.id.encode())]
        if self.plan is not UNPLANNED:
            headers.append((b"x-earthward-route", self.plan.route.encode()))
            headers.append((b"x-earthward-arm", self.plan.arm.encode()))
        if self.target is not None:
            headers.append(self.target.header)
        if self.serving.snapshot.cors:
            headers += self.worker.surface.cors_headers(self.request)
        return headers

    def record(self, status: Status, http_status: int, failure: Failure | None) -> Record:
        plan, target, heard, caller = self.plan, self.target, self.heard, self.caller
        last = self.attempts[-1] if self.attempts else None
        # In the order of its fields: by name they take four times as long, and that shows in a profile.
        return Record(
            self.id,
            self.accepted_at,
            status,
            self.queued,
            self.first_content,
            self.elapsed(),
            DIALECT,
            self.request.path.decode("latin-1"),
            self.model[:LONGEST_HINT],
            self.stream,
            caller.id,
            caller.app,
            caller.team,
            self.task,
            self.data_class,
            self.unit,
            plan.route,
            plan.arm,
            plan.share,
            plan.stage,
            plan.epoch,
            self.serving.snapshot.version,
            target.name if target else "",
            self.endpoint,
            target.provider.dialect if target else "",
            target.target.model if target else "",
            self.attempts,
            499 if status == "cancelled" else http_status,
            failure.kind if failure else None,
            failure.for_the_record if failure else None,
            named_reason(heard.finish_reason) if heard else None,
            last.usage if last else NOTHING_USED,
            self.glance.characters,
            heard.characters_out if heard else 0,
            self.total_cost(),
        )

    def total_cost(self) -> int | None:
        """Of all attempts, in nano-dollars; unknown if it is for the last, or for one at a target that has a price."""
        total = 0
        for attempt in self.attempts:
            if attempt.cost is not None:
                total += attempt.cost
            elif attempt is self.attempts[-1] or self.serving.targets[attempt.target].target.price.input is not None:
                return None
        return total

    def elapsed(self) -> int:
        """Nanoseconds since the first byte of the request."""
        return int((time.monotonic() - self.request.accepted) * 1e9)


def named_reason(reason: str | None) -> str | None:
    """The finish reason if it is one of those that are known: an upstream could write anything there."""
    return reason if reason is None or reason in FINISH_REASONS else "other"


def is_unreachable(failure: Failure | None) -> bool:
    return failure is not None and failure.kind is FailureKind.UNREACHABLE


def is_about_the_key(failure: Failure | None) -> bool:
    return failure is not None and failure.kind in (FailureKind.UPSTREAM_AUTH, FailureKind.RATE_LIMITED)


def with_estimates(usage: Usage, characters_in: int, characters_out: int) -> Usage:
    """The usage, with what upstream did not tell estimated from the text, and marked as such."""
    if not characters_out:
        return usage
    return msgspec.structs.replace(
        usage,
        input=usage.input if usage.input.is_known else Count.estimated(-(-characters_in // CHARACTERS_PER_TOKEN)),
        output=usage.output if usage.output.is_known else Count.estimated(-(-characters_out // CHARACTERS_PER_TOKEN)),
    )


def caller_of(worker: "Worker", headers: dict[bytes, bytes]) -> Key | Failure:
    """Who calls, or why they may not."""
    if worker.serving.snapshot.auth == "open":
        return NO_KEY
    presented = presented_key(headers)
    if presented is None:
        return Failure(FailureKind.BAD_KEY, "no API key: send `Authorization: Bearer KEY`")
    key = worker.key_of(presented)
    if key is None:
        return Failure(FailureKind.BAD_KEY, "this API key is not known here, or was revoked")
    if key.expires_at is not None and key.expires_at <= time.time_ns():
        return Failure(FailureKind.BAD_KEY, "this API key has expired")
    return key


def presented_key(headers: dict[bytes, bytes]) -> bytes | None:
    """The key the caller shows, in any of the headers the vendors' SDKs use."""
    bearer = headers.get(b"authorization")
    if bearer is None:
        return headers.get(b"api-key")
    if bearer[:7].lower() != b"bearer ":
        return None
    return bearer[7:].strip() or None


def admit(worker: "Worker", request: Request, connection: ServerConnection) -> Failure | None:
    """Starts an exchange's life, unless its caller may not call at all.

    Those turned away here are counted, not put on record: strangers must not fill the ledger.
    """
    headers = dict(request.headers)
    caller = caller_of(worker, headers)
    if isinstance(caller, Failure):
        worker.board.add(columns.REFUSED)
        return caller
    exchange = Exchange(worker, request, headers, connection, caller)
    connection.on_gone = exchange.caller_left
    worker.exchanges.add(exchange)
    drive(exchange.run())
    return None
