"""What Claude's models take, as their names tell: how they are told to think, and how to draw.

Anthropic refuses the whole request for one of these that its model does not take, though all of them only tune. What
has another name, as models of other vendors that speak the same, is taken to know all of it.
"""

import re
from functools import lru_cache
from typing import Literal

import msgspec

Version = tuple[int, int]
_PARTS = re.compile(r"[-.@]")


class Claude(msgspec.Struct, frozen=True):
    """`thinks`: not at all, by a budget of tokens, either by a budget or by itself, by itself alone.

    `draws`: as it was told by any of temperature, `top_p` and `top_k`; by temperature or `top_p`, not by both; as it
    will.
    """

    thinks: Literal["never", "by_budget", "either", "by_itself"] = "either"
    draws: Literal["as_told", "by_one", "as_it_will"] = "as_told"
    tries_very_hard: bool = True


@lru_cache(maxsize=1024)
def claude(model: str) -> Claude:
    version = version_of(model)
    if version is None:
        return Claude()
    if version >= (4, 7):
        return Claude("by_itself", "as_it_will")
    draws: Literal["as_told", "by_one"] = "by_one" if version >= (4, 1) else "as_told"
    if version >= (4, 6):
        return Claude("either", draws, tries_very_hard=False)
    return Claude("by_budget" if version >= (3, 7) else "never", draws, tries_very_hard=False)


def version_of(model: str) -> Version | None:
    """(4, 5) of `claude-sonnet-4-5@20250929`; None where the name tells none."""
    _, is_claude, name = model.rpartition("claude-")
    numbers = [int(part) for part in _PARTS.split(name) if part.isdecimal() and len(part) < 3]
    if not is_claude or not numbers:
        return None
    return (numbers[0], numbers[1] if len(numbers) > 1 else 0)
