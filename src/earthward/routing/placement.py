"""Which hosts keep which models loaded: a plan made before anybody asks, so that first requests find them warm and no
two models put each other out.
"""

from collections.abc import Sequence

import msgspec


class Home(msgspec.Struct, frozen=True):
    """A host: the models it has loaded, and those on its disk with their bytes (None: not known)."""

    url: str
    loaded: frozenset[str] = frozenset()
    installed: dict[str, int] | None = None

    def can_hold(self, model: str) -> bool:
        return self.installed is None or model in self.installed

    def size(self, model: str) -> int:
        return (self.installed or {}).get(model, 0)


class Wish(msgspec.Struct, frozen=True):
    """A model that so many hosts should have loaded."""

    model: str
    copies: int


class Placed(msgspec.Struct, frozen=True):
    url: str
    model: str


def placement(homes: Sequence[Home], wishes: Sequence[Wish]) -> tuple[Placed, ...]:
    """Where each model should be: the greatest first, where it is already before elsewhere, then on the host that
    holds the least. One that no host has on its disk is nowhere."""
    weights = {home.url: 0 for home in homes}
    counts = {home.url: 0 for home in homes}
    placed: list[Placed] = []
    for wish in sorted(wishes, key=lambda wish: -max((home.size(wish.model) for home in homes), default=0)):
        able = [home for home in homes if home.can_hold(wish.model)]
        for _ in range(min(wish.copies, len(able))):
            best = min(able, key=lambda home: (wish.model not in home.loaded, weights[home.url], counts[home.url]))
            able.remove(best)
            weights[best.url] += best.size(wish.model)
            counts[best.url] += 1
            placed.append(Placed(best.url, wish.model))
    return tuple(placed)
