"""How much a model is to think, both ways.

Models with the capability think unless told not to, which takes from the room for the answer: who did not ask for it
gets none. Some families take a level and cannot be turned off; all others are only on or off.
"""

from typing import Literal

from earthward.chat import FailureKind, ReasoningControl
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.ollama.model import Model

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

_READ: dict[str, Effort] = {"low": "low", "medium": "medium", "high": "high", "max": "max"}
_LEVELS: dict[Effort, str] = {
    "none": "low",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
}


def read_think(wire: bool | str | None) -> ReasoningControl | None:
    """On without a level is a control that leaves all to the model, and is shown the thoughts wherever it goes; with a
    level that has to be said, since elsewhere a level alone hides them. Raises Inexpressible for a level not known."""
    if wire is None:
        return None
    if isinstance(wire, bool):
        return ReasoningControl() if wire else ReasoningControl("none")
    if wire not in _READ:
        known = ", ".join(_READ)
        message = f"`think` is {wire!r}; known are true, false, {known}"
        raise Inexpressible(message, "think", FailureKind.BAD_REQUEST)
    return ReasoningControl(_READ[wire], show=True)


def written_think(control: ReasoningControl | None, model: Model) -> bool | str | None:
    """None to leave it out: Ollama refuses it for a model that cannot think."""
    effort = _effort(control)
    if model.thinks is False or (model.thinks is None and control is None):
        return None
    if model.thinks_in_levels:
        return None if control is None or effort is None else _LEVELS[effort]
    return control is not None and effort != "none"


def is_think_lost(control: ReasoningControl | None, model: Model) -> bool:
    """Whether the caller's wish is dropped, or said only roughly. Thoughts are always shown."""
    if control is None:
        return False
    if control.effort == "none" or (control.effort is None and control.budget == 0):
        return model.thinks_in_levels
    if control.budget is not None or control.show is False or model.thinks is False:
        return True
    if control.effort is None:
        return False
    return control.effort not in _READ or not model.thinks_in_levels


def _effort(control: ReasoningControl | None) -> Effort | None:
    """A budget of tokens as a level; the bounds between them are a choice of ours, no standard."""
    if control is None or control.effort is not None:
        return control.effort if control else None
    if control.budget is None:
        return "none" if control.show is False else None
    if control.budget <= 0:
        return "none" if control.budget == 0 else None
    return "low" if control.budget <= 1024 else "medium" if control.budget <= 8192 else "high"
