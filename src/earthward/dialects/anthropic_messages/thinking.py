"""How much a model may think, both ways.

Thinking and effort are two fields here: `thinking` says whether and by which budget, `output_config.effort` how hard
to try in all.
"""

from typing import Any, Literal

import msgspec

from earthward.chat import ReasoningControl

MODEL_DECIDES = -1
"""The budget of thinking that the model measures out itself."""

LEAST_BUDGET = 1024

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_EFFORTS: dict[str, Effort] = {"low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_SHOWN = {"summarized": True, "omitted": False}
_DISPLAYS = {shown: display for display, shown in _SHOWN.items()}
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 16384, "xhigh": 24576, "max": 31999}
"""A choice of ours, no standard."""


class WireThinking(msgspec.Struct):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


def is_known(thinking: WireThinking) -> bool:
    return thinking.type in ("enabled", "adaptive", "disabled")


def is_known_effort(effort: str | None) -> bool:
    return effort in _EFFORTS


def read_control(thinking: WireThinking | None, effort: str | None) -> ReasoningControl | None:
    """None if nothing was said. An unknown effort is for the caller to keep."""
    known = _EFFORTS.get(effort or "")
    if thinking is None or not is_known(thinking):
        return ReasoningControl(known) if known else None
    if thinking.type == "disabled":
        return ReasoningControl("none")
    budget = thinking.budget_tokens if thinking.type == "enabled" else MODEL_DECIDES
    return ReasoningControl(known, budget, _SHOWN.get(thinking.display or ""))


def write_thinking(control: ReasoningControl | None, max_tokens: int, budgets: bool) -> dict[str, Any] | None:
    """`budgets` is whether the model, as those before Claude 4.6, takes no thinking but by a budget of tokens."""
    if control is None:
        return None
    if control.effort == "none" or (control.budget == 0 and control.effort is None):
        return {"type": "disabled"}
    budget = _budget(control, budgets)
    wire: dict[str, Any] = {"type": "adaptive"}
    if budget is not None:
        budget = min(max(budget, LEAST_BUDGET), max_tokens - 1)
        if budget < LEAST_BUDGET:
            return None
        wire = {"type": "enabled", "budget_tokens": budget}
    display = _DISPLAYS.get(control.show) if control.show is not None else None
    return wire if display is None else {**wire, "display": display}


def write_effort(control: ReasoningControl | None, budgets: bool) -> str | None:
    """Models that take budgets only would refuse it."""
    if control is None or control.effort in (None, "none") or budgets:
        return None
    return "low" if control.effort == "minimal" else control.effort


def is_said_roughly(control: ReasoningControl | None, thinking: dict[str, Any] | None) -> bool:
    """Whether `thinking`, as written, is less or more than what was asked for."""
    if control is None or thinking == {"type": "disabled"}:
        return False
    if thinking is None or control.effort == "minimal":
        return True
    asked = control.budget if control.budget is not None else MODEL_DECIDES
    return bool(thinking.get("budget_tokens", MODEL_DECIDES) != asked)


def _budget(control: ReasoningControl, budgets: bool) -> int | None:
    if control.budget is not None and control.budget != MODEL_DECIDES:
        return control.budget
    return _BUDGETS[control.effort or "medium"] if budgets else None
