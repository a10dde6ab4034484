"""What was spent before the meters began, and what people are told of limits."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from earthward.config.money import Money
from earthward.config.snapshot import Account, Key, Quota, Snapshot, Spend, Target
from earthward.control.bookkeeper import Bookkeeper
from earthward.control.limits import AFTER_ERROR, Limits
from earthward.gateway import meters
from earthward.gateway.limiting import Metered, clock, today
from earthward.gateway.meters import CARRIED, Meters
from earthward.store import tables
from store.test_spent import put

DOLLAR = 10**9
CLOUD = Target("mini", "cloud", "gpt-4o-mini", "cloud")
MONTH = Quota(budgets=(Spend("month", 100 * DOLLAR, 50 * DOLLAR),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    meters.fresh(tmp_path / "meters", "g")
    return tmp_path / "meters" / "g"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = tables.open(f"sqlite:///{tmp_path}/ledger.db")
    yield opened
    opened.dispose()


def snapshot(*accounts: Account, webhook: str | None = None) -> Snapshot:
    return Snapshot("v", "d", (), (CLOUD,), (), accounts=accounts, limits_webhook=webhook)


def spent(folder: Path, account: Account) -> int:
    return Metered(account, Meters(folder, 0, 2)).spent(today())[2]


TEAM = Account("team", "web", 3, MONTH)
KEY = Key("k", b"d", quota=MONTH, meter=0)


def test_what_was_spent_before_the_gateway_started_counts_and_what_workers_counted_does_not_count_twice(folder, engine):
    started = time.time_ns()
    put(engine, started - 10, 7 * DOLLAR, team="web")
    put(engine, started + 10, 90 * DOLLAR, team="web")
    worker = Metered(TEAM, Meters(folder, 0, 2))
    worker.leave(worker.enter(1, clock()), 1, 1, 90 * DOLLAR, clock(), today())
    limits = Limits(Meters(folder, 1, 2), started)
    assert not Meters(folder, 0, 2).was_asked(CARRIED)
    limits.know(snapshot(TEAM), [KEY])
    limits.look(engine)
    assert spent(folder, TEAM) == 97 * DOLLAR
    assert Meters(folder, 0, 2).was_asked(CARRIED)
    assert {it.used for it in limits.usage("team")} == {97.0}


def test_a_control_process_that_comes_later_goes_by_when_the_meters_began(folder, engine):
    started = time.time_ns()
    Limits(Meters(folder, 1, 2), started).know(snapshot(TEAM), [])
    put(engine, started + 10, 90 * DOLLAR, team="web")
    later = Limits(Meters(folder, 1, 2), started)
    later.know(snapshot(TEAM), [])
    later.look(engine)
    assert spent(folder, TEAM) == 0


def test_limits_that_are_given_later_count_what_was_spent_until_then(folder, engine):
    started = time.time_ns()
    limits = Limits(Meters(folder, 1, 2), started)
    limits.know(snapshot(), [])
    put(engine, time.time_ns(), 5 * DOLLAR, team="web")
    limits.know(snapshot(TEAM), [])
    limits.look(engine)
    assert spent(folder, TEAM) == 5 * DOLLAR


def test_while_the_store_is_away_it_is_asked_again_and_nobody_is_told_that_it_answered(folder, tmp_path, engine):
    limits = Limits(Meters(folder, 1, 2), time.time_ns())
    limits.know(snapshot(TEAM), [])
    empty = tables.open(f"sqlite:///{tmp_path}/other.db")
    with empty.begin() as connection:
        connection.exec_driver_sql("DROP TABLE exchange_hours")
    with pytest.raises(OperationalError):
        limits.look(empty)
    empty.dispose()
    assert not Meters(folder, 0, 2).was_asked(CARRIED)
    assert [batch.looks for batch in limits._batches] == [0]
    assert limits._batches[0].due <= time.monotonic() + AFTER_ERROR


def test_a_budget_is_told_of_when_its_soft_and_its_hard_limit_are_reached_once_each(folder, engine):
    limits = Limits(Meters(folder, 1, 2), time.time_ns())
    limits.know(snapshot(TEAM, webhook="https://chat.example/hook"), [])
    worker = Metered(TEAM, Meters(folder, 0, 2))
    told: list[str] = []
    keeper = Bookkeeper(
        engine,
        lambda: snapshot(TEAM),
        Money,
        post=lambda hook, body, now, key: told.append(body["text"]),
        counted=limits.budgets,
    )
    for cost, count in ((49, 0), (2, 1), (1, 1), (60, 2), (9, 2)):
        worker.leave(worker.enter(1, clock()), 1, 1, cost * DOLLAR, clock(), today())
        keeper.tell_budgets()
        assert len(told) == count
    assert told[0].startswith("Budget team web: $51.00 spent in ")
    assert "100 % of $50.00 reached" in told[0]
    assert "100 % of $100.00 reached" in told[1]


def test_people_are_shown_all_limits_or_those_they_ask_for(folder):
    limits = Limits(Meters(folder, 1, 2), time.time_ns())
    limits.know(snapshot(TEAM, Account("target", "mini", 4, Quota(rpm=5))), [KEY, Key("free", b"f")])
    assert {(it.scope, it.name) for it in limits.usage()} == {("team", "web"), ("target", "mini"), ("key", "k")}
    assert {(it.scope, it.name) for it in limits.usage("key", "k")} == {("key", "k")}
    assert limits.usage("key", "web") == []
    assert {it.scope for it in limits.configured()} == {"team", "target"}
