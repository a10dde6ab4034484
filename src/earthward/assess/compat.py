"""What of the things that break on the way to Ollama each application would meet, how often, and what comes of it."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from earthward.assess.recorded import Request
from earthward.dialects.breaks import FEATURES, found_in
from earthward.dialects.gotchas import GOTCHAS

ORDER = ("yours to change", "refused", "told", "handled")
_FEATURES = {f"{one.number} {one.what}": one for one in FEATURES}
_DOES = {number: (title, does) for number, title, does, _ in GOTCHAS}


class Meeting(msgspec.Struct, frozen=True):
    """`requests` are those of the application that it was found in, `share` a part of all of its requests."""

    number: int
    what: str
    requests: int
    share: float
    verdict: str
    breaks: str
    with_earthward: str


class Application(msgspec.Struct, frozen=True):
    name: str
    requests: int
    meets: tuple[Meeting, ...]


class Compatibility(msgspec.Struct, frozen=True):
    """`without_request` are records that hold no request with its body."""

    requests: int
    without_request: int
    applications: tuple[Application, ...]


class Audit:
    """Takes requests one at a time and keeps counts alone."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._met: dict[str, Counter[str]] = {}
        self._without = 0

    @property
    def requests(self) -> int:
        return self._seen.total()

    def take(self, found: Iterable[Request | None]) -> None:
        for request in found:
            if request is None:
                self._without += 1
                continue
            self._seen[request.app] += 1
            names = (f"{one.number} {one.what}" for one in found_in(request.path, request.body))
            self._met.setdefault(request.app, Counter()).update(names)

    def add(self, app: str, requests: int, met: Mapping[str, int]) -> None:
        """What a gateway has counted; what this version doesn't know is left out."""
        self._seen[app] += requests
        known = {name: count for name, count in met.items() if name in _FEATURES}
        self._met.setdefault(app, Counter()).update(known)

    def result(self) -> Compatibility:
        applications = tuple(
            Application(name, count, tuple(self._meetings(name, count))) for name, count in self._seen.most_common()
        )
        return Compatibility(self.requests, self._without, applications)

    def _meetings(self, name: str, count: int) -> list[Meeting]:
        met = [
            Meeting(one.number, one.what, times, times / count, one.verdict, *_DOES[one.number])
            for one, times in ((_FEATURES[found], times) for found, times in self._met[name].items())
        ]
        return sorted(met, key=lambda one: (ORDER.index(one.verdict), -one.requests, one.number))
