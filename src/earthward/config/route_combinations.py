"""What a route means together with the targets it names: mixes that make no sense, or that would let data leave."""

from collections.abc import Callable, Collection, Iterable, Iterator

from earthward.config.document import Mapping, Path, Sequence
from earthward.config.draft import Draft
from earthward.config.models import Route, When
from earthward.config.problems import Problem, shown
from earthward.config.snapshot import PILOT_GROUPS, PILOT_USER
from earthward.config.zones import zone_of
from earthward.rollout.from_record import LATER, MEASURED, PAIRED
from earthward.rollout.metrics import METRICS
from earthward.rollout.plan import Plan
from earthward.rollout.read_plan import presets
from earthward.rollout.sources import has_guardrail, measurable
from earthward.routing.egress import may_leave

MOST_DRILLED = 1000
MOST_HOURLY_DRILLS = 120
"""In 1/10,000."""


def targets_of_routes(draft: Draft) -> Iterator[Problem]:
    for index in range(len(draft.routes)):
        route = ("routes", index)
        fallback = draft.document.at((*route, "fallback"))
        places = range(len(fallback.items)) if isinstance(fallback, Sequence) else ()
        for path in ((*route, "use"), (*route, "baseline"), (*route, "candidate"), (*route, "fallback")):
            yield from draft.unknown_name(path, "target", draft.targets)
        for place in places:
            yield from draft.unknown_name((*route, "fallback", place), "target", draft.targets)


def arms_of_routes(draft: Draft) -> Iterator[Problem]:
    for index, route in draft.read_routes():
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
        without = {key: bool(getattr(route, key)) for key in ("rollout", "pilots")}
        without["share"] = route.share is not None
        without["candidate_may_rescue"] = route.candidate_may_rescue
        for key, is_given in without.items():
            if is_given:
                yield key, f"`{key}` is for routes with a `candidate`"
        return
    if route.candidate == route.baseline:
        yield "candidate", "`candidate` and `baseline` are the same target"
    if route.share is not None and route.rollout:
        yield "share", f"`share` is what the rollout `{route.rollout}` sets; leave out one of them"
    if route.share is None and not route.rollout and not route.pilots:
        yield "candidate", "`candidate` gets no traffic: add a `share`, such as 5%, a `rollout`, or `pilots`"
    if route.candidate in route.fallback and not route.candidate_may_rescue:
        yield (
            "fallback",
            "`fallback` lists the candidate; if it may rescue the baseline, add `candidate_may_rescue: true`",
        )


def rollouts_of_routes(draft: Draft) -> Iterator[Problem]:
    for index in range(len(draft.routes)):
        path = ("routes", index, "rollout")
        yield from draft.unknown_name(path, "rollout", [*presets(), *draft.rollouts])
        name = draft.document.text_at(path)
        plan = (draft.rollouts.get(name) or presets().get(name)) if name else None
        route = draft.routes[index]
        if plan and route and not has_guardrail(on_a_route(plan, route)):
            message = f"of the guardrails of `{name}` nothing is measured here, so nothing could roll it back"
            yield draft.document.problem(path, f"{message}; add the gate `error_rate`")
    for name in draft.settings.metrics if draft.settings else ():
        if name in METRICS:
            message = f"`{name}` is a metric that Earthward has itself; give yours another name"
            yield draft.document.key_problem(("metrics", name), message)
    for name, plan in draft.rollouts.items():
        for inner, what in _unmeasured(plan, draft.settings.metrics if draft.settings else {}) if plan else ():
            message = f"{what} is measured by nothing: say what does under `metrics`"
            yield draft.document.problem(("rollouts", name, *inner), message)


def routes_of_hooks(draft: Draft) -> Iterator[Problem]:
    known = [str(draft.document.text_at(("routes", index, "name"))) for index in range(len(draft.routes))]
    hooks = draft.document.at(("notify",))
    for hook in hooks.entries if isinstance(hooks, Mapping) else ():
        path = ("notify", hook, "routes")
        named = draft.document.at(path)
        yield from draft.unknown_name(path, "route", known)
        for index in range(len(named.items)) if isinstance(named, Sequence) else ():
            yield from draft.unknown_name((*path, index), "route", known)


def on_a_route(plan: Plan, route: Route) -> Plan:
    """What of a plan this route can carry out: answers are compared where shadows run, and judged if somebody does."""
    sources = MEASURED | LATER
    if route.shadow and route.shadow.rate:
        sources |= PAIRED if route.judge else PAIRED - {"quality"}
    return measurable(plan, sources)


def _unmeasured(plan: Plan, own: Collection[str]) -> Iterator[tuple[Path, str]]:
    """Gates of a plan that no route can measure, and where the plan names them."""
    for index, gate in enumerate(plan.gates):
        if gate.metric not in METRICS and gate.metric not in own:
            yield ("gates", index), f"gate `{gate.metric}`"


def answers_that_are_looked_at(draft: Draft) -> Iterator[Problem]:
    """What shadows, their judge and gates that compare answers need of a route."""
    for index, route in draft.read_routes():
        path = ("routes", index)
        yield from draft.unknown_name((*path, "judge"), "target", draft.targets)
        for key, message in _looking_problems(draft, route):
            yield draft.document.key_problem((*path, key), message)


def _looking_problems(draft: Draft, route: Route) -> Iterator[tuple[str, str]]:
    rate = route.shadow.rate if route.shadow else 0
    plan = _plan_of(draft, route)
    has_shadow = rate > 0 or (plan is not None and any(stage.is_shadow for stage in plan.stages))
    if route.shadow and not route.candidate:
        yield "shadow", "`shadow` asks the other arm, so it is for routes with a `baseline` and a `candidate`"
    if route.judge and not has_shadow:
        yield "judge", "`judge` compares the answers of shadows; add `shadow: {rate: 5%}`"
    if route.judge and route.judge in (route.baseline, route.candidate):
        yield "judge", "`judge` is one of the two that it compares; name another target"
    yield from _unpaid(draft, route, has_shadow=has_shadow)


def _unpaid(draft: Draft, route: Route, *, has_shadow: bool) -> Iterator[tuple[str, str]]:
    """Whatever is billed needs to be told how much of it; of the arms, the baseline is asked by shadows of units that
    have moved."""
    if not has_shadow or (route.shadow and route.shadow.budget):
        return
    asked = [route.candidate, route.judge, *([route.baseline] if route.shadow and route.shadow.rate else [])]
    billed = [name for name in asked if name and _zone(draft, name) == "cloud"]
    if billed:
        key = "shadow" if route.shadow else "rollout"
        listed = ", ".join(f"`{name}`" for name in billed)
        yield key, f"its shadows ask {listed}, which sends a bill: add `shadow: {{rate: 5%, budget: 5 USD/day}}`"


def _plan_of(draft: Draft, route: Route) -> Plan | None:
    return draft.rollouts.get(route.rollout) or presets().get(route.rollout) if route.rollout else None


def drills_that_have_a_path(draft: Draft) -> Iterator[Problem]:
    for index, route in draft.read_routes():
        if route.drill is None or not any(route.drill):
            continue
        others = [name for name in route.targets if name != (route.candidate or route.use)]
        message = None
        if not any(_zone(draft, name) == "cloud" for name in others):
            message = "`drill` tries the emergency path to the cloud, and the route has none: add a `fallback`"
        elif route.drill.share > MOST_DRILLED or route.drill.per_hour > MOST_HOURLY_DRILLS:
            message = f"`drill` is a trickle: at most {MOST_DRILLED / 100:g}%, or {MOST_HOURLY_DRILLS}/hour"
        if message:
            yield draft.document.key_problem(("routes", index, "drill"), message)


def fallbacks_that_help(draft: Draft) -> Iterator[Problem]:
    for index, route in draft.read_routes():
        # From a candidate a request may well fall back to the baseline.
        first = None if route.candidate else route.use or route.baseline
        for place, name in enumerate(route.fallback):
            message = None
            if name == first:
                message = f"`{name}` is what the route tries first; a fallback is another target"
            elif name in route.fallback[:place]:
                message = f"`{name}` is in `fallback` twice; each target is tried once"
            if message:
                yield _named_by(draft, index, "fallback", place, message)


def boundaries_of_routes(draft: Draft) -> Iterator[Problem]:
    everywhere = draft.settings is not None and draft.settings.boundary == "local"
    for index, route in draft.read_routes():
        if not everywhere and route.boundary != "local":
            continue
        for key, place, name in _names_of_targets(route):
            if _zone(draft, name) == "cloud":
                message = f"`{name}` is in the cloud{_by_its_model(draft, name)}; `boundary: local` lets nothing leave"
                yield _named_by(draft, index, key, place, message)


def data_that_may_go_somewhere(draft: Draft) -> Iterator[Problem]:
    """A route for data that may not leave needs a target in the house, or it would refuse all it is for."""
    for index, route in draft.read_routes():
        zones = {_zone(draft, name) for name in route.targets}
        for path, classes in ((("when", "data"), route.when.data), (("data",), (route.data,) if route.data else ())):
            if classes and zones == {"cloud"} and not any(may_leave(word, "cloud") for word in classes):
                message = f"data of class {', '.join(classes)} may not leave, and all targets here are in the cloud"
                yield draft.document.problem(("routes", index, *path), message)


def callers_who_are_known(draft: Draft) -> Iterator[Problem]:
    settings = draft.settings
    if settings is None or settings.auth == "keys":
        return
    for index, route in draft.read_routes():
        for field in ("key", "app", "team"):
            if getattr(route.when, field):
                message = f"`{field}` is never known with `auth: {settings.auth}`; it comes with keys (`auth: keys`)"
                yield draft.document.key_problem(("routes", index, "when", field), message)


def pilots_who_are_known(draft: Draft) -> Iterator[Problem]:
    auth = draft.settings.auth if draft.settings else "keys"
    for index, route in draft.read_routes():
        for place, pilot in enumerate(route.pilots):
            message = None
            if pilot.startswith(PILOT_GROUPS) and auth != "keys":
                message = f"`{pilot}` is never known with `auth: {auth}`; it comes with keys (`auth: keys`)"
            elif pilot.startswith(PILOT_USER) and route.unit == "key":
                message = f"`{pilot}` is never seen with `unit: key`; name a `key:`, `app:` or `team:`"
            elif pilot in (*PILOT_GROUPS, PILOT_USER):
                message = f"`{pilot}` names nobody; write a name behind it"
            if message:
                yield _named_by(draft, index, "pilots", place, message)


def names_of_routes(draft: Draft) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, route in draft.read_routes():
        if route.name in seen:
            yield draft.document.problem(("routes", index, "name"), f"there are two routes `{route.name}`")
        seen.add(route.name)


def routes_within_reach(draft: Draft) -> Iterator[Problem]:
    catches_all: str | None = None
    for index, route in draft.read_routes():
        if catches_all is not None:
            message = f"never reached: `{catches_all}` before it takes every request; the first match wins"
            yield draft.document.problem(("routes", index), message)
        elif route.when == When() or (route.when == When(model=route.when.model) and "*" in route.when.model):
            catches_all = route.name


def _names_of_targets(route: Route) -> Iterator[tuple[str, int | None, str]]:
    """Each with its key, and its place in `fallback`."""
    for key in ("use", "baseline", "candidate"):
        if name := getattr(route, key):
            yield key, None, name
    for place, name in enumerate(route.fallback):
        yield "fallback", place, name
    if route.judge:
        yield "judge", None, route.judge


def _named_by(draft: Draft, index: int, key: str, place: int | None, message: str) -> Problem:
    """A problem with the name of a target, where the route names it; a fallback of one may stand without a list."""
    path: Path = ("routes", index, key)
    is_in_list = isinstance(draft.document.at(path), Sequence) and place is not None
    return draft.document.problem((*path, place) if is_in_list and place is not None else path, message)


def _zone(draft: Draft, name: str) -> str | None:
    target = draft.targets.get(name)
    provider = draft.provider_of(target)
    return zone_of(target, provider) if target and provider else None


def _by_its_model(draft: Draft, name: str) -> str:
    target = draft.targets.get(name)
    provider = draft.provider_of(target)
    is_sent_on = target and provider and provider.is_in == "local"
    return f" (Ollama sends `{shown(target.model)}` on to ollama.com)" if target and is_sent_on else ""


CHECKS: tuple[Callable[[Draft], Iterable[Problem]], ...] = (
    targets_of_routes,
    arms_of_routes,
    rollouts_of_routes,
    routes_of_hooks,
    answers_that_are_looked_at,
    drills_that_have_a_path,
    fallbacks_that_help,
    boundaries_of_routes,
    data_that_may_go_somewhere,
    callers_who_are_known,
    pilots_who_are_known,
    names_of_routes,
    routes_within_reach,
)
