"""What is said of an exchange that is stored, that is not stored yet, and that there is not."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from earthward.control.feedback import COMMENTS_KEPT, FeedbackDesk
from earthward.gateway.samples import Feedback
from earthward.ledger.record import Arm, Record, Settled
from earthward.rollout.event import Event
from earthward.rollout.pairs import event_of_bad_word
from earthward.store import quality, tables
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
def store(tmp_path: Path, engine: Engine) -> Callable[..., None]:
    """Stores the exchange `x` of the key `k`, which may have been on an arm."""

    def store(arm: Arm = "only", share: int = 0) -> None:
        writer = SpoolWriter(tmp_path / "spool", "here", "boot")
        record = Record("x", 7 * 10**9, "ok", route="chat", key="k", arm=arm, share=share, unit="ada", task="sum")
        writer.append(Settled(record))
        writer.close()
        taking = Intake(engine, tmp_path / "spool", "here")
        while not taking.step().is_drained:
            pass

    return store


def status(desk: FeedbackDesk, key: str = "k", score: float = 1.0, comment: str = "") -> int:
    return asyncio.run(desk.hear(Feedback(1, "x", key, score, comment))).status


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


def test_a_bad_word_is_told_to_the_rollout_of_the_unit_and_the_time_of_its_answer(engine, store) -> None:
    """A word that comes days later is about the epoch in which the answer was given."""
    store("candidate", 500)
    assert status(FeedbackDesk(lambda: (engine, KEYS), lambda: NEVER), score=0.25) == 200
    ((_, later),) = quality.told_after(engine, "chat", 0)
    assert msgspec.json.decode(later.event, type=Event) == event_of_bad_word(7.0, "ada", "candidate", 500)
    assert later.judge == ""


@pytest.mark.parametrize(
    ("arm", "share", "score"),
    [("only", 500, 0.0), ("baseline", 0, 0.0), ("candidate", 500, 0.5), ("baseline", 500, 1.0)],
)
def test_a_good_word_and_one_on_an_answer_that_nobody_drew_tell_a_rollout_nothing(engine, store, arm, share, score):
    store(arm, share)
    desk = FeedbackDesk(lambda: (engine, KEYS), lambda: NEVER)
    assert status(desk, score=score) == 200
    assert quality.told_after(engine, "chat", 0) == []
    assert desk.told == {("chat", arm, "good" if score >= 0.5 else "bad"): 1}


def test_a_comment_is_kept_for_its_time(engine, store) -> None:
    store()
    assert status(FeedbackDesk(lambda: (engine, KEYS), lambda: NEVER), comment="left out the totals") == 200
    now = time.time_ns()
    assert quality.sweep_all(engine, now + COMMENTS_KEPT - 10**12) == 0
    assert [it.comment for it in quality.remarks(engine, KEYS, "chat", None, 9)] == ["left out the totals"]
    assert quality.sweep_all(engine, now + COMMENTS_KEPT) == 1


def test_without_a_store_it_is_to_be_said_again_later() -> None:
    assert status(FeedbackDesk(lambda: None, lambda: NEVER)) == 503
