"""A snapshot made ready to serve: connections, credentials and rules, each where a request finds it in one look-up.

Built anew for each snapshot; connections live on where the endpoint stays the same.
"""

import os
import ssl
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.config import secrets
from earthward.config.snapshot import DeadlineChange, Deadlines, Endpoint, Provider, Route, Shown, Snapshot, Target
from earthward.fleet.found import Probed
from earthward.gateway.balancing import Balancing, Known
from earthward.gateway.breaker import Breaker
from earthward.gateway.counting import path_of_tokenizer
from earthward.gateway.credentials import REST_AFTER_QUOTA, Credentials
from earthward.gateway.doors import EXITS
from earthward.gateway.doors.door import Door
from earthward.gateway.doors.exit import Exit, Way
from earthward.gateway.identity import Identities
from earthward.gateway.limiting import Metered, metered
from earthward.gateway.terms import Terms, terms_of
from earthward.gateway.verdicts import place_of_target
from earthward.http.answer import header_lines
from earthward.http.client import Pool, client_context, proxy_for
from earthward.http.sweep import Sweep
from earthward.providers import KINDS
from earthward.providers.kind import Api, Operation, path
from earthward.routing.abilities import learned
from earthward.routing.balance.standing import full_name
from earthward.routing.match import Router
from earthward.routing.plan import Plan, Planner

UNCHANGED = DeadlineChange()
IdlePools = dict[tuple[object, ...], Pool]


class ServingEndpoint:
    """One address of a provider: its connections and its column on the board."""

    __slots__ = ("cell", "pool", "url")

    def __init__(self, endpoint: Endpoint, pool: Pool) -> None:
        self.url = endpoint.url
        self.cell = endpoint.cell
        self.pool = pool


class ServingProvider:
    """A provider with its connections, keys, balancing and the fixed part of every request head sent to it.

    `counts_again` is from when on (monotonic clock) it may be asked for counts, after it could not count.
    """

    def __init__(
        self, provider: Provider, endpoints: list[ServingEndpoint], credentials: Credentials, known: Known
    ) -> None:
        kind = KINDS[provider.kind]
        self.name = provider.name
        self.kind = provider.kind
        self.engine = dict(provider.settings).get("profile", "")
        self.counts_again = 0.0
        self.deadlines: Deadlines = provider.deadlines
        self.endpoints = endpoints
        self.credentials = credentials
        self.passes_on = kind.request_headers
        self.passes_back = kind.answer_headers
        self.account_headers = kind.account_headers
        self.lines = [(name, b"%b: %b\r\n" % (name, value)) for name, value in kind.headers]
        self.own_lines = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in provider.headers)
        self.all_lines = b"".join(line for _, line in self.lines)
        self._list_head = _fixed_head(provider, endpoints[0], b"GET", kind.path(endpoints[0].url, "models"))
        self.balancing = Balancing(provider, endpoints, known.standings, known.board, known.verdicts)
        self._kind = kind

    def list_request(self, credential: bytes) -> bytes:
        """A whole request for the models there are, to the first endpoint."""
        return b"%b%b%b\r\n" % (self._list_head, credential, self.all_lines)

    def credential_of(self, key: bytes) -> bytes:
        """The header line that carries a caller's own key."""
        return self._kind.credential_line(key.decode("ascii"))

    def why_not_yet(self) -> Failure | None:
        """Why nothing can be sent to it for now."""
        if not self.credentials.has_none:
            return None
        return Failure(FailureKind.UPSTREAM_AUTH, f"the gateway has no access token for provider {self.name}")

    def learn(self, failure: Failure, key: int, now: float) -> None:
        """Lets the key rest that was refused, or is out of quota for a while."""
        if failure.kind is FailureKind.UPSTREAM_AUTH:
            self.credentials.refused(key, now)
        elif failure.kind is FailureKind.RATE_LIMITED:
            self.credentials.rest(key, now, failure.retry_after or REST_AFTER_QUOTA)

    def as_seen_by_callers(self, failure: Failure) -> Failure:
        """The failure without anything that is between us and the provider alone."""
        if failure.kind is FailureKind.UPSTREAM_AUTH:
            message = f"provider {self.name} refused the gateway's credentials"
            return Failure(FailureKind.UPSTREAM_AUTH, message, failure.status)
        return msgspec.structs.replace(
            failure,
            message=self._without_secrets(failure.message),
            code=failure.code and self._without_secrets(failure.code),
            param=failure.param and self._without_secrets(failure.param),
        )

    def _without_secrets(self, text: str) -> str:
        """Without keys, and without the addresses of machines that callers have no business with."""
        text = self.credentials.scrub(text)
        for endpoint in self.endpoints:
            text = text.replace(endpoint.pool.name, f"provider {self.name}")
        return text


class ServingTarget:
    """`takes_callers_key` is whether it is asked with the caller's own key, `model` what its hosts call its model.

    `dialect` is the one it is asked in.
    """

    __slots__ = (
        "_heads",
        "breaker",
        "dialect",
        "exit",
        "limits",
        "model",
        "name",
        "provider",
        "takes_callers_key",
        "target",
        "terms",
        "way",
    )

    def __init__(
        self,
        target: Target,
        provider: ServingProvider,
        exit: Exit,
        way: Way,
        terms: Terms,
        breaker: Breaker,
        heads: dict[Operation, list[bytes]],
        limits: Metered | None = None,
    ) -> None:
        self._heads = heads
        self.dialect = exit.dialect
        self.name = target.name
        self.exit = exit
        self.way = way
        self.terms = terms
        self.takes_callers_key = target.callers_key is not None
        self.target = target
        self.provider = provider
        self.breaker = breaker
        self.limits = limits
        self.model = full_name(target.model)

    def can(self, operation: Operation) -> bool:
        """Whether its hosts have a path for that."""
        return operation in self._heads

    def head(self, door: Door, place: int, *, stream: bool, told: Operation | None = None) -> bytes:
        """What of a request's head never changes, for one that came in by this door and goes to that endpoint.

        `told` is what it is asked for where the door does not say it."""
        if told is not None:
            return self._heads[told][place]
        is_apart = door.operation in ("embed", "count")
        operation = door.operation if is_apart or door.dialect == self.dialect else "chat"
        return self.chat_head(place, stream=stream) if operation == "chat" else self._heads[operation][place]

    def count_head(self, place: int) -> bytes:
        return self._heads["count"][place]

    def chat_head(self, place: int, *, stream: bool) -> bytes:
        """As above, of a chat; some have a path of their own for streams."""
        return self._heads["stream" if stream and "stream" in self._heads else "chat"][place]


class Serving:
    """What one snapshot means for a worker."""

    def __init__(
        self,
        snapshot: Snapshot,
        pools: IdlePools,
        engines: Mapping[str, str],
        sweep: Sweep,
        known: Known,
        identities: Identities | None = None,
    ) -> None:
        self._identities = identities or Identities()
        self.snapshot = snapshot
        self.router = Router(snapshot)
        self.planner = Planner(self.router.targets, snapshot.switch)
        self.pools: IdlePools = {}
        self._sweep = sweep
        self._shown: dict[tuple[str, str], tuple[Shown, ...]] = {}
        self._known = known
        self.providers = providers = {
            provider.name: self._provider(provider, pools, engines) for provider in snapshot.providers
        }
        told = {provider.name: provider for provider in snapshot.providers}
        self.metered = metered(snapshot.accounts, known.meters) if known.meters is not None else {}
        self.targets = {
            target.name: _target(
                target,
                told[target.provider],
                providers[target.provider],
                known,
                self.metered.get(("target", target.name)),
                snapshot.fetch_from,
            )
            for target in snapshot.targets
        }
        self.has_budgets = any(account.scope == "target" and account.quota.budgets for account in snapshot.accounts)
        self.vendors: dict[str | None, ServingProvider] = {
            target.target.callers_key: target.provider for target in self.targets.values() if target.takes_callers_key
        }
        self._deadlines = {
            (route.name, provider.name): _changed(provider.deadlines, route.deadlines)
            for route in snapshot.routes
            if route.deadlines != UNCHANGED
            for provider in snapshot.providers
        }
        self.offered = offered(snapshot)
        self._lines: dict[tuple[str, str, str], bytes] = {}

    def lines(self, plan: Plan, target: ServingTarget | None) -> bytes:
        """Header lines that tell route, arm and target, made once for each combination."""
        place = (plan.route, plan.arm, "" if target is None else target.name)
        lines = self._lines.get(place)
        if lines is None:
            names = (b"x-earthward-route", b"x-earthward-arm", b"x-earthward-target")
            told = [(name, word.encode()) for name, word in zip(names, place, strict=True) if word]
            lines = self._lines[place] = header_lines(told)
        return lines

    def hear(self, found: Iterable[Probed]) -> None:
        """What the prober found, for those that are still there."""
        news = False
        for it in found:
            provider = self.providers.get(it.provider)
            if provider is not None:
                provider.balancing.heard(it.url, it.report)
                if it.report.sizes is not None:
                    news |= self._shown.get((it.provider, it.url)) != it.report.shown
                    self._shown[it.provider, it.url] = it.report.shown
        if news:
            self._learn()

    def _learn(self) -> None:
        """Hosts have told what models can do: plans are made by that from now on."""
        told = {provider.name: provider for provider in self.snapshot.providers}
        for name, target in self.router.targets.items():
            shown = [
                one
                for (provider, _), models in self._shown.items()
                if provider == target.provider
                for one in models
                if one.model == full_name(target.model)
            ]
            after = learned(target, shown)
            if after == target:
                continue
            self.router.targets[name] = after
            self.targets[name] = _target(
                after,
                told[after.provider],
                self.providers[after.provider],
                self._known,
                self.targets[name].limits,
                self.snapshot.fetch_from,
            )
        self.snapshot = msgspec.structs.replace(self.snapshot, targets=tuple(self.router.targets.values()))
        self.planner = Planner(self.router.targets, self.snapshot.switch)

    def deadlines(self, route: Route, provider: ServingProvider) -> Deadlines:
        """The provider's, with what the route changes of them."""
        return (
            self._deadlines.get((route.name, provider.name), provider.deadlines)
            if self._deadlines
            else provider.deadlines
        )

    def _provider(self, provider: Provider, pools: IdlePools, engines: Mapping[str, str]) -> ServingProvider:
        keys = [secrets.resolve(reference, os.environ, _read) for reference in provider.api_keys]
        kind = KINDS[provider.kind]
        lines = [kind.credential_line(key) for key in keys]
        credentials = self._identities.of(provider) if kind.identity and not keys else Credentials(lines, keys)
        endpoints = [
            ServingEndpoint(endpoint, self._pool(provider, engines.get(provider.name, endpoint.url), pools))
            for endpoint in provider.endpoints
        ]
        return ServingProvider(provider, endpoints, credentials, self._known)

    def _pool(self, provider: Provider, url: str, pools: IdlePools) -> Pool:
        identity = (url, provider.tls.ca, provider.tls.certificate, provider.tls.key, provider.proxy)
        pool = self.pools.get(identity) or pools.get(identity)
        if pool is None:
            proxy = provider.proxy or (proxy_for(url, os.environ) if provider.zone == "cloud" else None)
            pool = Pool(url, ssl=_context(provider, url), proxy=proxy, sweep=self._sweep)
        self.pools[identity] = pool
        return pool


def _context(provider: Provider, url: str) -> ssl.SSLContext | None:
    if urlsplit(url).scheme != "https":
        return None
    return client_context(ca=provider.tls.ca, certificate=provider.tls.certificate, key=provider.tls.key)


def _target(
    target: Target,
    told: Provider,
    provider: ServingProvider,
    known: Known,
    limits: Metered | None,
    hosts: tuple[str, ...],
) -> ServingTarget:
    api = api_of(target, told)
    exit = EXITS[api.dialect]  # noqa: A001  the word for it here
    breaker = known.breakers.setdefault(target.name, Breaker())
    breaker.share(known.verdicts, place_of_target(target.cell))
    way, terms = exit.way(target, told), terms_of(target, told, hosts)
    return ServingTarget(target, provider, exit, way, terms, breaker, _heads(target, told, provider), limits)


def _heads(target: Target, told: Provider, provider: ServingProvider) -> dict[Operation, list[bytes]]:
    """What never changes of the heads of requests for this target: for each operation one for each endpoint."""
    kind, fields = KINDS[told.kind], {**dict(told.settings), "model": target.model}
    api = api_of(target, told)
    # What is asked in another dialect has its own paths alone.
    usual = kind.operations if api.dialect == kind.dialect else ()
    templates = {**dict(usual), **dict(api.operations)}
    heads: dict[Operation, list[bytes]] = {
        operation: [
            _fixed_head(told, endpoint, b"POST", path(endpoint.url, template, fields))
            for endpoint in provider.endpoints
        ]
        for operation, template in templates.items()
        if operation != "models"
    }
    if provider.engine == "vllm" and "count" in heads:
        heads["count"] = [_fixed_head(told, it, b"POST", path_of_tokenizer(it.url)) for it in provider.endpoints]
    return heads


def api_of(target: Target, provider: Provider) -> Api:
    """The paths and the dialect in which this target is asked."""
    return KINDS[provider.kind].api(target.model, dict(provider.settings), target.api)


def _changed(deadlines: Deadlines, change: DeadlineChange) -> Deadlines:
    said = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
    return msgspec.structs.replace(deadlines, **said)


def _fixed_head(provider: Provider, endpoint: ServingEndpoint, method: bytes, path: bytes) -> bytes:
    """Everything of a request's head that never changes."""
    lines = [
        b"%b %b HTTP/1.1" % (method, path),
        b"host: " + endpoint.pool.host_header,
        *([] if method == b"GET" else [b"content-type: application/json"]),
        b"accept-encoding: identity",
        b"user-agent: earthward",
        *(f"{name.lower()}: {value}".encode("latin-1") for name, value in provider.headers),
    ]
    return b"\r\n".join(lines) + b"\r\n"


def offered(snapshot: Snapshot) -> tuple[str, ...]:
    """The models that callers may name: those the routes spell out, and those behind routes for any model."""
    models = {target.name: target.model for target in snapshot.targets}
    names: dict[str, None] = {}
    for route in snapshot.routes:
        spelt = [name for name in route.when.model if not _is_pattern(name)]
        behind = [models[name] for name in (route.use, route.baseline) if name]
        fitting = [name for name in behind if not route.when.model or _fits(name, route.when.model)]
        names.update(dict.fromkeys(spelt + fitting))
    return tuple(names)


def _is_pattern(name: str) -> bool:
    return any(mark in name for mark in "*?[")


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _read(path: str) -> str:
    return Path(path).read_text()
