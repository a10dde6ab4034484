"""Whether routes and targets keep the objectives that the configuration states: for Prometheus and the admin API.

Counted in the ledger, over days, so that it is looked up once in a while and not with every scrape.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec
from fastapi import FastAPI, Query, Response
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.config.snapshot import Snapshot
from earthward.ledger.availability import USUAL, Availability, Of, availabilities
from earthward.store import queries

log = logging.getLogger(__name__)

DAYS = 30
LOOK = 60.0
"""Seconds for which what was found is told again."""
DAY = 86_400_000_000_000
LABELS = ("of", "name")


def stated(snapshot: Snapshot) -> dict[tuple[Of, str], float]:
    """The objectives of routes and targets that have one."""
    routes: dict[tuple[Of, str], float | None] = {("route", it.name): it.objective for it in snapshot.routes}
    targets: dict[tuple[Of, str], float | None] = {("target", it.name): it.objective for it in snapshot.targets}
    return {place: share for place, share in {**routes, **targets}.items() if share is not None}


class Availabilities:
    """What the ledger says of the last days, at most a minute old. To be asked in any thread."""

    def __init__(self, store: Callable[[], Engine | None], snapshot: Callable[[], Snapshot]) -> None:
        self._store = store
        self._snapshot = snapshot
        self._lock = threading.Lock()
        self._found: dict[tuple[str, int], tuple[float, list[Availability]]] = {}

    def of_all(self, days: int = DAYS) -> list[Availability]:
        """Of all that something was asked of; nothing while the ledger can't be read."""
        snapshot, now = self._snapshot(), time.monotonic()
        with self._lock:
            at, found = self._found.get((snapshot.version, days), (float("-inf"), []))
            if now - at >= LOOK or not found:
                found = self._looked_up(snapshot, days)
                fresh = {key: known for key, known in self._found.items() if now - known[0] < LOOK}
                self._found = {**fresh, (snapshot.version, days): (now, found)}
            return found

    def of_stated(self) -> list[Availability]:
        """Of those with an objective of their own. Waits for nothing: what was found last, looked up anew beside."""
        snapshot = self._snapshot()
        places = stated(snapshot)
        if not places:
            return []
        at, found = self._found.get((snapshot.version, DAYS), (float("-inf"), []))
        if (time.monotonic() - at >= LOOK or not found) and not self._lock.locked():
            threading.Thread(target=self.of_all, name="availability", daemon=True).start()
        return [it for it in found if (it.of, it.name) in places]

    def _looked_up(self, snapshot: Snapshot, days: int) -> list[Availability]:
        engine = self._store()
        if engine is None:
            return []
        try:
            outcomes = queries.outcomes(engine, time.time_ns() - days * DAY)
        except SQLAlchemyError as error:
            log.warning("the ledger can't be asked for availability: %s", getattr(error, "orig", None) or error)
            return []
        return availabilities(outcomes, USUAL, stated(snapshot))


class AvailabilityMetrics(Collector):
    def __init__(self, found: Callable[[], Sequence[Availability]]) -> None:
        self._found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        text = f"The share that was answered in the last {DAYS} days, of routes and targets with an objective."
        share = GaugeMetricFamily("earthward_availability", text, labels=LABELS)
        text = "The share of the failures its objective allows that is still to be spent; below 0 it is overspent."
        left = GaugeMetricFamily("earthward_error_budget_left", text, labels=LABELS)
        for it in self._found():
            share.add_metric([it.of, it.name], it.availability)
            left.add_metric([it.of, it.name], it.budget_left)
        yield from (share, left)


def serve_availability(app: FastAPI, known: Availabilities) -> None:
    @app.get("/api/availability")
    async def told(days: int = Query(DAYS, ge=1, le=366)) -> Response:
        found = await asyncio.to_thread(known.of_all, days)
        return Response(msgspec.json.encode({"days": days, "availability": found}), media_type="application/json")
