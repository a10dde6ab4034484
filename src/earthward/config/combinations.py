"""What sections of a configuration mean together: names that must exist, and combinations that make no sense.

Each check looks at what could be read, so that a mistake elsewhere hides nothing. A name counts as known as soon as
it is there, whatever is wrong with what it names.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from earthward.config.document import Document, Path, Sequence
from earthward.config.models import Provider, Route, Settings, Target, When
from earthward.config.problems import Problem, unknown
from earthward.providers.hosts import is_local, is_loopback

T = TypeVar("T")

MOST_ENDPOINTS = 512
"""As many as the board has room for."""


class Draft(msgspec.Struct, frozen=True):
    """A configuration as far as it could be read; what could not is None."""

    document: Document
    settings: Settings | None
    providers: dict[str, Provider | None]
    targets: dict[str, Target | None]
    routes: tuple[Route | None, ...]


def check(draft: Draft) -> list[Problem]:
    """All problems between sections."""
    return [problem for look in CHECKS for problem in look(draft)]


def something_to_serve(draft: Draft) -> Iterator[Problem]:
    for section in ("providers", "targets", "routes"):
        if not getattr(draft, section):
            yield draft.document.key_problem((section,), f"there are no `{section}`, so nothing could be served")


def locks_beyond_loopback(draft: Draft) -> Iterator[Problem]:
    settings = draft.settings
    if settings and settings.auth == "open" and not is_loopback(settings.listen.host):
        message = f"`auth: open` is for loopback only, not for {settings.listen.host}; use `auth: keys`"
        yield draft.document.problem(("auth",), message)


def addresses_apart(draft: Draft) -> Iterator[Problem]:
    settings = draft.settings
    if settings and settings.listen == settings.admin and settings.listen.port:
        yield draft.document.problem(("admin",), "`admin` and `listen` are the same address; give each its own port")


def a_store_that_is_known(draft: Draft) -> Iterator[Problem]:
    store = draft.settings.store if draft.settings else "sqlite:///x"
    scheme = store.partition(":")[0].partition("+")[0]
    if scheme in ("postgresql", "postgres"):
        yield draft.document.problem(("store",), "PostgreSQL is not yet supported; use sqlite:///earthward.db")
    elif not store.startswith("sqlite:///") or len(store) == len("sqlite:///"):
        yield draft.document.problem(("store",), "`store` takes a file in SQLite, as in sqlite:///earthward.db")


def where_providers_are(draft: Draft) -> Iterator[Problem]:
    for name, provider in _read(draft.providers):
        path = ("providers", name)
        kind = provider.its_kind
        if kind.is_embedded and (provider.base_url or provider.endpoints):
            yield draft.document.problem(path, f"the gateway runs a provider of `kind: {kind.name}` itself: no address")
        elif provider.base_url and provider.endpoints:
            yield draft.document.problem((*path, "base_url"), "`base_url` or `endpoints`, not both")
        elif not provider.addresses:
            message = f"`kind: {kind.name}` needs a `base_url`, or `endpoints`"
            yield draft.document.key_problem((*path, "base_url"), message)
        elif kind.zone != "by_host" and provider.zone not in (None, kind.zone):
            yield draft.document.problem((*path, "zone"), f"`kind: {kind.name}` is always {kind.zone}")
        elif provider.is_in is None:
            message = "can't tell from its address whether it is in the house: add `zone: cloud` or `zone: local`"
            yield draft.document.key_problem((*path, "zone"), message)
        yield from _addresses_twice(draft, name, provider)
        yield from _keys_in_the_clear(draft, name, provider)


def _addresses_twice(draft: Draft, name: str, provider: Provider) -> Iterator[Problem]:
    urls = [endpoint.url for endpoint in provider.endpoints]
    for index, url in enumerate(urls):
        if url in urls[:index]:
            yield draft.document.problem(("providers", name, "endpoints", index), "the same endpoint is here twice")


def _keys_in_the_clear(draft: Draft, name: str, provider: Provider) -> Iterator[Problem]:
    for index, endpoint in enumerate(provider.addresses):
        parts = urlsplit(endpoint.url)
        is_outside = provider.zone != "local" and not is_local(parts.hostname or "")
        if parts.scheme == "http" and provider.api_key and is_outside:
            place = ("endpoints", index) if provider.endpoints else ("base_url",)
            message = "http:// would send the API key in the clear; use https://"
            yield draft.document.problem(("providers", name, *place), message)


def keys_of_providers(draft: Draft) -> Iterator[Problem]:
    for name, provider in _read(draft.providers):
        kind = provider.its_kind
        path = ("providers", name, "api_key")
        if kind.needs_key and not provider.api_key:
            message = f"`kind: {kind.name}` needs an `api_key`, such as env:{kind.name.upper()}_API_KEY"
            yield draft.document.key_problem(path, message)
        if provider.api_key and kind.credential is None:
            yield draft.document.key_problem(path, f"`kind: {kind.name}` takes no `api_key`")


def room_for_endpoints(draft: Draft) -> Iterator[Problem]:
    count = sum(len(provider.addresses) for _, provider in _read(draft.providers))
    if count > MOST_ENDPOINTS:
        yield draft.document.problem(("providers",), f"{count} endpoints; there is room for {MOST_ENDPOINTS}")


def providers_of_targets(draft: Draft) -> Iterator[Problem]:
    for target in draft.targets:
        yield from _unknown_name(draft, ("targets", target, "provider"), "provider", draft.providers)


def targets_of_routes(draft: Draft) -> Iterator[Problem]:
    for index in range(len(draft.routes)):
        route = ("routes", index)
        fallback = draft.document.at((*route, "fallback"))
        places = range(len(fallback.items)) if isinstance(fallback, Sequence) else ()
        for path in ((*route, "use"), (*route, "baseline"), (*route, "candidate"), (*route, "fallback")):
            yield from _unknown_name(draft, path, "target", draft.targets)
        for place in places:
            yield from _unknown_name(draft, (*route, "fallback", place), "target", draft.targets)


def _unknown_name(draft: Draft, path: Path, what: str, known: Iterable[str]) -> Iterator[Problem]:
    """Looks at the file itself: a name is wrong whatever else is wrong around it."""
    name = draft.document.text_at(path)
    if name is not None and name not in known:
        yield draft.document.problem(path, unknown(what, name, known))


def arms_of_routes(draft: Draft) -> Iterator[Problem]:
    for index, route in _routes(draft):
        for key, message in _arm_problems(route):
            yield draft.document.key_problem(("routes", index, key), message)


def _arm_problems(route: Route) -> Iterator[tuple[str, str]]:
    if route.use and (route.baseline or route.candidate):
        yield "use", "`use` is for routes with one target; with `baseline` and `candidate` leave it out"
    elif route.candidate and not route.baseline:
        yield "candidate", "`candidate` needs a `baseline` to be compared with"
    elif not route.use and not route.baseline:
        yield "use", "the route names no target: add `use`, or `baseline` and `candidate`"
    if not route.candidate:
        without = {"share": route.share is not None, "pilots": bool(route.pilots)}
        without["candidate_may_rescue"] = route.candidate_may_rescue
        for key, is_given in without.items():
            if is_given:
                yield key, f"`{key}` is for routes with a `candidate`"
        return
    if route.candidate == route.baseline:
        yield "candidate", "`candidate` and `baseline` are the same target"
    if route.share is None and not route.pilots:
        yield "candidate", "`candidate` gets no traffic: add a `share`, such as 5%, or `pilots`"
    if route.candidate in route.fallback and not route.candidate_may_rescue:
        yield (
            "fallback",
            "`fallback` lists the candidate; if it may rescue the baseline, add `candidate_may_rescue: true`",
        )


def names_of_routes(draft: Draft) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, route in _routes(draft):
        if route.name in seen:
            yield draft.document.problem(("routes", index, "name"), f"there are two routes `{route.name}`")
        seen.add(route.name)


def routes_within_reach(draft: Draft) -> Iterator[Problem]:
    catches_all: str | None = None
    for index, route in _routes(draft):
        if catches_all is not None:
            message = f"never reached: `{catches_all}` before it takes every request; the first match wins"
            yield draft.document.problem(("routes", index), message)
        elif route.when == When() or (route.when == When(model=route.when.model) and "*" in route.when.model):
            catches_all = route.name


CHECKS: tuple[Callable[[Draft], Iterable[Problem]], ...] = (
    something_to_serve,
    locks_beyond_loopback,
    addresses_apart,
    a_store_that_is_known,
    where_providers_are,
    keys_of_providers,
    room_for_endpoints,
    providers_of_targets,
    targets_of_routes,
    arms_of_routes,
    names_of_routes,
    routes_within_reach,
)


def _read(found: dict[str, T | None]) -> Iterator[tuple[str, T]]:
    return ((name, it) for name, it in found.items() if it is not None)


def _routes(draft: Draft) -> Iterator[tuple[int, Route]]:
    return ((index, route) for index, route in enumerate(draft.routes) if route is not None)
