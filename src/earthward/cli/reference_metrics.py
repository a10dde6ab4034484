"""The page on metrics: every family that `/metrics` shows, with its labels."""

import tempfile
from pathlib import Path

from prometheus_client.metrics_core import Metric

from earthward.cli.markdown import page, table
from earthward.config.snapshot import Endpoint, Provider, Snapshot, Target
from earthward.control.availability import AvailabilityMetrics
from earthward.control.drills import Drilled
from earthward.control.endpoint_metrics import EndpointMetrics
from earthward.control.limit_metrics import LimitMetrics
from earthward.control.metrics import SECONDS, Metrics
from earthward.control.notifier import Told
from earthward.control.quality_metrics import QualityMetrics
from earthward.control.standing import Standing
from earthward.gateway import board
from earthward.gateway.board import Board
from earthward.gateway.limits_left import Remaining
from earthward.ledger.availability import Availability
from earthward.ledger.record import Attempt, Record

EXAMPLES = (
    Record("1", 0, "ok", 1, 1, cost=1, attempts=(Attempt("target", "", "", 0),)),
    Record("2", 0, "failed"),
)
"""Between them they count in every family."""
SNAPSHOT = Snapshot(
    "",
    "",
    (Provider("house", "ollama", "ollama", "local", (Endpoint("", 0),)),),
    (Target("a", "", "", "local", cell=0),),
    (),
)
AVAILABLE = Availability("route", "route", 1, 0, 1.0, 0.995, 1.0)
LEFT = Remaining("team", "web", "rpm", 60, 1, 59)
STANDING = Standing("route", "fast", "stage", "stage 5%", 500, 1, 1, None, "", 1)
TOLD = Told("hook", 0, 0, 0)


def metrics() -> str:
    buckets = ", ".join(f"{second:g}" for second in SECONDS)
    return page(
        "Metrics",
        "earthward.control.metrics",
        "`GET /metrics` on the admin port, with the admin token as a bearer, in Prometheus' text format. "
        "[How to collect them](../howto/metrics.md).",
        table(("Metric", "Type", "Labels", "What it tells"), map(_row, families())),
        f"Histograms have buckets up to {buckets} seconds. Counters begin at zero when the control process starts and "
        "count what is in the ledger: an exchange is counted once, when its record is stored.",
    )


def families() -> list[Metric]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "board"
        board.create(path)
        blank = Board(path)
        shown = Metrics(blank, 1, lambda: "ok", lambda: (STANDING,), lambda: (TOLD,), lambda: {"route": Drilled()})
        shown.fold(EXAMPLES)
        limits = LimitMetrics(blank, lambda: (LEFT,))
        seen = {("route", "word"): 1}
        looking = QualityMetrics(blank, seen, seen, {("route", "arm", "word"): 1}, lambda: {"route": 1}, lambda: 1)
        endpoints = EndpointMetrics(blank, lambda: SNAPSHOT)
        available = AvailabilityMetrics(lambda: (AVAILABLE,))
        collectors = (shown, limits, available, looking, endpoints)
        found: list[Metric] = [family for each in collectors for family in each.collect()]
        blank.close()
    return found


def _row(family: Metric) -> tuple[str, str, str, str]:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le")
    return f"`{name}`", family.type, ", ".join(f"`{label}`" for label in labels), family.documentation
