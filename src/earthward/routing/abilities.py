"""What a target can do, as far as its hosts have told of its model. What the configuration states counts more."""

from collections.abc import Iterable

import msgspec

from earthward.config.snapshot import Shown, Target

_ABILITY_OF = {"vision": "images", "audio": "audio", "insert": "insert"}
"""Ollama's words for what a model can do, and ours. A model that knows no tools is told of them in words."""


def learned(target: Target, shown: Iterable[Shown]) -> Target:
    """The target with what its hosts tell of its model, of which it can only rely on what all of them tell."""
    found = list(shown)
    if not found:
        return msgspec.structs.replace(target, shown=None) if target.shown is not None else target
    one = _agreed(found)
    if one.capabilities is None or target.states_abilities:
        return msgspec.structs.replace(target, shown=one)
    told = {ours for theirs, ours in _ABILITY_OF.items() if theirs in one.capabilities}
    return msgspec.structs.replace(
        target, shown=one, abilities=(target.abilities - set(_ABILITY_OF.values())) | frozenset(told)
    )


def _agreed(shown: list[Shown]) -> Shown:
    """Hosts can hold other models under the same name."""
    told = [set(one.capabilities) for one in shown if one.capabilities is not None]
    contexts = [one.context for one in shown if one.context]
    return Shown(
        shown[0].model,
        tuple(sorted(set.intersection(*told))) if len(told) == len(shown) else None,
        tuple(dict.fromkeys(stop for one in shown for stop in one.stop)),
        any(one.thinks_in_levels for one in shown),
        min(contexts, default=None),
    )
