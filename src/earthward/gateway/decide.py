"""Where one request goes: its class, its route, its unit, its plan. Pure, so that it can be explained unasked."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.config.snapshot import EMBEDDINGS, Key, Route, Target
from earthward.gateway.doors.door import Question
from earthward.routing import egress, split
from earthward.routing.match import Asked, Router
from earthward.routing.plan import Plan, Planner

LONGEST_HINT = 200
WAYS_OUT = {
    "audio": "send a transcript of what is spoken",
    "documents": "send the text of documents",
    "images": "say in words what images show",
    "insert": "leave `suffix` out",
    "raw": "leave `raw`, `template` and `context` out",
    "schema": "ask for the form in words",
    "stream": "leave `stream` out",
    "tools": "leave tools out",
    "video": "send images of what moves",
}
"""What a caller can do instead of what no target of a route can."""


class Hints(NamedTuple):
    """What the caller says of a request in headers. A data class in any spelling; it can only bind, never free.

    Of several classes, as a proxy on the way may add one, the strictest counts.
    """

    task: str = ""
    priority: str = ""
    unit: str = ""
    data_class: str = ""


class Decision(msgspec.Struct, frozen=True):
    """`data_class` is the strictest of what header, key and route say."""

    route: Route
    plan: Plan
    unit: str
    data_class: str


def hints_of(headers: Mapping[bytes, bytes]) -> Hints:
    """`headers` by name, of one that is given several times the list of its values."""
    return Hints(
        _hint(headers, b"x-earthward-task"),
        _hint(headers, b"x-earthward-priority"),
        _hint(headers, b"x-earthward-unit"),
        _strictest_class(headers.get(b"x-earthward-data-class", b"")),
    )


def _strictest_class(value: bytes) -> str:
    # Read whole and cut afterwards: the strictest may be the last.
    classes = value.decode("latin-1").lower().split(",")
    return egress.strictest(word.strip() for word in classes)[:LONGEST_HINT]


def _hint(headers: Mapping[bytes, bytes], name: bytes) -> str:
    value = headers.get(name)
    return value[:LONGEST_HINT].decode("latin-1") if value else ""


def decide(
    router: Router,
    planner: Planner,
    question: Question,
    hints: Hints,
    key: Key,
    salt: bytes,
    own_key: str | None,
    minute: int = 0,
    is_drill_due: Callable[[Route], bool] | None = None,
) -> Decision | Failure:
    """The decision, or why there is no route. A plan without attempts is a decision too: it has its reasons.

    `own_key` is the dialect whose vendor's key the caller brings, where callers bring their own; `minute` is that of
    the week, which only counts for a router that looks at the time. `is_drill_due` is asked of routes that have so many
    drills an hour.
    """
    glance = question.glance
    data_class = egress.strictest((hints.data_class, key.data_class)) if key.data_class else hints.data_class
    asked = Asked(
        glance.model,
        hints.task,
        hints.priority,
        data_class,
        key.id,
        key.app,
        key.team,
        key.routes,
        glance.features,
        question.input_tokens,
        minute,
    )
    route = router.route(asked)
    if route is None:
        message = f"no route serves the model {glance.model[:LONGEST_HINT]!r}"
        return Failure(FailureKind.NO_SUCH_MODEL, message, param="model")
    if route.data_class:
        data_class = egress.strictest((data_class, route.data_class))
    draws = EMBEDDINGS not in glance.features
    unit = unit_of(route, question, hints, key, salt) if draws and (route.candidate is not None or route.drill) else ""
    plan = planner.plan(
        route,
        unit=unit,
        salt=salt,
        features=glance.features,
        data_class=data_class,
        key=key.id,
        app=key.app,
        team=key.team,
        own_key=own_key,
        draws=draws,
        is_drill_due=bool(route.drill_every) and is_drill_due is not None and is_drill_due(route),
    )
    return Decision(route, plan, unit, data_class)


def minute_of_week(weekday: int, hour: int, minute: int) -> int:
    """Monday is day 0."""
    return (weekday * 24 + hour) * 60 + minute


def unit_of(route: Route, question: Question, hints: Hints, key: Key, salt: bytes) -> str:
    """Who or what is kept on one arm."""
    glance = question.glance
    return split.unit(route, salt=salt, key=key.id, header=hints.unit, user=glance.unit, root=lambda: glance.root)


def no_target(plan: Plan, features: frozenset[str], targets: Mapping[str, Target]) -> Failure:
    """Why a plan without attempts serves nobody. What no target of the route can do, the caller must ask otherwise."""
    reasons = "; ".join(f"{name}: {reason}" for name, reason in plan.excluded)
    is_able = any(features <= targets[name].abilities for name, _ in plan.excluded)
    if is_able:
        return Failure(FailureKind.NO_TARGET, f"no target may serve this request ({reasons})")
    missing = sorted({need for name, _ in plan.excluded for need in features - targets[name].abilities})
    ways_out = ", ".join(WAYS_OUT[need] for need in missing if need in WAYS_OUT)
    otherwise = f"; {ways_out}, or name a model that can" if ways_out else ""
    return Failure(FailureKind.UNSUPPORTED, f"no target may serve this request ({reasons}){otherwise}")
