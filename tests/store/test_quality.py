import time

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from earthward.ledger.record import Record, Settled
from earthward.store import quality, tables
from earthward.store.content import ContentKeys
from earthward.store.intake import Intake
from earthward.store.quality import Answered, Content, Kept, Later, Looked, Pair, Said
from earthward.store.spool import SpoolWriter

KEYS = ContentKeys(["k" * 32])
CANARY = "canary-5521"
NOW = time.time_ns()


def kept(id: str = "x1", expires_at: int = NOW + 10**15) -> Kept:
    return Kept(
        id, "chat", "summary", NOW, expires_at, Content(CANARY, Answered("mini", "yes"), Answered("llama", "no"))
    )


def pair(exchange: str = "x1", **more: object) -> Pair:
    fixed = Pair(exchange, "chat", "summary", NOW, "u", 1, 1, "j", 0.5, "sonnet", 3, 2, None, 5, (), ("truncated",))
    return msgspec.structs.replace(fixed, **more)


def said(score: float) -> Said:
    return Said("x1", "chat", "summary", "candidate", "u", NOW, score)


@pytest.fixture
def engine(tmp_path):
    engine = tables.open(f"sqlite:///{tmp_path}/store.db")
    yield engine
    engine.dispose()


def test_a_sample_is_read_back_with_the_key_and_lies_sealed(engine, tmp_path):
    quality.keep(engine, KEYS, [Looked(kept(), pair())])
    assert quality.contents(engine, KEYS, ["x1"]) == {"x1": kept().content}
    assert quality.contents(engine, ContentKeys(["o" * 32]), ["x1"]) == {"x1": None}
    assert quality.pairs_of(engine, "chat") == [pair()]
    engine.dispose()
    for path in tmp_path.iterdir():
        assert CANARY.encode() not in path.read_bytes()


def test_a_sample_told_twice_counts_once(engine):
    for _ in range(2):
        quality.keep(engine, KEYS, [Looked(kept(), pair(), (Later(b"{}"),))])
    assert len(quality.pairs_of(engine, "chat")) == 1
    assert quality.later_end(engine) == 1


def test_of_several_at_once_each_counts_once_and_what_is_there_stays_as_it_is(engine):
    first, again = Looked(kept("x1"), pair("x1"), (Later(b"{}"),)), Looked(kept("x1"), pair("x1", score=1.0))
    quality.keep(engine, KEYS, [first, again, Looked(kept("x2"), pair("x2"), (Later(b"{}"),))])
    quality.keep(engine, KEYS, [again, Looked(kept("x3")), Looked(kept("x2"))])
    assert [(it.exchange, it.score) for it in quality.pairs_of(engine, "chat")] == [("x1", 0.5), ("x2", 0.5)]
    assert quality.later_end(engine) == 2
    assert len(quality.contents(engine, KEYS, ["x1", "x2", "x3"])) == 3


def test_of_several_at_once_all_are_kept_or_none(engine):
    broken = Looked(kept("x2"), pair("x2", stage=None))
    with pytest.raises(IntegrityError):
        quality.keep(engine, KEYS, [Looked(kept("x1"), pair("x1"), (Later(b"{}"),)), broken])
    assert quality.pairs_of(engine, "chat") == []
    assert quality.later_end(engine) == 0
    assert quality.contents(engine, KEYS, ["x1", "x2"]) == {}


def test_what_rollouts_are_told_is_read_on_by_number(engine):
    quality.keep(engine, KEYS, [Looked(None, pair("x1"), (Later(b'{"a":1}'), Later(b'{"b":2}', "j")))])
    quality.keep(engine, KEYS, [Looked(None, pair("x2", route="other"), (Later(b'{"c":3}'),))])
    told = quality.told_after(engine, "chat", 0)
    assert told == [(1, Later(b'{"a":1}')), (2, Later(b'{"b":2}', "j"))]
    assert quality.told_after(engine, "chat", 1) == told[1:]
    assert quality.later_end(engine) == 3


def test_only_the_epoch_that_is_asked_for_is_read(engine):
    quality.keep(engine, KEYS, [Looked(None, pair("x1", epoch=1)), Looked(None, pair("x2", epoch=2))])
    assert [it.exchange for it in quality.pairs_of(engine, "chat", 2)] == ["x2"]


def test_content_goes_when_its_time_is_over_and_figures_stay(engine):
    quality.keep(engine, KEYS, [Looked(kept("old", NOW - 1), pair("old")), Looked(kept("new"), pair("new"))])
    quality.say(engine, KEYS, said(0.0), CANARY, NOW - 1, [])
    assert quality.sweep_all(engine, NOW) == 2
    assert list(quality.contents(engine, KEYS, ["old", "new"])) == ["new"]
    assert len(quality.pairs_of(engine, "chat")) == 2
    assert len(quality.feedback_of(engine, "chat")) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([0.0, 0.0], 1),
        ([0.0, 0.2], 1),
        ([1.0, 0.0], 1),
        ([0.0, 1.0, 0.0], 2),
    ],
)
def test_the_last_word_stands_and_a_bad_one_is_told_when_it_comes(engine, words, told):
    for score in words:
        later = [Later(b"{}")] if score < quality.CONTENT else []
        quality.say(engine, KEYS, said(score), "", NOW, later)
    (found,) = quality.feedback_of(engine, "chat")
    assert found.score == words[-1]
    assert quality.later_end(engine) == told


def test_the_same_word_again_is_no_news(engine):
    assert quality.say(engine, KEYS, said(0.5), "", NOW, [])
    assert not quality.say(engine, KEYS, said(0.5), "", NOW, [])
    assert not quality.say(engine, KEYS, said(0.5), "a comment on it", NOW, [])


def test_comments_are_read_back_newest_first_and_go_with_the_word_that_they_were_about(engine):
    for number, comment in enumerate(("first", "", "third")):
        word = msgspec.structs.replace(said(0.0), exchange=f"x{number}", given_at=number)
        quality.say(engine, KEYS, word, comment, NOW, [])
    found = quality.remarks(engine, KEYS, "chat", None, 10)
    assert [(it.exchange, it.comment) for it in found] == [("x2", "third"), ("x0", "first")]
    assert quality.remarks(engine, ContentKeys(["o" * 32]), "chat", None, 1)[0].comment is None
    quality.say(engine, KEYS, msgspec.structs.replace(said(0.0), exchange="x0"), "", NOW, [])
    assert len(quality.remarks(engine, KEYS, "chat", None, 10)) == 2, "the same word again takes nothing away"
    quality.say(engine, KEYS, msgspec.structs.replace(said(1.0), exchange="x0"), "", NOW, [])
    assert [it.exchange for it in quality.remarks(engine, KEYS, "chat", None, 10)] == ["x2"]
    assert quality.remarks(engine, KEYS, "other", None, 10) == []


def test_of_feedback_only_the_epoch_that_is_asked_for_and_the_newest_are_read(engine, tmp_path):
    writer = SpoolWriter(tmp_path / "spool", "here", "boot")
    for number in range(4):
        writer.append(Settled(Record(f"x{number}", NOW, "ok", route="chat", epoch=number // 2)))
    writer.close()
    taking = Intake(engine, tmp_path / "spool", "here")
    while not taking.step().is_drained:
        pass
    for number in range(5):
        word = msgspec.structs.replace(said(0.0), exchange=f"x{number}", given_at=number)
        quality.say(engine, KEYS, word, "why", NOW, [])

    def ids(epoch: int | None) -> list[str]:
        return [it.exchange for it in quality.feedback_of(engine, "chat", epoch)]

    assert (ids(None), ids(0), ids(1), ids(2)) == (["x0", "x1", "x2", "x3", "x4"], ["x0", "x1"], ["x2", "x3"], [])
    assert [it.exchange for it in quality.remarks(engine, KEYS, "chat", 1, 10)] == ["x3", "x2"]
    assert [it.exchange for it in quality.feedback_of(engine, "chat", most=2)] == ["x3", "x4"]


def test_comments_are_sealed_for_their_own_row(engine):
    quality.say(engine, KEYS, said(0.5), CANARY, NOW + 10**15, [])
    with engine.connect() as connection:
        (sealed,) = connection.scalars(select(tables.comments.c.sealed)).all()
    assert CANARY.encode() not in sealed
    assert KEYS.open(sealed, b"x1") == CANARY.encode()
