"""What is said of an exchange that is stored, that is not stored yet, and that there is not."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from earthward.control.feedback import FeedbackDesk
from earthward.gateway.samples import Feedback
from earthward.ledger.record import Record, Settled
from earthward.store import tables
from earthward.store.content import ContentKeys
from earthward.store.intake import Intake
from earthward.store.spool import SpoolWriter

KEYS = ContentKeys(["k" * 32])
NEVER = float("-inf")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = tables.open(f"sqlite:///{tmp_path}/ledger.db")
    yield opened
    opened.dispose()


@pytest.fixture
def store(tmp_path: Path, engine: Engine) -> Callable[[], None]:
    """Stores the exchange `x` of the key `k`."""

    def store() -> None:
        writer = SpoolWriter(tmp_path / "spool", "here", "boot")
        writer.append(Settled(Record("x", time.time_ns(), "ok", route="chat", key="k")))
        writer.close()
        taking = Intake(engine, tmp_path / "spool", "here")
        while not taking.step().is_drained:
            pass

    return store


def status(desk: FeedbackDesk, key: str = "k") -> int:
    return asyncio.run(desk.hear(Feedback(1, "x", key, 1.0))).status


def test_what_is_said_of_an_exchange_of_ones_own_is_kept(engine, store) -> None:
    store()
    desk = FeedbackDesk(lambda: (engine, KEYS), lambda: NEVER)
    assert (status(desk), status(desk, key="other")) == (200, 404)
    assert desk.told == {("chat", "only", "good"): 1}


def test_an_exchange_that_is_on_its_way_to_the_store_is_waited_for(engine, store) -> None:
    looks: list[float] = []

    def stored_up_to() -> float:
        if len(looks) == 3:
            store()
        looks.append(0)
        return NEVER

    assert status(FeedbackDesk(lambda: (engine, KEYS), stored_up_to, elsewhere=0, at_most=300)) == 200


def test_there_is_no_exchange_only_once_all_that_was_spooled_is_stored(engine) -> None:
    behind = FeedbackDesk(lambda: (engine, KEYS), lambda: NEVER, elsewhere=0, at_most=0.3)
    assert status(behind) == 503
    done = FeedbackDesk(lambda: (engine, KEYS), lambda: float("inf"), elsewhere=0.3, at_most=300)
    began = time.monotonic()
    assert status(done) == 404
    assert time.monotonic() - began >= 0.3, "another replica may have it"


def test_without_a_store_it_is_to_be_said_again_later() -> None:
    assert status(FeedbackDesk(lambda: None, lambda: NEVER)) == 503
