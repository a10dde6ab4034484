"""What of a plan can be measured on a route. A gate without a source would hold for ever, so it is set aside, and told.

Plans are written for many routes, and presets before there are any: not each of them has somebody who judges answers.
"""

from collections.abc import Collection

import msgspec

from earthward.rollout.metrics import METRICS
from earthward.rollout.plan import Plan, Stage

LACKS = {"quality": "nobody judges answers on this route; add `shadow: {rate: 5%}` and a `judge`"}
UNLOOKED = "answers are not compared on this route; add `shadow: {rate: 5%}`"


def measurable(plan: Plan, sources: Collection[str]) -> Plan:
    """The plan without what nothing measures, which `set_aside` then names. Events of the user's own stay: requests
    name them.
    """
    missing = [it.metric for it in plan.gates if it.metric in METRICS and it.metric not in sources]
    if not missing:
        return plan
    return msgspec.structs.replace(
        plan,
        gates=tuple(it for it in plan.gates if it.metric not in missing),
        stages=tuple(_without(it, missing) for it in plan.stages),
        bake=_without(plan.bake, missing),
        set_aside=tuple(f"{name}: {LACKS.get(name, UNLOOKED)}" for name in missing),
    )


def has_guardrail(plan: Plan) -> bool:
    return any(gate.role == "guardrail" for gate in plan.gates)


def _without(stage: Stage, missing: Collection[str]) -> Stage:
    return msgspec.structs.replace(stage, gates=tuple(name for name in stage.gates if name not in missing))
