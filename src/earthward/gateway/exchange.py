"""One exchange's life, from the parsed request to its settled record, in the order it happens.

admit (who calls), read (what for), decide (route, arm, attempts), attempt (one at a time, until one serves),
answer, settle. Every path ends in exactly one answer, if the caller is still there, and exactly one record.
"""

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
from earthward.gateway.crossing import CROSSINGS, Crossing, Heard, Listener
from earthward.gateway.serving import ServingEndpoint, ServingProvider, ServingTarget
from earthward.gateway.upstream import Headers, Outcome, StreamedAnswer, WholeAnswer
from earthward.http.client import ClientConnection, ConnectFailed
from earthward.http.server import Request, ServerConnection
from earthward.ledger.record import Attempt, Opened, Record, Status
from earthward.routing import egress, split
from earthward.routing.match import Asked
from earthward.routing.plan import Plan, plan
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
NOTHING_SEEN = Glance(None, b"", frozenset(), 0)


class Refused(Exception):
    """The exchange ends here, with this failure for the caller."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Exchange:
    """What is known so far of one exchange. The steps below fill it in, in order."""

    def __init__(self, worker: "Worker", request: Request, connection: ServerConnection) -> None:
        self.worker = worker
        self.serving = worker.serving
        self.request = request
        self.connection = connection
        self.id = worker.next_id()
        self.accepted_at = time.time_ns() - int((time.monotonic() - request.accepted) * 1e9)
        self.caller = NO_KEY
        self.model = ""
        self.stream = False
        self.glance = NOTHING_SEEN
        self.task = ""
        self.data_class = ""
        self.unit = ""
        self.plan: Plan | None = None
        self.attempts: list[Attempt] = []
        self.queued = 0
        self.first_content: int | None = None
        self.target: ServingTarget | None = None
        self.endpoint = ""
        self.heard: Heard | Listener | None = None
        self.relay: WholeAnswer | StreamedAnswer | None = None
        self.is_gone = False

    async def run(self) -> None:
        """The whole life. Raises nothing."""
        self.connection.on_gone = self.caller_left
        try:
            self.admit()
            self.read()
            self.decide()
            await self.serve()
        except Refused as refused:
            await self.refuse(refused.failure)
        except Exception:
            log.exception("exchange %s: an error of our own", self.id)
            await self.refuse(Failure(FailureKind.INTERNAL, f"the gateway failed; exchange {self.id}"))

    # -- admit ---------------------------------------------------------------------------------------------------

    def admit(self) -> None:
        """Who calls, and whether they may."""
        caller = caller_of(self.worker, self.request)
        if isinstance(caller, Failure):
            raise Refused(caller)
        self.caller = caller

    # -- read ----------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """The envelope: model, stream, and the hints in headers. The rest of the body stays as it is."""
        envelope = read(self.request.body, self.worker.json_limits)
        if isinstance(envelope, Failure):
            raise Refused(envelope)
        problem = openai_chat.check(envelope)
        if problem is not None:
            raise Refused(problem)
        self.envelope: Envelope = envelope
        self.model = envelope.get_str("model") or ""
        self.stream = envelope.get_bool("stream") or False
        self.glance = openai_chat.glance(envelope)
        self.task = self.hint(b"x-earthward-task")
        self.data_class = self.hint(b"x-earthward-data-class")

    def hint(self, name: bytes) -> str:
        value = self.request.get(name)
        return value.decode("latin-1")[:200] if value else ""

    # -- decide --------------------------------------------------------------------------------------------------

    def decide(self) -> None:
        """Route, arm and the attempts that are able and allowed to serve, in order."""
        key = self.caller
        asked = Asked(
            model=self.model,
            task=self.task,
            priority=self.hint(b"x-earthward-priority"),
            data=self.data_class,
            key=key.id,
            app=key.app,
            team=key.team,
            scope=key.routes,
        )
        route = self.serving.router.route(asked)
        if route is None:
            raise Refused(Failure(FailureKind.NO_SUCH_MODEL, f"no route serves the model {self.model!r}"))
        self.unit = self.unit_of(route) if route.candidate else ""
        self.plan = plan(
            route,
            self.serving.router.targets,
            unit=self.unit,
            salt=self.worker.salt,
            features=self.glance.features,
            data_class=self.data_class,
            key=key.id,
        )
        if not self.plan.attempts:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in self.plan.excluded)
            raise Refused(Failure(FailureKind.NO_TARGET, f"no target may serve this request ({reasons})"))

    def unit_of(self, route: Route) -> str:
        return split.unit(
            route,
            salt=self.worker.salt,
            key=self.caller.id,
            header=self.hint(b"x-earthward-unit"),
            user=self.glance.unit,
            root=lambda: self.glance.root,
        )

    # -- attempt -------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Attempts in order until one serves; nothing is tried after the first content event."""
        assert self.plan is not None
        failure: Failure | None = None
        self.worker.count_request()
        for number, (name, why) in enumerate(self.plan.attempts):
            if number and not self.worker.may_retry():
                break
            outcome = await self.attempt_target(self.serving.targets[name], why)
            failure = outcome.failure
            if self.is_gone or self.has_begun or failure is None:
                await self.finish(outcome)
                return
            if failure.kind not in ANOTHER_MAY_SERVE:
                break
        assert failure is not None
        await self.refuse(failure)

    @property
    def has_begun(self) -> bool:
        """Whether the caller has been sent a content event."""
        return self.first_content is not None

    async def attempt_target(self, target: ServingTarget, why: str) -> Outcome:
        """One target: once, and again with the next key, or on a new connection when a kept one had gone stale."""
        credentials = target.provider.credentials
        outcome = await self.attempt(target, why)
        if outcome.stale and not self.is_gone:
            outcome = await self.attempt(target, "the kept connection had been closed", fresh=True)
        tried = 1
        while (
            outcome.failure is not None
            and outcome.failure.kind in (FailureKind.UPSTREAM_AUTH, FailureKind.RATE_LIMITED)
            and tried < len(credentials)
            and credentials.has_rested_key(time.monotonic())
            and not self.is_gone
            and self.worker.may_retry()
        ):
            outcome = await self.attempt(target, f"next key after {outcome.failure.kind}")
            tried += 1
        return outcome

    async def attempt(self, target: ServingTarget, why: str, *, fresh: bool = False) -> Outcome:
        """One try at one endpoint, on record before it goes out and when it is over."""
        provider = target.provider
        endpoint, head = provider.next_endpoint()
        self.target = target
        self.endpoint = endpoint.url
        started = time.time_ns()
        await self.put_on_record(target, endpoint, started)
        board = self.worker.board
        board.enter(endpoint.cell)
        try:
            outcome = await self.send(target, endpoint, head, fresh=fresh)
        finally:
            board.enter(endpoint.cell, -1)
        failure = outcome.failure
        self.attempts.append(
            Attempt(
                target.name,
                endpoint.url,
                why,
                started,
                time.time_ns() - started,
                outcome.status or None,
                failure.kind if failure else FailureKind.CLIENT_GONE if outcome.gone else None,
                failure.message if failure else None,
            )
        )
        return outcome

    async def put_on_record(self, target: ServingTarget, endpoint: ServingEndpoint, now: int) -> None:
        assert self.plan is not None
        opened = Opened(
            self.id,
            len(self.attempts),
            now,
            self.plan.route,
            self.plan.arm,
            self.plan.share,
            self.unit,
            self.caller.id,
            self.caller.app,
            self.caller.team,
            self.model,
            DIALECT,
            target.name,
            endpoint.url,
            self.serving.snapshot.version,
        )
        try:
            sequence = self.worker.spool.append(opened)
        except (SpoolFull, SpoolBroken) as broken:
            if self.serving.routes[self.plan.route].on_ledger_down == "refuse":
                raise Refused(Failure(FailureKind.LEDGER_DOWN, "the ledger can't be written to")) from broken
            return
        if self.serving.snapshot.durability == "strict":
            await self.worker.spool.synced(sequence)

    async def send(self, target: ServingTarget, endpoint: ServingEndpoint, head: bytes, *, fresh: bool) -> Outcome:
        """The last step before the socket: check the class once more, send, and hear the answer out."""
        provider = target.provider
        if not egress.may_leave(self.data_class, target.target.zone):
            failure = Failure(FailureKind.FORBIDDEN, f"data of class {self.data_class} may not go to {target.name}")
            return Outcome(failure=failure)
        try:
            connection = (None if fresh else endpoint.pool.idle()) or await endpoint.pool.connect(
                provider.deadlines.connect
            )
        except ConnectFailed as failed:
            return Outcome(failure=provider.as_seen_by_callers(Failure(failed.kind, failed.message)))
        if self.is_gone:
            connection.cancel()
            return Outcome(gone=True)
        if not self.queued:
            self.queued = self.elapsed()
        crossing = CROSSINGS[DIALECT, provider.dialect]
        key, credential = provider.credentials.current(time.monotonic())
        body = crossing.prepare(self.envelope, target.target.model, stream=self.stream)
        self.relay = self.listen(connection, crossing)
        connection.send(self.wire(provider, head, credential, body), self.relay, provider.deadlines)
        outcome = await self.relay.done
        return self.judged(outcome, target, crossing, key)

    def listen(self, connection: ClientConnection, crossing: Crossing) -> "WholeAnswer | StreamedAnswer":
        worker = self.worker
        if not self.stream:
            return WholeAnswer(connection, self.serving.snapshot.limits.answer, worker.loop)
        self.heard = listener = crossing.stream(self.envelope, self.model)
        self.connection.on_flow = lambda flows: connection.resume() if flows else connection.pause()
        return StreamedAnswer(connection, listener, self.begin, self.connection.write, worker.loop)

    def wire(self, provider: ServingProvider, head: bytes, credential: bytes, body: bytes) -> bytes:
        """The request as it goes out: our head, the caller's headers that may pass, the body."""
        passes = provider.passes_on
        passed = [b"%b: %b\r\n" % header for header in self.request.headers if header[0] in passes]
        return b"%b%b%bcontent-length: %d\r\n\r\n%b" % (head, credential, b"".join(passed), len(body), body)

    def judged(self, outcome: Outcome, target: ServingTarget, crossing: Crossing, key: int) -> Outcome:
        """The outcome, with the failure that its status or its body amounts to, and the keys' lesson drawn from it."""
        provider = target.provider
        if outcome.gone:
            return outcome
        if outcome.failure is not None:
            outcome.failure = provider.as_seen_by_callers(outcome.failure)
            return outcome
        if outcome.status != 200:
            failure = openai_chat.failure_of(outcome.status, outcome.headers, outcome.body)
            outcome.failure = provider.as_seen_by_callers(failure)
            provider.learn(failure, key, time.monotonic())
        elif not self.stream:
            self.heard = heard = crossing.whole(outcome.body, self.model)
            outcome.failure = heard.failure
            outcome.body = heard.body
        return outcome

    # -- answer --------------------------------------------------------------------------------------------------

    def begin(self, headers: Headers, held: bytes) -> None:
        """The first content event is here: from now on nothing is tried again."""
        self.first_content = self.elapsed()
        self.connection.start(200, self.answer_headers(headers, EVENT_STREAM))
        if held:
            self.connection.write(held)

    async def finish(self, outcome: Outcome) -> None:
        """Upstream is done, or broke off in mid-answer, or the caller left: settle, then let the last bytes go."""
        if self.is_gone:
            await self.settle("cancelled", 499, Failure(FailureKind.CLIENT_GONE, "the caller left"))
            return
        failure = outcome.failure
        await self.settle("failed" if failure else "ok", 200, failure)
        connection = self.connection
        if not self.stream:
            connection.respond(200, self.answer_headers(outcome.headers, JSON), outcome.body)
        elif failure is not None:
            connection.write_last(openai_chat.error_event(failure))
        else:
            if not self.has_begun:
                connection.start(200, self.answer_headers(outcome.headers, EVENT_STREAM))
            connection.write_last(outcome.body)

    async def refuse(self, failure: Failure) -> None:
        """Answers with a failure in the caller's dialect, on record like any other end."""
        status, headers, body = openai_chat.write_failure(failure)
        if self.is_gone:
            await self.settle("cancelled", 499, Failure(FailureKind.CLIENT_GONE, "the caller left"))
            return
        await self.settle("failed", status, failure)
        if self.has_begun:
            self.connection.write_last(openai_chat.error_event(failure))
        elif not self.connection.answered:
            self.connection.respond(status, [*headers, *self.own_headers()], body)

    def answer_headers(self, upstream: Headers, content_type: tuple[bytes, bytes]) -> Headers:
        assert self.target is not None
        passes = self.target.provider.passes_back
        return [content_type, *[header for header in upstream if header[0] in passes], *self.own_headers()]

    def own_headers(self) -> Headers:
        headers = [(b"x-earthward-id", self.id.encode())]
        if self.plan is not None:
            headers.append((b"x-earthward-route", self.plan.route.encode()))
            headers.append((b"x-earthward-arm", self.plan.arm.encode()))
        if self.target is not None:
            headers.append((b"x-earthward-target", self.target.name.encode()))
        return headers + self.worker.surface.cors_headers(self.request)

    def caller_left(self) -> None:
        """Called by the connection: whatever is under way upstream is cancelled at once."""
        self.is_gone = True
        if self.relay is not None:
            self.relay.leave()

    # -- settle --------------------------------------------------------------------------------------------------

    async def settle(self, status: Status, http_status: int, failure: Failure | None) -> None:
        """Writes the record, before the last bytes of the answer leave."""
        record = self.record(status, http_status, failure)
        sequence = self.worker.settle(record)
        if sequence is not None and self.serving.snapshot.durability == "strict":
            await self.worker.spool.synced(sequence)

    def record(self, status: Status, http_status: int, failure: Failure | None) -> Record:
        plan_, target, heard, caller = self.plan, self.target, self.heard, self.caller
        characters_out = heard.characters_out if heard else 0
        usage = heard.usage if heard is not None else Usage()
        if self.attempts:
            usage = with_estimates(usage, self.glance.characters, characters_out)
        duration = self.elapsed()
        return Record(
            id=self.id,
            accepted_at=self.accepted_at,
            status=status,
            queued=self.queued,
            first_content=self.first_content if self.stream else None,
            duration=duration,
            dialect=DIALECT,
            path=self.request.path.decode("latin-1"),
            requested_model=self.model,
            stream=self.stream,
            key=caller.id,
            app=caller.app,
            team=caller.team,
            task=self.task,
            data_class=self.data_class,
            unit=self.unit,
            route=plan_.route if plan_ else "",
            arm=plan_.arm if plan_ else "only",
            share=plan_.share if plan_ else 0,
            stage=plan_.stage if plan_ else 0,
            epoch=plan_.epoch if plan_ else 0,
            snapshot=self.serving.snapshot.version,
            target=target.name if target else "",
            endpoint=self.endpoint,
            upstream_dialect=target.provider.dialect if target else "",
            model=target.target.model if target else "",
            attempts=tuple(self.attempts),
            http_status=http_status,
            failure=failure.kind if failure else None,
            message=failure.message if failure else None,
            finish_reason=heard.finish_reason if heard else None,
            usage=usage,
            characters_in=self.glance.characters,
            characters_out=characters_out,
            cost=cost(target.target.price, usage) if target and self.attempts else 0,
        )

    def elapsed(self) -> int:
        """Nanoseconds since the first byte of the request."""
        return int((time.monotonic() - self.request.accepted) * 1e9)


def with_estimates(usage: Usage, characters_in: int, characters_out: int) -> Usage:
    """The usage, with what upstream did not tell estimated from the text, and marked as such."""
    if (usage.input.is_known and usage.output.is_known) or not characters_out:
        return usage
    return msgspec.structs.replace(
        usage,
        input=usage.input if usage.input.is_known else Count.estimated(-(-characters_in // CHARACTERS_PER_TOKEN)),
        output=usage.output if usage.output.is_known else Count.estimated(-(-characters_out // CHARACTERS_PER_TOKEN)),
    )


def caller_of(worker: "Worker", request: Request) -> Key | Failure:
    """Who calls, or why they may not."""
    if worker.serving.snapshot.auth == "open":
        return NO_KEY
    presented = presented_key(request)
    if presented is None:
        return Failure(FailureKind.BAD_KEY, "no API key: send `Authorization: Bearer KEY`")
    key = worker.keys.by_digest.get(worker.digest_of(presented))
    if key is None:
        return Failure(FailureKind.BAD_KEY, "this API key is not known here, or was revoked")
    if key.expires_at is not None and key.expires_at <= time.time_ns():
        return Failure(FailureKind.BAD_KEY, "this API key has expired")
    return key


def presented_key(request: Request) -> bytes | None:
    """The key the caller shows, in any of the headers the vendors' SDKs use."""
    bearer = request.get(b"authorization")
    if bearer is not None:
        scheme, _, token = bearer.partition(b" ")
        return token.strip() if scheme.lower() == b"bearer" and token else None
    return request.get(b"api-key")


def spawn(worker: "Worker", request: Request, connection: ServerConnection) -> None:
    """Starts an exchange's life as a task that the worker keeps until it is over."""
    task = worker.loop.create_task(Exchange(worker, request, connection).run())
    worker.exchanges.add(task)
    task.add_done_callback(worker.exchanges.discard)
