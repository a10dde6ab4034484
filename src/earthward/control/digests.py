"""Whether a model is still what it was: a tag that is pulled anew stands for other weights, without a word.

Hosts tell a digest with each name. What changed at one of them, or differs between two, is told once.
"""

from collections.abc import Iterable

from earthward.fleet.found import Probed

SHOWN = 12
"""Characters of a digest that people need to tell two apart."""


class Digests:
    """What each name stands for at each host, as last told."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], str] = {}
        self._differing: frozenset[tuple[str, str]] = frozenset()

    def news(self, found: Iterable[Probed], wanted: frozenset[tuple[str, str]]) -> list[str]:
        """What to tell people, one line each. `wanted` are the (provider, model) that targets name."""
        lines: list[str] = []
        now = {
            (it.provider, model, it.url): digest
            for it in found
            for model, digest in it.report.digests
            if (it.provider, model) in wanted
        }
        for (provider, model, url), digest in now.items():
            before = self._known.get((provider, model, url), digest)
            if before != digest:
                lines.append(f"{url} has another {model} than before: {before[:SHOWN]} is now {digest[:SHOWN]}")
        self._known |= now
        differing = frozenset(place for place in wanted if len(self._at(place)) > 1)
        for provider, model in sorted(differing - self._differing):
            shown = ", ".join(sorted(digest[:SHOWN] for digest in self._at((provider, model))))
            lines.append(f"the hosts of {provider} have different models by the name {model}: {shown}")
        self._differing = differing
        return lines

    def _at(self, place: tuple[str, str]) -> set[str]:
        return {digest for (provider, model, _), digest in self._known.items() if (provider, model) == place}
