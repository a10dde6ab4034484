"""What the control process tells of objectives, from a real ledger."""

import time
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from earthward.chat.failures import FailureKind
from earthward.config.snapshot import Route, Snapshot, Target
from earthward.control.availability import Availabilities, AvailabilityMetrics, serve_availability
from earthward.ledger.record import Record, Settled
from earthward.store import tables
from earthward.store.intake import Intake
from earthward.store.spool import SpoolWriter

SNAPSHOT = Snapshot(
    "v1", "d", (), (Target("llama", "p", "m", "local"),), (Route("chat", use="llama", objective=0.8), Route("rest"))
)


@pytest.fixture
def known(tmp_path) -> Callable[[Snapshot], Availabilities]:
    engine = tables.open(f"sqlite:///{tmp_path}/ledger.db")
    writer = SpoolWriter(tmp_path / "spool", "here", "boot")
    for number in range(10):
        failure = FailureKind.TIMEOUT if number == 0 else None
        status = "failed" if failure else "ok"
        for route in ("chat", "rest"):
            it = Record(f"{route}-{number}", time.time_ns(), status, 1, 1, route=route, target="llama", failure=failure)
            writer.append(Settled(it))
    writer.close()
    taking = Intake(engine, tmp_path / "spool", "here")
    while not taking.step().is_drained:
        pass
    yield lambda snapshot: Availabilities(lambda: engine, lambda: snapshot)
    engine.dispose()


def samples(known: Availabilities) -> dict[str, list[tuple[str, float]]]:
    known.of_all()
    families = AvailabilityMetrics(known.of_stated).collect()
    return {it.name: [(each.labels["name"], round(each.value, 3)) for each in it.samples] for it in families}


def test_metrics_tell_the_budget_left_of_those_with_an_objective(known) -> None:
    assert samples(known(SNAPSHOT)) == {
        "earthward_availability": [("chat", 0.9)],
        "earthward_error_budget_left": [("chat", 0.5)],
    }


def test_without_an_objective_no_metric_asks_the_ledger() -> None:
    def store() -> None:
        raise AssertionError("asked")

    known = Availabilities(store, lambda: Snapshot("v", "d", (), (), ()))
    assert known.of_stated() == []


def test_a_scrape_waits_for_no_ledger_and_the_next_one_tells_it(known) -> None:
    told = known(SNAPSHOT)
    assert told.of_stated() == []
    until = time.monotonic() + 90
    while not told.of_stated() and time.monotonic() < until:
        time.sleep(0.01)
    assert [it.name for it in told.of_stated()] == ["chat"]


def test_the_admin_api_tells_all_each_with_its_objective_or_the_usual_one(known) -> None:
    app = FastAPI()
    serve_availability(app, known(SNAPSHOT))
    with TestClient(app) as client:
        told = client.get("/api/availability").json()
        assert client.get("/api/availability?days=0").status_code == 422
    assert told["days"] == 30
    assert [(it["of"], it["name"], it["objective"]) for it in told["availability"]] == [
        ("route", "chat", 0.8),
        ("route", "rest", 0.995),
        ("target", "llama", 0.995),
    ]


def test_while_there_is_no_ledger_nothing_is_told() -> None:
    assert Availabilities(lambda: None, lambda: SNAPSHOT).of_all() == []
