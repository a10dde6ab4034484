"""Which route serves a request: the first whose conditions all hold.

What a route can tell apart is known beforehand, so whatever no route names counts as one and the same, and each
combination is worked out once. Knows nothing of arms or targets' abilities.
"""

import fnmatch
import re
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

from earthward.config.snapshot import Route, Snapshot, Target, When

REMEMBERED = 8192
LONGEST_MODEL = 256
"""Characters. No model has a longer name; remembering and matching megabytes would cost the gateway, not the caller."""

_GLOB = re.compile(r"[*?\[]")

ModelTest = Callable[[str], object]


class Asked(NamedTuple):
    """What a request asks for, and who asks. `scope` names the routes the key may use; empty means all.

    `needs` are the abilities it takes, `tokens` the estimated length of its prompt, `minute` the minute of the week.
    """

    model: str
    task: str = ""
    priority: str = ""
    data: str = ""
    key: str = ""
    app: str = ""
    team: str = ""
    scope: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    tokens: int = 0
    minute: int = 0


WORDS = Asked._fields[1:7]


class Router:
    """The routes of one snapshot, ready to match. Not to be shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.targets: dict[str, Target] = {target.name: target for target in snapshot.targets}
        self._routes = snapshot.routes
        self._models = [_model_test(route.when.model) for route in snapshot.routes]
        whens = [route.when for route in snapshot.routes]
        self._named = _named(whens)
        self._apart = _told_apart(whens)
        self.looks_at_time = any(when.time for when in whens)
        self.looks_at_length = any(when.tokens for when in whens)
        self._known: dict[tuple[object, ...], Route | None] = {}

    def route(self, asked: Asked) -> Route | None:
        """The route that serves this, or None."""
        told_apart = (
            asked.model,
            asked.scope,
            *[word if (word := asked[at]) in named else "" for at, named in self._named],
            *[tell(asked) for tell in self._apart],
        )
        try:
            return self._known[told_apart]
        except KeyError:
            return self._first_match(asked, told_apart)

    def _first_match(self, asked: Asked, told_apart: tuple[object, ...]) -> Route | None:
        if len(asked.model) > LONGEST_MODEL:
            return None
        rules = zip(self._routes, self._models, strict=True)
        found = next((route for route, model_fits in rules if _holds(route, model_fits, asked)), None)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[told_apart] = found
        return found


def _holds(route: Route, model_fits: ModelTest | None, asked: Asked) -> bool:
    when = route.when
    return (
        (model_fits is None or bool(model_fits(asked.model)))
        and (not when.task or asked.task in when.task)
        and (not when.priority or asked.priority in when.priority)
        and (not when.data or asked.data in when.data)
        and (not when.key or asked.key in when.key)
        and (not when.app or asked.app in when.app)
        and (not when.team or asked.team in when.team)
        and (not asked.scope or route.name in asked.scope)
        and asked.needs.issuperset(when.needs)
        and (when.tokens is None or when.tokens[0] <= asked.tokens <= when.tokens[1])
        and (not when.time or any(start <= asked.minute < end for start, end in when.time))
    )


def _model_test(patterns: tuple[str, ...]) -> ModelTest | None:
    """None where any model will do."""
    if not patterns or "*" in patterns:
        return None
    if not any(map(_GLOB.search, patterns)):
        return frozenset(patterns).__contains__
    return re.compile("|".join(map(fnmatch.translate, patterns))).match


def _named(whens: list[When]) -> list[tuple[int, frozenset[str]]]:
    """Where in what is asked stand words that some route names, and which; any other word makes no difference."""
    fields = enumerate(WORDS, 1)
    named = [(at, frozenset(word for when in whens for word in getattr(when, field))) for at, field in fields]
    return [(at, words) for at, words in named if words]


def _told_apart(whens: list[When]) -> list[Callable[[Asked], object]]:
    """What else routes tell apart: of all lengths and minutes only between which of their bounds they lie."""
    tells: list[Callable[[Asked], object]] = []
    needed = frozenset(need for when in whens for need in when.needs)
    lengths = sorted({bound for when in whens if when.tokens for bound in (when.tokens[0], when.tokens[1] + 1)})
    minutes = sorted({bound for when in whens for span in when.time for bound in span})
    if needed:
        tells.append(lambda asked: asked.needs & needed)
    if lengths:
        tells.append(lambda asked: bisect_right(lengths, asked.tokens))
    if minutes:
        tells.append(lambda asked: bisect_right(minutes, asked.minute))
    return tells
