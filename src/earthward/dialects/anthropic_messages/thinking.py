"""How much a model may think, both ways.

Thinking and effort are two fields here: `thinking` says whether and by which budget, `output_config.effort` how hard
to try in all.
"""

from typing import Any, Literal

import msgspec

from earthward.chat import ReasoningControl
from earthward.dialects.anthropic_messages.claude import Claude

MODEL_DECIDES = -1
"""The budget of thinking that the model measures out itself."""

LEAST_BUDGET = 1024

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_EFFORTS: dict[str, Effort] = {"low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_SHOWN = {"summarized": True, "omitted": False}
_DISPLAYS = {shown: display for display, shown in _SHOWN.items()}
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 16384, "xhigh": 24576, "max": 31999}


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


def write_thinking(control: ReasoningControl | None, max_tokens: int, model: Claude) -> dict[str, Any] | None:
    if control is None or model.thinks == "never":
        return None
    if _is_off(control):
        return {"type": "disabled"}
    budget = _budget(control, max_tokens, model)
    wire: dict[str, Any] = {"type": "adaptive"}
    if budget is not None:
        budget = min(max(budget, LEAST_BUDGET), max_tokens - 1)
        if budget < LEAST_BUDGET:
            return None
        wire = {"type": "enabled", "budget_tokens": budget}
    display = _DISPLAYS.get(control.show) if control.show is not None else None
    return wire if display is None else {**wire, "display": display}


def write_effort(control: ReasoningControl | None, model: Claude) -> str | None:
    """Models that think by budgets only would refuse it. Those that take none are told in its place."""
    if control is None or _is_off(control) or model.thinks in ("never", "by_budget"):
        return None
    effort: str | None = control.effort
    if effort is None and model.thinks == "by_itself" and (control.budget or 0) > 0:
        effort = _effort_of(control.budget or 0)
    return {"minimal": "low", "xhigh": effort if model.tries_very_hard else "high"}.get(effort or "", effort)


def is_said_roughly(control: ReasoningControl | None, thinking: dict[str, Any] | None, effort: str | None) -> bool:
    """Whether `thinking` and `effort`, as written, are less or more than what was asked for."""
    if control is None or _is_off(control):
        return False
    if thinking is None or (effort is not None and control.effort not in (None, effort)):
        return True
    asked = control.budget if control.budget is not None else MODEL_DECIDES
    return bool(thinking.get("budget_tokens", MODEL_DECIDES) != asked)


def _is_off(control: ReasoningControl) -> bool:
    return control.effort == "none" or (control.budget == 0 and control.effort is None)


def _budget(control: ReasoningControl, max_tokens: int, model: Claude) -> int | None:
    """Half of the cap is left for the answer where nobody said how much is to be thought."""
    if model.thinks == "by_itself":
        return None
    if control.budget is not None and control.budget != MODEL_DECIDES:
        return control.budget
    return min(budget_of(control), max_tokens // 2) if model.thinks == "by_budget" else None


def budget_of(control: ReasoningControl) -> int:
    """For an effort, in tokens: a choice of ours, no standard."""
    return _BUDGETS[control.effort or "medium"]


def _effort_of(budget: int) -> str:
    """The bounds are a choice of ours, no standard."""
    return "low" if budget <= 1024 else "medium" if budget <= 8192 else "high"
