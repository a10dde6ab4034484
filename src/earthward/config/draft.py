"""A configuration as far as it could be read, for checks that look at several sections at once."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from earthward.config.document import Document, Path
from earthward.config.models import Provider, Route, Settings, Target
from earthward.config.problems import Problem, unknown
from earthward.rollout.plan import Plan

T = TypeVar("T")


class Draft(msgspec.Struct, frozen=True):
    """What could not be read is None."""

    document: Document
    settings: Settings | None
    providers: dict[str, Provider | None]
    targets: dict[str, Target | None]
    routes: tuple[Route | None, ...]
    rollouts: dict[str, Plan | None] = {}
    """Those of the file; presets are known without being written."""

    @property
    def is_passthrough(self) -> bool:
        return self.settings is not None and self.settings.auth == "passthrough"

    def read_providers(self) -> Iterator[tuple[str, Provider]]:
        return _read(self.providers)

    def read_targets(self) -> Iterator[tuple[str, Target]]:
        return _read(self.targets)

    def read_routes(self) -> Iterator[tuple[int, Route]]:
        return ((index, route) for index, route in enumerate(self.routes) if route is not None)

    def provider_of(self, target: Target | None) -> Provider | None:
        return self.providers.get(target.provider) if target else None

    def unknown_name(self, path: Path, what: str, known: Iterable[str]) -> Iterator[Problem]:
        """Looks at the file itself: a name is wrong whatever else is wrong around it."""
        name = self.document.text_at(path)
        if name is not None and name not in known:
            yield self.document.problem(path, unknown(what, name, known))


def _read(found: dict[str, T | None]) -> Iterator[tuple[str, T]]:
    return ((name, it) for name, it in found.items() if it is not None)
