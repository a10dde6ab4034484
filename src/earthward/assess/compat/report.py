"""For each application, what it would meet, how often, and what the gateway does about it."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from earthward.assess.compat.features import Feature, found_in
from earthward.assess.compat.recorded import Request
from earthward.dialects.gotchas import GOTCHAS

ORDER = ("yours to change", "refused", "told", "handled")
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
        self._met: dict[str, Counter[Feature]] = {}
        self._without = 0

    def take(self, found: Iterable[Request | None]) -> None:
        for request in found:
            if request is None:
                self._without += 1
                continue
            self._seen[request.app] += 1
            self._met.setdefault(request.app, Counter()).update(found_in(request.path, request.body))

    def result(self) -> Compatibility:
        applications = tuple(
            Application(name, count, tuple(self._meetings(name, count))) for name, count in self._seen.most_common()
        )
        return Compatibility(self._seen.total(), self._without, applications)

    def _meetings(self, name: str, count: int) -> list[Meeting]:
        met = [
            Meeting(feature.number, feature.what, times, times / count, feature.verdict, *_DOES[feature.number])
            for feature, times in self._met[name].items()
        ]
        return sorted(met, key=lambda one: (ORDER.index(one.verdict), -one.requests, one.number))
