"""From a plain dict, as YAML or JSON gives it, to a plan, or to every problem there is with it, at once.

Knows no files and no lines: a problem names its path in the dict, and whoever read the file can say where that is.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from earthward.rollout import plan as plans
from earthward.rollout import plan_values as values
from earthward.rollout.event import WHOLE
from earthward.rollout.metrics import METRICS, ROLES, own
from earthward.rollout.plan import ALPHA, CERTIFY_ALPHA, HOUR, Gate, Plan, Stage
from earthward.rollout.presets import PRESETS
from earthward.rollout.problems import Path, PlanErrors, Reader

COMMON_KEYS = ("min_requests", "hold", "approval", "timeout", "on_timeout")
TIMES = {"warm_up": 0.0, "cooldown": HOUR, "undo_window": HOUR}
CHANCES = {"alpha": ALPHA, "certify_alpha": CERTIFY_ALPHA}
PLAN_KEYS = ("preset", "stages", "gates", "events", *COMMON_KEYS, "bake", *CHANCES, *TIMES)
STAGE_KEYS = ("share", "shadow", "gates", *COMMON_KEYS)
BAKE_KEYS = ("for", "holdback")
GATE_KEYS = ("role", "tolerate", "below", "negligible", "margin", "at_most", "pre_period")
TIMEOUTS = ("hold", "rollback")
MOST_STAGES = 100


def plan(given: object, name: str = "plan", path: Path = ()) -> Plan:
    """The plan that this dict says, or the name of a preset. Raises PlanErrors with all its problems.

    A dict with a `preset` takes from that whatever it does not say itself.
    """
    reader = Reader()
    read = _read(reader, given, name, path)
    if reader.problems or read is None:
        raise PlanErrors(reader.problems)
    return read


def with_own(given: object, metrics: Iterable[str]) -> object:
    """What is written of a plan, with the metrics of one's own that its configuration has as events of its own."""
    if not isinstance(given, dict) or not isinstance(given.get("events", []), list):
        return given
    more = [name for name in metrics if name not in given.get("events", [])]
    return {**given, "events": [*given.get("events", []), *more]} if more else given


@cache
def presets() -> Mapping[str, Plan]:
    """The plans that come with Earthward."""
    return {name: plan(name, name) for name in PRESETS}


def _read(reader: Reader, given: object, name: str, path: Path) -> Plan | None:
    given = _with_preset(reader, given, path)
    if given is None or not reader.known_keys(given, PLAN_KEYS, "key of a rollout", path):
        return None
    events: tuple[str, ...] = reader.value(given, "events", values.names, path, ())
    gates = _gates(reader, given, events, path)
    common = _stage_options(reader, given, path)
    holdback, bake_for = _bake(reader, given, path)
    chances = {key: reader.value(given, key, values.chance, path, usual) for key, usual in CHANCES.items()}
    times = {key: reader.value(given, key, values.duration, path, usual) for key, usual in TIMES.items()}
    stages = _stages(reader, given, common, gates, path)
    if not stages:
        return None
    goal = stages[-1].share
    last = {"gates": (), "min_requests": 0, "hold": 0.0, **stages.pop().own} if goal == WHOLE else {}
    bake = Stage(
        min(goal, WHOLE - holdback),
        min_requests=last.get("min_requests", 0),
        hold=max(bake_for, last.get("hold", 0.0)),
        gates=last.get("gates", ()),
        approval=last.get("approval", False),
    )
    return Plan(name, tuple(it.stage for it in stages), bake, tuple(gates), goal, events, **chances, **times)


def _with_preset(reader: Reader, given: object, path: Path) -> Mapping[str, Any] | None:
    name = given.get("preset") if isinstance(given, Mapping) else given
    if isinstance(given, Mapping) and name is None:
        return given
    if not isinstance(name, str):
        reader.note(path, "is no rollout; write a mapping with `stages`, or the name of a preset")
        return None
    if name not in PRESETS:
        reader.unknown("preset", name, PRESETS, path)
        return None
    return {**PRESETS[name], **(given if isinstance(given, Mapping) else {})}


def _gates(reader: Reader, given: Mapping[str, Any], events: Iterable[str], path: Path) -> list[Gate]:
    known = [*METRICS, *events]
    gates: dict[str, Gate] = {}
    items = reader.value(given, "gates", values.items, path, _gates_of_stages(given))
    for index, item in enumerate(items):
        gate = _gate(reader, item, known, (*path, "gates", index))
        if gate and gate.metric in gates:
            reader.note((*path, "gates", index), f"names `{gate.metric}` a second time")
        elif gate:
            gates[gate.metric] = gate
    if not reader.problems and not any(gate.role == "guardrail" for gate in gates.values()):
        reader.note((*path, "gates"), "has no guardrail, so nothing could ever roll this back; add `error_rate`")
    return list(gates.values())


def _gates_of_stages(given: Mapping[str, Any]) -> list[str]:
    """The gates that stages name, where the plan as a whole names none; at least one that can roll back."""
    stages = given.get("stages")
    asked = [stage.get("gates") for stage in stages if isinstance(stage, Mapping)] if isinstance(stages, list) else []
    names = [name for gates in asked if isinstance(gates, list) for name in gates if isinstance(name, str)]
    return list(dict.fromkeys(names)) or ["error_rate"]


def _gate(reader: Reader, item: object, known: list[str], path: Path) -> Gate | None:
    if isinstance(item, Mapping) and len(item) == 1:
        ((name, options),) = item.items()
    else:
        name, options = item, {}
    if not isinstance(name, str) or not isinstance(options, Mapping):
        reader.note(path, "takes the name of a metric, or one with options, as in `ttft: {at_most: 2s}`")
        return None
    if name not in known:
        reader.unknown("metric", name, known, path)
        return None
    if not reader.known_keys(options, GATE_KEYS, "option of a gate", (*path, name)):
        return None
    metric = METRICS.get(name) or own(name)
    at = (*path, name)
    role = reader.value(options, "role", values.one_of(*ROLES), at, metric.role)
    if role == "guardrail" and metric.kind == "sums":
        reader.note(at, "is only shown, never tested, so it can't be a guardrail")
    return Gate(
        name,
        role,
        tolerate=reader.value(options, "tolerate", values.ratio, at, 1.0),
        below=reader.value(options, "below", values.ratio, at, 2.0),
        negligible=reader.value(options, "negligible", values.margin, at, 0.005),
        margin=reader.value(options, "margin", values.margin, at, 0.05),
        at_most=reader.value(options, "at_most", values.span, at, None),
        pre_period=reader.value(options, "pre_period", values.count, at, 500),
    )


class _Read:
    """A stage, and what it said itself."""

    def __init__(self, stage: Stage, own: Mapping[str, Any]) -> None:
        self.stage = stage
        self.share = stage.share if not stage.is_shadow else 0
        self.own = own


def _stages(
    reader: Reader, given: Mapping[str, Any], common: Mapping[str, Any], gates: list[Gate], path: Path
) -> list[_Read]:
    if "stages" not in given:
        reader.note(path, "has no `stages`, as in `stages: [5%, 25%, 75%, 100%]`")
        return []
    items = reader.value(given, "stages", values.items, path, None)
    if items is None:
        return []
    if not 0 < len(items) <= MOST_STAGES:
        reader.note((*path, "stages"), f"takes 1 to {MOST_STAGES} stages")
        return []
    stages = [_stage(reader, item, common, gates, (*path, "stages", index)) for index, item in enumerate(items)]
    read = [stage for stage in stages if stage is not None]
    if len(read) == len(stages):
        _check_order(reader, read, (*path, "stages"))
    return read


def _check_order(reader: Reader, stages: list[_Read], path: Path) -> None:
    seen = 0
    for index, it in enumerate(stages):
        if it.stage.is_shadow:
            if seen:
                reader.note((*path, index), "is a shadow stage after users were moved; shadow stages come first")
        elif it.share <= seen:
            reader.note((*path, index), f"is {plans.percent(it.share)} after {plans.percent(seen)}; shares must rise")
        else:
            seen = it.share
    if not seen:
        reader.note(path, "has only shadow stages; end with the share that should move, such as 100%")


def _stage(reader: Reader, item: object, common: Mapping[str, Any], gates: list[Gate], path: Path) -> _Read | None:
    given = item if isinstance(item, Mapping) else {"share": item}
    if not reader.known_keys(given, STAGE_KEYS, "key of a stage", path):
        return None
    if ("share" in given) == ("shadow" in given):
        reader.note(path, "takes either `share` or `shadow`, as in 5% or {shadow: 20%}")
        return None
    is_shadow = "shadow" in given
    share = reader.value(given, "shadow" if is_shadow else "share", values.share, path, 0)
    own = _stage_options(reader, given, path)
    names = reader.value(given, "gates", values.names, path, None)
    if names is not None:
        own["gates"] = tuple(names)
        for name in names:
            if name not in [gate.metric for gate in gates]:
                reader.unknown("gate", name, [gate.metric for gate in gates], (*path, "gates"))
    usual = tuple(gate.metric for gate in gates if gate.role == "guardrail" and not (is_shadow and _is_of_stage(gate)))
    if not share:
        return None
    return _Read(Stage(share, is_shadow, **{"gates": usual, **common, **own}), own)


def _is_of_stage(gate: Gate) -> bool:
    return plans.metric_of(gate).span == "stage"


def _stage_options(reader: Reader, given: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What is given of the options that a plan and a stage have in common."""
    readers = {
        "min_requests": values.count,
        "hold": values.duration,
        "approval": values.flag,
        "timeout": values.span,
        "on_timeout": values.one_of(*TIMEOUTS),
    }
    return {key: reader.value(given, key, read, path, None) for key, read in readers.items() if key in given}


def _bake(reader: Reader, given: Mapping[str, Any], path: Path) -> tuple[int, float]:
    """The holdback, and for how long."""
    bake = given.get("bake", {})
    options = bake if isinstance(bake, Mapping) else {"for": bake}
    at = (*path, "bake")
    if not reader.known_keys(options, BAKE_KEYS, "key of `bake`", at):
        return 0, 0.0
    return reader.value(options, "holdback", values.holdback, at, 200), reader.value(
        options, "for", values.duration, at, 0.0
    )
