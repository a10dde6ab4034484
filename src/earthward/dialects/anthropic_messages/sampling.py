"""How tokens are drawn, as far as a model of Anthropic's lets itself be told; and where it stops."""

from typing import Any

import msgspec

from earthward.chat import Sampling
from earthward.dialects.anthropic_messages.claude import Claude

Wire = dict[str, Any]

MOST_TEMPERATURE = 1.0
"""Of more Anthropic refuses the request."""
LEAST_TOP_P = 0.95
"""What a model that thinks takes at least."""
_NEVER_SAID = ("min_p", "frequency_penalty", "presence_penalty", "repeat_penalty", "seed")
_SAID = ("temperature", "top_p", "top_k")


def cooled(sampling: Sampling) -> Sampling:
    """Elsewhere a temperature may be 2. Of one that is too hot for Anthropic the hottest is said, all others as they
    are."""
    if sampling.temperature is None or sampling.temperature <= MOST_TEMPERATURE:
        return sampling
    return msgspec.structs.replace(sampling, temperature=MOST_TEMPERATURE)


def write_sampling(sampling: Sampling, model: Claude, thinks: bool) -> Wire:
    """`thinks` is whether thinking is asked for: that leaves little to tell."""
    drawn = {name: getattr(sampling, name) for name in _SAID}
    if thinks or model.draws == "as_it_will":
        # A temperature of 1 says what holds anyway.
        is_narrow = model.draws == "as_it_will" or (sampling.top_p or 0) < LEAST_TOP_P
        drawn["temperature"] = 1 if sampling.temperature == 1 else None
        drawn["top_p"] = None if is_narrow else sampling.top_p
        drawn["top_k"] = None
    if model.draws == "by_one" and drawn["temperature"] is not None:
        drawn["top_p"] = None
    return {**drawn, "stop_sequences": [stop for stop in sampling.stop if stop.strip()] or None}


def lost_sampling(sampling: Sampling, written: Wire) -> list[str]:
    """Stops of white space alone are refused there."""
    lost = [name for name in _SAID if getattr(sampling, name) != written[name]]
    lost += [name for name in _NEVER_SAID if getattr(sampling, name) is not None]
    return lost if all(stop.strip() for stop in sampling.stop) else [*lost, "stop"]
