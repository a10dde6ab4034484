"""How a request would be served, said instead of done: nothing is sent anywhere."""

from collections.abc import Mapping
from typing import Any

import msgspec

from earthward.chat import Failure
from earthward.gateway.crossing import crossing
from earthward.gateway.decide import Decision
from earthward.gateway.doors.door import Question
from earthward.gateway.serving import ServingTarget

ASKS_TO_EXPLAIN = b"x-earthward-explain"


def explanation(question: Question, decision: Decision, targets: Mapping[str, ServingTarget]) -> bytes:
    """As JSON."""
    return msgspec.json.encode(explained(question, decision, targets))


def explained(question: Question, decision: Decision, targets: Mapping[str, ServingTarget]) -> dict[str, Any]:
    glance, plan = question.glance, decision.plan
    return {
        "model": glance.model,
        "dialect": question.door.dialect,
        "stream": glance.stream,
        "needs": sorted(glance.features),
        "data_class": decision.data_class or "internal",
        "route": plan.route,
        "boundary": decision.route.boundary,
        "arm": plan.arm,
        "unit": decision.unit,
        "share": plan.share / 10_000,
        "bucket": None if plan.bucket < 0 else plan.bucket / 10_000,
        "attempts": [_attempt(question, targets[name], why) for name, why in plan.attempts],
        "excluded": [{"target": name, "why": why} for name, why in plan.excluded],
    }


def _attempt(question: Question, target: ServingTarget, why: str) -> dict[str, Any]:
    provider = target.provider
    written = crossing(question, target.way, provider.dialect, target.target.model).request()
    passes = provider.dialect == question.door.dialect
    about = {
        "target": target.name,
        "why": why,
        "provider": provider.name,
        "zone": target.target.zone,
        "model": target.target.model,
        "dialect": provider.dialect,
        "crossing": "passes through" if passes else "is translated",
    }
    if isinstance(written, Failure):
        return {**about, "refused": written.message}
    return {**about, "dropped": list(written.dropped)}
