"""What of a plan can be measured on a route. A gate without a source would hold for ever, so it is set aside, and told.

Plans are written for many routes, and presets before there are any: not each of them has somebody who judges answers.
"""

from collections.abc import Collection

import msgspec

from earthward.rollout.metrics import METRICS
from earthward.rollout.plan import Plan, Stage

LACKS = {
    "quality": "nobody compares answers on this route",
    "feedback": "no feedback reaches this gateway",
}
UNLOOKED = "nobody looks at answers on this route"
NO_SHADOWS = "nothing runs shadows on this route"


def measurable(plan: Plan, sources: Collection[str], *, shadows: bool) -> Plan:
    """The plan without what nothing measures, which `set_aside` then names. Events of the user's own stay: requests
    name them.
    """
    missing = [it.metric for it in plan.gates if it.metric in METRICS and it.metric not in sources]
    kept = tuple(it for it in plan.stages if shadows or not it.is_shadow)
    if not missing and len(kept) == len(plan.stages):
        return plan
    skipped = [f"stage {it.name}: {NO_SHADOWS}" for it in plan.stages if it not in kept]
    return msgspec.structs.replace(
        plan,
        gates=tuple(it for it in plan.gates if it.metric not in missing),
        stages=tuple(_without(it, missing) for it in kept),
        bake=_without(plan.bake, missing),
        set_aside=(*skipped, *(f"{name}: {LACKS.get(name, UNLOOKED)}" for name in missing)),
    )


def has_guardrail(plan: Plan) -> bool:
    return any(gate.role == "guardrail" for gate in plan.gates)


def _without(stage: Stage, missing: Collection[str]) -> Stage:
    return msgspec.structs.replace(stage, gates=tuple(name for name in stage.gates if name not in missing))
