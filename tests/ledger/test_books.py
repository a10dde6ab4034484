import msgspec

from earthward.chat.failures import FailureKind
from earthward.chat.usage import Count, Usage
from earthward.ledger.books import JUDGE_PATH, SHADOW_PATH, Sums, Worth, bookings, minute
from earthward.ledger.record import Attempt, Record

USED = Usage(Count.reported(100), Count.reported(10), Count.reported(20))
CLOUD = Attempt("cloud", "u", "first", 0, duration=5, usage=USED, cost=70)
HOME = Attempt("home", "u", "first", 0, duration=9, usage=USED, cost=None)
BROKEN = msgspec.structs.replace(CLOUD, failure=FailureKind.UPSTREAM_ERROR, cost=30)
SAVES = Worth(own=5, millijoules=3, counterfactual=100, is_displaced=True)


def booked(record: Record, worth: Worth = SAVES) -> list[tuple[str, str, Sums]]:
    def of(attempt: Attempt, served: bool) -> Worth:
        return worth if attempt.target == "home" else Worth(counterfactual=attempt.cost if served else None)

    return [(it.purpose, it.target, Sums(*it.sums)) for it in bookings(record, of, lambda name: name == "home")]


def record(*attempts: Attempt, status: str = "ok", path: str = "/v1/chat/completions") -> Record:
    return Record("1", 120_000_000_001, status, path=path, attempts=attempts, characters_in=400)  # type: ignore[arg-type]


def test_what_served_at_home_saves_what_the_cloud_would_have_cost_less_its_own_cost() -> None:
    ((purpose, target, sums),) = booked(record(HOME))
    assert (purpose, target) == ("serve", "home")
    assert (sums.cost, sums.own_cost, sums.counterfactual, sums.saved, sums.displaced) == (0, 5, 100, 95, 1)


def test_what_the_cloud_served_saves_nothing() -> None:
    ((_, _, sums),) = booked(record(CLOUD))
    assert (sums.cost, sums.counterfactual, sums.saved, sums.displaced) == (70, 70, 0, 0)


def test_a_retry_is_booked_apart_and_saves_nothing() -> None:
    retry, served = booked(record(BROKEN, HOME))
    assert (retry[0], retry[2].cost, retry[2].saved, retry[2].errors) == ("retry", 30, 0, 1)
    assert (served[0], served[2].saved, served[2].errors) == ("serve", 95, 0)


def test_shadows_and_judges_are_booked_apart_and_save_nothing() -> None:
    for path, purpose in ((SHADOW_PATH, "shadow"), (JUDGE_PATH, "judge")):
        found = booked(record(CLOUD, HOME, path=path))
        assert [it[0] for it in found] == [purpose, purpose]
        assert [it[2].saved for it in found] == [0, 0]
        assert sum(it[2].cost for it in found) == 70


def test_what_failed_at_home_saves_nothing() -> None:
    ((_, _, sums),) = booked(record(HOME, status="failed"))
    assert (sums.saved, sums.displaced, sums.errors, sums.own_cost) == (0, 0, 1, 5)


def test_what_is_not_known_is_counted_and_not_saved() -> None:
    for unknown in (Worth(5, 0, None, True), Worth(None, 0, 100, True)):
        ((_, _, sums),) = booked(record(HOME), unknown)
        assert (sums.saved, sums.displaced, sums.unknown_saved) == (0, 1, 1)
    ((_, _, sums),) = booked(record(msgspec.structs.replace(CLOUD, cost=None)))
    assert sums.unknown_costs == 1


def test_a_loss_is_booked_as_one() -> None:
    ((_, _, sums),) = booked(record(HOME), Worth(own=150, counterfactual=100, is_displaced=True))
    assert sums.saved == -50


def test_an_exchange_without_attempts_is_booked_once() -> None:
    ((purpose, _, sums),) = booked(record(status="failed"))
    assert (purpose, sums.requests, sums.errors, sums.cost) == ("serve", 1, 1, 0)


def test_a_minute_is_that_of_accept() -> None:
    assert minute(record(CLOUD)) == 2
