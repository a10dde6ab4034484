"""How the chance of a false rollback is shared among the tests that may cause one.

The parts of all guardrails, over all their stages, add up to the plan's α, so that the whole rollout keeps to it (the
union bound). Signals and dry runs roll nothing back, so they take nothing from it; each is held to the part it would
have as one more guardrail.
"""

from collections.abc import Mapping

from earthward.rollout.plan import Gate, Plan, metric_of


def shares(plan: Plan) -> Mapping[str, float]:
    """α of each metric's test, and for metrics that begin anew in each stage, of each such test."""
    guardrails = sum(_weight(gate) for gate in plan.gates if gate.role == "guardrail")
    return {gate.metric: _share(plan, gate, guardrails) for gate in plan.gates}


def _share(plan: Plan, gate: Gate, guardrails: float) -> float:
    weight = _weight(gate)
    if not weight:
        # What is only shown takes nothing, and nothing is ever compared with this.
        return plan.alpha
    whole = guardrails if gate.role == "guardrail" else guardrails + weight
    return plan.alpha * weight / whole / _times(plan, gate)


def _weight(gate: Gate) -> float:
    metric = metric_of(gate)
    return 0.0 if metric.kind == "sums" else metric.weight


def _times(plan: Plan, gate: Gate) -> int:
    """How often the test begins anew; the watch at the end is one more stage."""
    return 1 if metric_of(gate).span == "epoch" else len(plan.stages) + 1
