"""What sections of a configuration mean together: names that must exist, and combinations that make no sense.

Each check looks at what could be read, so that a mistake elsewhere hides nothing. A name counts as known as soon as
it is there, whatever is wrong with what it names.
"""

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from earthward.config import route_combinations, vectors
from earthward.config.draft import Draft
from earthward.config.models import Limits, Provider
from earthward.config.problems import Problem, unknown
from earthward.config.snapshot import CELLS_OF_CONFIGURATION
from earthward.providers.hosts import is_local, is_loopback, is_vendor

MOST_ENDPOINTS = 512
"""As many as the board has room for."""
MOST_TARGETS = 512
"""So many share between workers whether they fail; more serve all the same."""


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


def vendors_of_callers(draft: Draft) -> Iterator[Problem]:
    """With `auth: passthrough` a key goes to the one vendor it is for: the provider of its dialect that has none."""
    settings = draft.settings
    if settings is None:
        return
    if settings.auth != "passthrough":
        if settings.accepted_for is not None:
            yield draft.document.key_problem(("accepted_for",), "`accepted_for` is for `auth: passthrough`")
        return
    vendors: dict[str, str] = {}
    for name, provider in draft.read_providers():
        if not takes_callers_keys(provider):
            continue
        first = vendors.setdefault(provider.its_kind.whose_keys, name)
        if first != name:
            message = f"with `auth: passthrough`, is a caller's key for `{first}` or for this? Give one an `api_key`"
            yield draft.document.key_problem(("providers", name), message)
    if not all(draft.providers.values()):
        return
    asked = {target.provider for _, target in draft.read_targets()}
    if vendors and all(draft.targets.values()) and not asked & set(vendors.values()):
        message = f"no target is at `{next(iter(vendors.values()))}`, so no caller's key could be accepted"
        yield draft.document.problem(("auth",), message)
    elif not vendors:
        message = "`auth: passthrough` needs a provider in the cloud without `api_key`, whose keys the callers bring"
        yield draft.document.problem(("auth",), message)


def takes_callers_keys(provider: Provider) -> bool:
    """Whether, with `auth: passthrough`, callers bring the key for it."""
    kind = provider.its_kind
    return provider.is_in == "cloud" and not provider.api_key and kind.credential is not None and not kind.identity


def addresses_apart(draft: Draft) -> Iterator[Problem]:
    settings = draft.settings
    if settings and settings.listen == settings.admin and settings.listen.port:
        yield draft.document.problem(("admin",), "`admin` and `listen` are the same address; give each its own port")


def own_costs_of_what_is_at_home(draft: Draft) -> Iterator[Problem]:
    for name in draft.settings.own_costs if draft.settings else ():
        path = ("own_costs", name)
        if name not in draft.targets:
            yield draft.document.key_problem(path, unknown("target", name, draft.targets))
            continue
        provider = draft.provider_of(draft.targets[name])
        if provider and provider.is_in == "cloud":
            yield draft.document.key_problem(path, f"`{name}` is in the cloud; its price belongs to `prices`")


def a_key_for_content(draft: Draft) -> Iterator[Problem]:
    settings = draft.settings
    if settings and settings.responses.keep is not None and not settings.content_key:
        message = "`responses` are only stored with a `content_key`, such as env:EARTHWARD_CONTENT_KEY"
        yield draft.document.problem(("responses",), message)


def a_store_that_is_known(draft: Draft) -> Iterator[Problem]:
    store = draft.settings.store if draft.settings else "sqlite:///x"
    scheme = store.partition(":")[0].partition("+")[0]
    if scheme in ("postgresql", "postgres"):
        yield draft.document.problem(("store",), "PostgreSQL is not yet supported; use sqlite:///earthward.db")
    elif not store.startswith("sqlite:///") or len(store) == len("sqlite:///"):
        yield draft.document.problem(("store",), "`store` takes a file in SQLite, as in sqlite:///earthward.db")


def where_providers_are(draft: Draft) -> Iterator[Problem]:
    for name, provider in draft.read_providers():
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
        elif provider.zone == "local" and (host := _vendor_among(provider)):
            yield draft.document.problem((*path, "zone"), f"{host} is a vendor's own: it is always cloud")
        elif provider.is_in is None:
            message = "can't tell from its address whether it is in the house: add `zone: cloud` or `zone: local`"
            yield draft.document.key_problem((*path, "zone"), message)
        yield from _addresses_twice(draft, name, provider)
        yield from _keys_in_the_clear(draft, name, provider)


def _vendor_among(provider: Provider) -> str | None:
    hosts = (urlsplit(endpoint.url).hostname or "" for endpoint in provider.addresses)
    return next(filter(is_vendor, hosts), None)


def _addresses_twice(draft: Draft, name: str, provider: Provider) -> Iterator[Problem]:
    urls = [endpoint.url for endpoint in provider.addresses]
    for index, url in enumerate(urls):
        if url in urls[:index]:
            yield draft.document.problem(("providers", name, "endpoints", index), "the same endpoint is here twice")


def _keys_in_the_clear(draft: Draft, name: str, provider: Provider) -> Iterator[Problem]:
    for index, endpoint in enumerate(provider.addresses):
        parts = urlsplit(endpoint.url)
        is_outside = provider.zone != "local" and not is_local(parts.hostname or "")
        sends_keys = provider.api_key or (draft.is_passthrough and takes_callers_keys(provider))
        if parts.scheme == "http" and sends_keys and is_outside:
            place = ("endpoints", index) if provider.endpoints else ("base_url",)
            message = "http:// would send the API key in the clear; use https://"
            yield draft.document.problem(("providers", name, *place), message)


def keys_of_providers(draft: Draft) -> Iterator[Problem]:
    for name, provider in draft.read_providers():
        kind = provider.its_kind
        path = ("providers", name, "api_key")
        is_at_vendor = kind.zone == "cloud" or any(kind.is_at_its_vendor(it.url) for it in provider.addresses)
        if kind.needs_key and is_at_vendor and not provider.api_key and not draft.is_passthrough:
            message = f"`kind: {kind.name}` needs an `api_key`, such as env:{kind.name.upper()}_API_KEY"
            yield draft.document.key_problem(path, message)
        if provider.api_key and kind.credential is None:
            yield draft.document.key_problem(path, f"`kind: {kind.name}` takes no `api_key`")


def room_for_endpoints(draft: Draft) -> Iterator[Problem]:
    count = sum(len(provider.addresses) for _, provider in draft.read_providers())
    if count > MOST_ENDPOINTS:
        yield draft.document.problem(("providers",), f"{count} endpoints; there is room for {MOST_ENDPOINTS}")


def room_for_limits(draft: Draft) -> Iterator[Problem]:
    limits = draft.settings.limits if draft.settings else Limits()
    of_targets = sum(1 for _, target in draft.read_targets() if target.limits)
    count = len(limits.teams) + len(limits.apps) + of_targets
    if count > CELLS_OF_CONFIGURATION:
        message = f"{count} teams, applications and targets have limits; there is room for {CELLS_OF_CONFIGURATION}"
        yield draft.document.problem(("limits",), message)


def limits_of_callers(draft: Draft) -> Iterator[Problem]:
    """Only a gateway's own keys belong to teams and applications."""
    settings = draft.settings
    if settings is None or settings.auth == "keys":
        return
    for section in ("teams", "apps"):
        if getattr(settings.limits, section):
            message = f"`{section}` are those of keys, and `auth: {settings.auth}` has none"
            yield draft.document.key_problem(("limits", section), message)


def providers_of_targets(draft: Draft) -> Iterator[Problem]:
    for target in draft.targets:
        yield from draft.unknown_name(("targets", target, "provider"), "provider", draft.providers)


def apis_of_targets(draft: Draft) -> Iterator[Problem]:
    for name, target in draft.read_targets():
        provider = draft.provider_of(target)
        if provider is None or target.api == "chat":
            continue
        known = [api.name for api in provider.its_kind.apis]
        if target.api not in known:
            message = f"`api: {target.api}` is nothing that `kind: {provider.kind}` has"
            yield draft.document.problem(("targets", name, "api"), message)


def places_in_google(draft: Draft) -> Iterator[Problem]:
    """At Vertex AI a project is named, or a key is given that knows it."""
    for name, provider in draft.read_providers():
        if provider.its_kind.identity is None:
            continue
        path, settings = ("providers", name), provider.settings
        if provider.api_key:
            for key in ("project", "credentials"):
                if key in settings:
                    message = f"`{key}` or `api_key`, not both: express mode has a key and knows the project by it"
                    yield draft.document.key_problem((*path, key), message)
        elif "project" not in settings:
            message = f"`kind: {provider.kind}` needs a `project`, or an `api_key` for express mode"
            yield draft.document.key_problem((*path, "project"), message)
    for name, target in draft.read_targets():
        at = draft.provider_of(target)
        if at is not None and at.its_kind.identity and at.api_key and at.its_kind.api(target.model).name == "claude":
            message = f"express mode has Gemini only; give `{target.provider}` a `project` for {target.model}"
            yield draft.document.problem(("targets", name, "model"), message)


def models_kept_in_memory(draft: Draft) -> Iterator[Problem]:
    for name, target in draft.read_targets():
        provider = draft.provider_of(target)
        if provider is None or provider.loads_models:
            continue
        if len(target.context) > 1:
            message = f"several sizes are for Ollama; `{target.provider}` is of `kind: {provider.kind}`, which has one"
            yield draft.document.problem(("targets", name, "context"), message)
        for key in ("keep_alive", "warm"):
            if getattr(target, key) is not None:
                message = f"`{key}` is for Ollama; `{target.provider}` is of `kind: {provider.kind}`"
                yield draft.document.key_problem(("targets", name, key), message)


CHECKS: tuple[Callable[[Draft], Iterable[Problem]], ...] = (
    something_to_serve,
    locks_beyond_loopback,
    vendors_of_callers,
    addresses_apart,
    a_key_for_content,
    a_store_that_is_known,
    where_providers_are,
    keys_of_providers,
    room_for_endpoints,
    room_for_limits,
    limits_of_callers,
    providers_of_targets,
    apis_of_targets,
    places_in_google,
    models_kept_in_memory,
    own_costs_of_what_is_at_home,
    *vectors.CHECKS,
    *route_combinations.CHECKS,
)
