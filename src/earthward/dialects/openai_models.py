"""What OpenAI's models that reason take, as their names tell: how to draw is theirs to say, and mostly where to stop.

OpenAI refuses the whole request for one of these, though all of them only tune. Those since 5.1 draw as they are told
if they are told not to think. The names of deployments at Azure may tell nothing; then all is sent.
"""

import re
from functools import lru_cache
from typing import Any

import msgspec

from earthward.chat import ChatRequest, ReasoningControl

_NAME = re.compile(r"(?:.*/)?(?:o(?P<series>\d)|gpt-(?P<major>\d+)(?:\.(?P<minor>\d+))?)(?=-|$)(?!.*-chat)")
_NEUTRAL: dict[str, Any] = {"temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0}
"""What says what holds anyway, and is taken."""


class Reasoner(msgspec.Struct, frozen=True):
    """`may_draw` is whether it draws as it is told when it doesn't think, `stops` whether it stops where it is told."""

    may_draw: bool = False
    stops: bool = False


@lru_cache(maxsize=1024)
def reasoner(model: str) -> Reasoner | None:
    """None for one that doesn't reason, or whose name does not tell."""
    found = _NAME.match(model)
    if found is None:
        return None
    if found["series"] is not None:
        return Reasoner(stops=found["series"] == "1")
    version = int(found["major"]), int(found["minor"] or 0)
    return Reasoner(may_draw=version >= (5, 1)) if version >= (5, 0) else None


def as_taken(request: ChatRequest) -> tuple[ChatRequest, tuple[str, ...]]:
    """The request without what its model would refuse it for, and the names of that."""
    model = reasoner(request.model)
    if model is None or (model.may_draw and _thinks_not(request.reasoning)):
        return request, ()
    sampling = request.sampling
    lost = [name for name, neutral in _NEUTRAL.items() if getattr(sampling, name) not in (None, neutral)]
    unsaid = dict.fromkeys(lost)
    stop = sampling.stop if model.stops else ()
    lost += ["stop"] if sampling.stop != stop else []
    lost += ["logprobs"] if request.logprobs else []
    lost += ["top_logprobs"] if request.top_logprobs is not None else []
    lost += ["logit_bias"] if "logit_bias" in request.rest else []
    if not lost:
        return request, ()
    return msgspec.structs.replace(
        request,
        sampling=msgspec.structs.replace(sampling, **unsaid, stop=stop),
        logprobs=False,
        top_logprobs=None,
        rest={name: value for name, value in request.rest.items() if name != "logit_bias"},
    ), tuple(lost)


def _thinks_not(control: ReasoningControl | None) -> bool:
    return control is not None and (control.effort == "none" or (control.effort is None and control.budget == 0))
