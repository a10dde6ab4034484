"""How a request would be served, said instead of done: nothing is sent anywhere."""

from collections.abc import Iterable, Mapping

import msgspec

from earthward.chat import Failure
from earthward.config.snapshot import Provider, Route, Snapshot, Target
from earthward.gateway import tiers
from earthward.gateway.crossing import crossing
from earthward.gateway.decide import Decision
from earthward.gateway.doors import EXITS
from earthward.gateway.doors.door import Question
from earthward.gateway.limits_left import Left, Remaining, remaining
from earthward.gateway.scores import Endpoints
from earthward.gateway.serving import api_of
from earthward.gateway.terms import Terms, terms_of
from earthward.routing.context import Lengths
from earthward.routing.drill import emergency_target, is_path_unused
from earthward.routing.egress import UNCLASSIFIED
from earthward.routing.split import BUCKETS

ASKS_TO_EXPLAIN = b"x-earthward-explain"


class Attempted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A target that would be tried, and why. `dropped` names what can't be said there, `made_up` what the gateway does
    in the target's place, `refused` why nothing can be said.

    `context` is with how many tokens its host is asked to load the model, where several are configured, and
    `context_why` why; one that has it loaded with more is asked for that.
    `endpoints` are those of its provider as this worker sees them, where a worker was asked.
    """

    target: str
    why: str
    provider: str
    zone: str
    model: str
    dialect: str
    translated: bool
    dropped: tuple[str, ...] = ()
    made_up: tuple[str, ...] = ()
    refused: str | None = None
    endpoints: Endpoints | None = None
    context: int | None = None
    context_why: str = ""


class Excluded(msgspec.Struct, frozen=True):
    target: str
    why: str


class Explanation(msgspec.Struct, frozen=True):
    """`share` is the chance this unit had of the candidate, `bucket` what was drawn, None where nothing was.

    `drill` says what is drilled on this route.
    """

    model: str
    dialect: str
    stream: bool
    needs: tuple[str, ...]
    data_class: str
    route: str
    boundary: str | None
    arm: str
    unit: str
    share: float
    bucket: float | None
    attempts: tuple[Attempted, ...]
    excluded: tuple[Excluded, ...]
    limits: tuple[Remaining, ...] = ()
    drill: str | None = None


def explanation(
    question: Question,
    decision: Decision,
    snapshot: Snapshot,
    seen: Mapping[str, Endpoints] | None = None,
    left: Iterable[Left] = (),
    lengths: Lengths | None = None,
) -> Explanation:
    """`seen` are the endpoints behind each target, as a worker sees them, `left` what limits apply, `lengths` what was
    learned of models' tokens."""
    glance, plan = question.glance, decision.plan
    targets = {target.name: target for target in snapshot.targets}
    providers = {provider.name: provider for provider in snapshot.providers}
    return Explanation(
        model=glance.model,
        dialect=question.door.dialect,
        stream=glance.stream,
        needs=tuple(sorted(glance.features)),
        data_class=decision.data_class or UNCLASSIFIED,
        route=plan.route,
        boundary=decision.route.boundary,
        arm=plan.arm,
        unit=decision.unit,
        share=plan.share / BUCKETS,
        bucket=None if plan.bucket < 0 else plan.bucket / BUCKETS,
        attempts=tuple(
            _attempted(
                question,
                why,
                target := targets[name],
                providers[target.provider],
                terms_of(target, providers[target.provider], snapshot.fetch_from),
                (seen or {}).get(name),
                lengths or Lengths(),
            )
            for name, why in plan.attempts
        ),
        excluded=tuple(Excluded(name, why) for name, why in plan.excluded),
        limits=tuple(each for found in left for each in remaining(found)),
        drill=_drill(decision.route, targets),
    )


def _drill(route: Route, targets: Mapping[str, Target]) -> str | None:
    """What goes through the route's emergency path, whether this request is drilled or not."""
    name = emergency_target(route, targets) if route.drill or route.drill_every else None
    if name is None:
        return None
    hourly = round(3600 / route.drill_every) if route.drill_every else 0
    often = (
        f"{hourly} request{'s' if hourly > 1 else ''} an hour" if hourly else f"{route.drill / 100:g} % of the units"
    )
    begins = "" if is_path_unused(route) else ", once the candidate has all the traffic"
    return f"{often} through `{name}`{begins}"


def _attempted(
    question: Question,
    why: str,
    target: Target,
    provider: Provider,
    terms: Terms,
    endpoints: Endpoints | None,
    lengths: Lengths,
) -> Attempted:
    dialect = api_of(target, provider).dialect
    way = EXITS[dialect].way(target, provider)
    written = crossing(question, way, dialect, target.model, terms).request()
    translated = dialect != question.door.dialect
    about = (target.name, why, provider.name, target.zone, target.model, dialect, translated)
    if isinstance(written, Failure):
        return Attempted(*about, refused=written.message, endpoints=endpoints)
    context = tiers.context_for(question, target, lengths) if target.tiers else None
    return Attempted(
        *about,
        dropped=written.dropped,
        made_up=written.made_up,
        endpoints=endpoints,
        context=context,
        context_why=tiers.reason(question, target, lengths),
    )
