"""A plan in the words of a configuration: what reads back to the same plan, and what changed between two."""

from collections.abc import Iterator, Mapping
from typing import Any

from earthward.rollout.event import WHOLE
from earthward.rollout.judge import span
from earthward.rollout.plan import DAY, Gate, Plan, Stage, percent

LONGEST = 10**9
"""Seconds that are written as such."""
UNSAID = "-"
NAMING = (".share", ".shadow", ".role")
"""What of a stage, and of a gate, stands for all of it."""


def as_written(plan: Plan) -> dict[str, Any]:
    """Its keys and values, as YAML would have them. What was set aside is in no plan as it is written."""
    stages = [_stage(it) for it in plan.stages]
    if plan.goal == WHOLE:
        stages.append(_stage(plan.bake) | {"share": percent(plan.goal)})
    else:
        stages[-1]["share"] = percent(plan.goal)
    holdback = 0 if plan.bake.share == plan.goal else WHOLE - plan.bake.share
    return {
        "stages": stages,
        "gates": [{it.metric: _gate(it)} for it in plan.gates],
        "bake": {"for": _time(plan.bake.hold), "holdback": percent(holdback)},
        "events": list(plan.events),
        "alpha": plan.alpha,
        "certify_alpha": plan.certify_alpha,
        "warm_up": _time(plan.warm_up),
        "cooldown": _time(plan.cooldown),
        "undo_window": _time(plan.undo_window),
    }


def changed(old: Plan, new: Plan) -> list[str]:
    """Each key that the two say differently, as in `stages[1].hold: 1 d -> 2 d`; a stage or a gate that only one of
    them has is one line."""
    before, after = dict(_flat(as_written(old))), dict(_flat(as_written(new)))
    parts = {_part(key) for key in before} ^ {_part(key) for key in after}
    keys = [*before, *(key for key in after if key not in before)]
    differ = [key for key in keys if before.get(key) != after.get(key)]
    told = [key for key in differ if _part(key) not in parts or key.endswith(NAMING)]
    return [f"{key}: {_said(before.get(key))} -> {_said(after.get(key))}" for key in told]


def _part(key: str) -> str:
    """The stage or the gate that a key belongs to, as in `stages[1]` or `gates.ttft`."""
    return key.rpartition(".")[0] if key.startswith(("stages[", "gates.")) else key.partition(".")[0]


def _stage(it: Stage) -> dict[str, Any]:
    written: dict[str, Any] = {
        "shadow" if it.is_shadow else "share": percent(it.share),
        "min_requests": it.min_requests,
        "hold": _time(it.hold),
        "gates": list(it.gates),
        "approval": it.approval,
        "on_timeout": it.on_timeout,
    }
    return written | ({} if it.timeout is None else {"timeout": _time(it.timeout)})


def _gate(it: Gate) -> dict[str, Any]:
    names = ("role", "tolerate", "below", "negligible", "margin", "pre_period")
    return {name: getattr(it, name) for name in names} | ({} if it.at_most is None else {"at_most": _time(it.at_most)})


def _time(seconds: float) -> str:
    return f"{seconds:.6f}s" if seconds < LONGEST else f"{seconds / DAY / 7:.6f}w"


def _flat(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    match value:
        case Mapping():
            for key, inside in value.items():
                yield from _flat(inside, f"{path}.{key}" if path else str(key))
        case list() if path in ("stages", "gates"):
            for number, inside in enumerate(value):
                yield from _flat(inside, f"{path}[{number}]" if path == "stages" else path)
        case _:
            yield path, value


def _said(value: object) -> str:
    match value:
        case None:
            return UNSAID
        case bool():
            return "yes" if value else "no"
        case str() if value.endswith("s") and value[:1].isdigit():
            return span(float(value[:-1]))
        case list():
            return ", ".join(map(str, value)) or "none"
        case float():
            return f"{value:g}"
    return str(value)
