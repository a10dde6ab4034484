"""From a sound configuration to the snapshot that workers decide by."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import msgspec

from earthward.config.combinations import MOST_ENDPOINTS, MOST_TARGETS, takes_callers_keys
from earthward.config.models import Configuration
from earthward.config.models import Provider as ProviderSection
from earthward.config.models import Route as RouteSection
from earthward.config.models import Sampling as SamplingSection
from earthward.config.models import Shadow as ShadowSection
from earthward.config.models import Target as TargetSection
from earthward.config.money import packed
from earthward.config.route_combinations import on_a_route
from earthward.config.section import Section
from earthward.config.snapshot import (
    ACCEPTED_FOR,
    CELLS_OF_CONFIGURATION,
    RESPONSES_KEPT,
    Account,
    DeadlineChange,
    Endpoint,
    Hook,
    Limits,
    OwnMetric,
    Price,
    Provider,
    Queue,
    Quota,
    Rate,
    Route,
    Sampling,
    Scope,
    Snapshot,
    Target,
    Tls,
    When,
    Zone,
)
from earthward.config.vectors import abilities_of
from earthward.config.zones import zone_of
from earthward.cost.price_book import Override
from earthward.cost.prices import UNKNOWN, prices_from
from earthward.cost.rates import own_price
from earthward.routing.balance.standing import full_name

VERSION_LENGTH = 12

Place = tuple[str, str]
Named = TypeVar("Named", bound=Hashable)


def compile(  # noqa: A001  what this file is called for; nothing here needs the builtin
    configuration: Configuration, previous: Snapshot | None = None, day: date | None = None
) -> Snapshot:
    """The snapshot of this configuration, at the list prices of that day.

    An endpoint that `previous` knows keeps its column on the board: requests in flight are counted there.
    """
    cells = _cells(configuration, previous)
    columns = _columns(configuration, previous)
    before = {route.name: route for route in previous.routes} if previous else {}
    providers = tuple(_provider(name, it, cells) for name, it in configuration.providers.items())
    targets = tuple(
        _target(name, it, configuration, day, columns.get(name, -1)) for name, it in configuration.targets.items()
    )
    return Snapshot(
        version=configuration.digest[:VERSION_LENGTH],
        digest=configuration.digest,
        providers=providers,
        targets=targets,
        routes=tuple(_route(it, configuration, before.get(it.name)) for it in configuration.routes),
        auth=configuration.auth,
        limits=_sizes(configuration),
        cors=configuration.cors,
        access_log=configuration.access_log,
        durability=configuration.durability,
        fetch_from=configuration.fetch_from,
        accepted_for=ACCEPTED_FOR if configuration.accepted_for is None else configuration.accepted_for,
        money=packed(configuration.money),
        content_key=configuration.content_key,
        observe=configuration.observe,
        responses_kept=configuration.responses.keep or RESPONSES_KEPT,
        notify=tuple(Hook(name, **_given(it)) for name, it in configuration.notify.items()),
        metrics=tuple(OwnMetric(name, **_given(it)) for name, it in configuration.metrics.items()),
        accounts=_accounts(configuration, previous),
        limits_webhook=configuration.limits.webhook,
    )


def _sizes(configuration: Configuration) -> Limits:
    given = _given(configuration.limits)
    return Limits(**{name: given[name] for name in Limits.__struct_fields__ if name in given})


def _accounts(configuration: Configuration, previous: Snapshot | None) -> tuple[Account, ...]:
    """Teams, applications and targets with limits. Who had a meter before keeps it: what was used is counted there."""
    found = quotas(configuration)
    before = {(it.scope, it.name): it.cell for it in (previous.accounts if previous else ())}
    places = _kept(list(found), before, CELLS_OF_CONFIGURATION)
    return tuple(Account(*who, places[who], quota) for who, quota in found.items())


def quotas(configuration: Configuration) -> dict[tuple[Scope, str], Quota]:
    """All limits that the configuration names, by whose they are."""
    limits = configuration.limits
    found: dict[tuple[Scope, str], Quota] = {("team", name): it.quota() for name, it in limits.teams.items()}
    found |= {("app", name): it.quota() for name, it in limits.apps.items()}
    return found | {("target", name): it.limits.quota() for name, it in configuration.targets.items() if it.limits}


def _provider(name: str, section: ProviderSection, cells: dict[Place, int]) -> Provider:
    endpoints = (Endpoint(it.url, cells[name, it.url], it.slots or _slots(section)) for it in section.addresses)
    return Provider(
        name=name,
        kind=section.kind,
        dialect=section.its_kind.dialect,
        zone=_known(section.is_in),
        endpoints=tuple(endpoints),
        api_keys=section.api_key,
        headers=tuple(section.headers.items()),
        tls=Tls(section.tls.ca, section.tls.certificate, section.tls.key),
        proxy=section.proxy,
        deadlines=msgspec.structs.replace(section.its_kind.deadlines, **_given(section.deadlines)),
        balance=section.balance or section.its_kind.balance,
        queue=Queue(**_given(section.queue)),
        eject_after=section.eject_after,
        settings=tuple(section.settings.items()),
    )


def _slots(section: ProviderSection) -> int | None:
    """Of an endpoint that states none. What runs in the house by itself has a setting for it."""
    own: int | None = getattr(section, "slots", None)
    return own or section.its_kind.slots


def _known(zone: Zone | None) -> Zone:
    assert zone is not None, "`combinations` lets no provider through whose zone is unknown"
    return zone


def _target(name: str, section: TargetSection, configuration: Configuration, day: date | None, column: int) -> Target:
    provider = configuration.providers[section.provider]
    price, rates = _prices(section, provider, configuration.money.overrides, day)
    callers_key = configuration.auth == "passthrough" and takes_callers_keys(provider)
    keep_alive = getattr(provider, "keep_alive", None) if section.keep_alive is None else section.keep_alive
    return Target(
        name=name,
        provider=section.provider,
        model=section.model,
        zone=_known(zone_of(section, provider)),
        context=max(section.context, default=None),
        tiers=section.context if len(section.context) > 1 else (),
        widest=_widest(section, configuration),
        abilities=abilities_of(section, provider),
        price=price,
        rates=rates,
        keep_alive=keep_alive,
        # Whoever wants a model kept for ever wants it there before the first request, too.
        warm=int(keep_alive == -1) if section.warm is None else section.warm,
        callers_key=provider.its_kind.whose_keys if callers_key else None,
        cell=column,
        api=None if section.api == "chat" else section.api,
        tools=section.tools,
        objective=section.objective,
        states_abilities=section.abilities is not None,
    )


def _widest(section: TargetSection, configuration: Configuration) -> int | None:
    """A host that has the model loaded for another target, with more context, need not load it anew for this one."""
    if not configuration.providers[section.provider].loads_models:
        return None
    same = section.provider, full_name(section.model)
    targets = configuration.targets.values()
    widest = max(max(it.context, default=0) for it in targets if (it.provider, full_name(it.model)) == same)
    return widest if section.context and widest > section.context[-1] else None


def _prices(
    section: TargetSection, provider: ProviderSection, overrides: tuple[Override, ...], day: date | None
) -> tuple[Price, tuple[Rate, ...]]:
    """The operator's own word counts first; what is in the house has no list price."""
    own = section.price
    if own is not None:
        return own_price(own.input, own.output, own.cached, own.cache_written), ()
    if provider.is_in == "local":
        return UNKNOWN, ()
    vendor = provider.its_kind.price_list
    url = None if vendor else provider.addresses[0].url
    return prices_from(section.model, vendor=vendor, url=url, overrides=overrides, day=day)


def _route(section: RouteSection, configuration: Configuration, before: Route | None) -> Route:
    """A route with a rollout stays where that has brought it, until it says otherwise: nobody is moved by a restart."""
    own = configuration.rollouts[section.rollout] if section.rollout else None
    plan = msgspec.msgpack.encode(on_a_route(own, section)) if own else b""
    stands = before if plan and before and before.plan else Route(section.name, share=section.share or 0)
    return Route(
        name=section.name,
        when=When(**{field: getattr(section.when, field) for field in When.__struct_fields__}),
        use=section.use,
        baseline=section.baseline,
        candidate=section.candidate,
        share=stands.share,
        pilots=frozenset(section.pilots),
        fallback=section.fallback,
        candidate_may_rescue=section.candidate_may_rescue,
        unit=section.unit,
        stage=stands.stage,
        epoch=stands.epoch,
        on_ledger_down=section.on_ledger_down,
        boundary=section.boundary or configuration.boundary,
        deadlines=DeadlineChange(**_given(section.deadlines)),
        data_class=section.data or "",
        buffer=section.buffer,
        plan=plan,
        drill=section.drill.share if section.drill else 0,
        drill_every=section.drill.every if section.drill else 0.0,
        objective=section.objective,
        sampling=_sampling(section, configuration),
    )


def _sampling(section: RouteSection, configuration: Configuration) -> Sampling | None:
    """None where nothing of the route is ever looked at, so that its requests pass without a thought of it."""
    plan = configuration.rollouts[section.rollout] if section.rollout else None
    has_shadow_stage = plan is not None and any(stage.is_shadow for stage in plan.stages)
    if section.sampling is None and section.shadow is None and not has_shadow_stage:
        return None
    kept, shadow = section.sampling or SamplingSection(), section.shadow or ShadowSection()
    return Sampling(
        kept.rate,
        shadow.rate,
        kept.tasks,
        Sampling().retention if kept.retention is None else float(kept.retention),
        section.judge or "",
        shadow.budget,
    )


def _cells(configuration: Configuration, previous: Snapshot | None) -> dict[Place, int]:
    """A column for each endpoint."""
    places = [(name, it.url) for name, provider in configuration.providers.items() for it in provider.addresses]
    before = {
        (provider.name, endpoint.url): endpoint.cell
        for provider in (previous.providers if previous else ())
        for endpoint in provider.endpoints
    }
    return _kept(places, before, MOST_ENDPOINTS)


def _columns(configuration: Configuration, previous: Snapshot | None) -> dict[str, int]:
    """A column for each target, as far as there is room."""
    before = {target.name: target.cell for target in (previous.targets if previous else ()) if target.cell >= 0}
    return _kept(list(configuration.targets)[:MOST_TARGETS], before, MOST_TARGETS)


def _kept(wanted: Sequence[Named], before: Mapping[Named, int], most: int) -> dict[Named, int]:
    """A place for each, the one it had before. One that was just given up is given again only when no other is left."""
    kept = {each: before[each] for each in wanted if each in before}
    known = set(before.values())
    free = iter([*(place for place in range(most) if place not in known), *sorted(known - set(kept.values()))])
    return {each: kept[each] if each in kept else next(free) for each in wanted}


def _given(section: Section) -> dict[str, Any]:
    return section.model_dump(exclude_none=True)
