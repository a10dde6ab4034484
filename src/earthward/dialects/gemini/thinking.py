"""How much a model may think, both ways: a level, or a budget of tokens, and whether its thoughts are shown."""

from typing import Any, Literal

import msgspec

from earthward.chat import ReasoningControl

MODEL_DECIDES = -1
"""The budget of thinking that the model measures out itself."""

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_READ: dict[str, Effort] = {
    "MINIMAL": "minimal",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "XHIGH": "xhigh",
}
_WRITTEN = {**{effort: level for level, effort in _READ.items()}, "max": "XHIGH"}
_BUDGETS = {"minimal": 512, "low": 1024, "medium": 8192, "high": 16384, "xhigh": 24576, "max": 24576}
"""A choice of ours, no standard."""


class WireThinking(msgspec.Struct, rename="camel"):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


def read_control(wire: WireThinking | None) -> ReasoningControl | None:
    """Thoughts are hidden unless asked for; a level that is not known only tunes, and leaves it to the model."""
    if wire is None:
        return None
    show = bool(wire.include_thoughts)
    if wire.thinking_budget == 0:
        return ReasoningControl("none", show=show)
    return ReasoningControl(_READ.get((wire.thinking_level or "").upper()), wire.thinking_budget, show)


def write_control(control: ReasoningControl | None, budgets: bool) -> dict[str, Any] | None:
    """`budgets` is whether the model, as those before Gemini 3, takes no level. Google refuses both together."""
    if control is None:
        return None
    if control.effort == "none" or (control.budget == 0 and control.effort is None):
        return {"thinkingBudget": 0}
    wire: dict[str, Any] = {}
    if control.budget is not None and (budgets or control.effort is None):
        wire["thinkingBudget"] = max(control.budget, MODEL_DECIDES)
    elif control.effort is not None:
        wire = {"thinkingBudget": _BUDGETS[control.effort]} if budgets else {"thinkingLevel": _WRITTEN[control.effort]}
    # Whoever gives a budget elsewhere, or no level, is shown the thoughts unasked.
    if control.show or (control.show is None and (control.effort is None or control.budget is not None)):
        wire["includeThoughts"] = True
    return wire or None


def is_said_roughly(control: ReasoningControl | None, budgets: bool) -> bool:
    """Whether the model is told less, or something else, than was asked for."""
    if control is None or control.effort in (None, "none"):
        return False
    return control.effort == "max" or budgets or control.budget is not None
