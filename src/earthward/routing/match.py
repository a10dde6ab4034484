"""Which route serves a request: the first whose conditions all hold.

What a route can tell apart is known beforehand, so whatever no route names counts as one and the same, and each
combination is worked out once. Knows nothing of arms or targets' abilities.
"""

import fnmatch
import re
from collections.abc import Callable
from typing import NamedTuple

from earthward.config.snapshot import Route, Snapshot, Target, When

REMEMBERED = 8192
LONGEST_MODEL = 256
"""Characters. No model has a longer name; remembering and matching megabytes would cost the gateway, not the caller."""

_GLOB = re.compile(r"[*?\[]")

ModelTest = Callable[[str], object]


class Asked(NamedTuple):
    """What a request asks for, and who asks. `scope` names the routes the key may use; empty means all."""

    model: str
    task: str = ""
    priority: str = ""
    data: str = ""
    key: str = ""
    app: str = ""
    team: str = ""
    scope: tuple[str, ...] = ()


class Router:
    """The routes of one snapshot, ready to match. Not to be shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.targets: dict[str, Target] = {target.name: target for target in snapshot.targets}
        self._routes = snapshot.routes
        self._models = [_model_test(route.when.model) for route in snapshot.routes]
        self._named = _named([route.when for route in snapshot.routes])
        self._known: dict[tuple[object, ...], Route | None] = {}

    def route(self, asked: Asked) -> Route | None:
        """The route that serves this, or None."""
        told_apart = (
            asked.model,
            asked.scope,
            *[word if (word := asked[at]) in named else "" for at, named in self._named],
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
    fields = enumerate(Asked._fields[1:-1], 1)
    named = [(at, frozenset(word for when in whens for word in getattr(when, field))) for at, field in fields]
    return [(at, words) for at, words in named if words]
