import pytest

from earthward.chat.failures import FailureKind
from earthward.control.drills import Drills
from earthward.ledger.books import Worth, bookings
from earthward.ledger.record import DRILL, Attempt, Record
from earthward.rollout.from_record import event_of
from earthward.rollout.notices import Notice

DOWN = FailureKind.UNREACHABLE


def record(failure: FailureKind | None = None, status: str = "ok", why: str = DRILL) -> Record:
    tried = Attempt("mini", "", why, 0, cost=7, failure=failure)
    rescue = (Attempt("llama", "", "candidate", 1),) if failure else ()
    return Record("x", 10**9, status, route="chat", arm="only", unit="u", attempts=(tried, *rescue))


def told(*records: Record) -> list[str]:
    said: list[Notice] = []
    Drills(said.append).fold(records)
    return [it.event for it in said]


def test_two_failures_in_a_row_are_told_once_and_so_is_the_first_that_works_again():
    assert told(record(DOWN)) == []
    assert told(record(DOWN), record(), record(DOWN)) == []
    assert told(*[record(DOWN)] * 5) == ["drill failed"]
    assert told(*[record(DOWN)] * 5, record(), record()) == ["drill failed", "drill works"]
    assert told(record(DOWN, "failed"), record(DOWN, "failed")) == ["drill failed"]


def test_who_left_and_who_was_never_drilled_say_nothing():
    assert told(*[record(None, "cancelled")] * 5, *[record(DOWN, why="baseline")] * 5) == []


@pytest.mark.parametrize("kind", ["bad_request", "too_large", "unsupported", "context_length", "prompt_cut"])
def test_what_a_caller_asked_wrongly_says_nothing_of_the_path(kind):
    wrong = [record(FailureKind(kind), "failed")] * 3
    assert told(*wrong) == []
    assert told(record(DOWN), *wrong, record(DOWN)) == ["drill failed"]
    assert told(record(DOWN), record(DOWN), *wrong) == ["drill failed"], "and is no sign that it works again"


def test_what_is_told_names_the_route_and_the_target():
    said: list[Notice] = []
    Drills(said.append).fold([record(DOWN)] * 2)
    assert said[0].text() == "Drill failed on chat. `mini` did not serve: unreachable"
    assert said[0].body()["route"] == "chat"


def test_a_drill_is_no_evidence_and_its_cost_is_booked_as_one():
    assert event_of(record()) is None
    (booked,) = bookings([record()], lambda *_: Worth(), lambda target: target == "llama")
    assert (booked.of.purpose, booked.of.target) == ("drill", "mini")
    failed, served = bookings([record(DOWN)], lambda *_: Worth(), lambda target: target == "llama")
    assert (failed.of.purpose, served.of.purpose) == ("drill", "serve")
