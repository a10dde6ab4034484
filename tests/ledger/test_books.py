from collections import defaultdict

import msgspec

from earthward.chat.failures import FailureKind
from earthward.chat.usage import Count, Usage
from earthward.ledger.books import JUDGE_PATH, SHADOW_PATH, Alike, Sums, Worth, bookings
from earthward.ledger.record import Attempt, Record

USED = Usage(Count.reported(100), Count.reported(10), Count.reported(20))
CLOUD = Attempt("cloud", "u", "first", 0, duration=5, usage=USED, cost=70)
HOME = Attempt("home", "u", "first", 0, duration=9, usage=USED, cost=None)
BROKEN = msgspec.structs.replace(CLOUD, failure=FailureKind.UPSTREAM_ERROR, cost=30)
STATUSES = ("ok", "failed", "cancelled", "unknown")
SAVES = Worth(own=5, millijoules=3, counterfactual=100, is_displaced=True)


def booked(*records: Record, worth: Worth = SAVES) -> list[tuple[str, str, Sums]]:
    found = bookings(records, lambda record, attempt, served: worth, lambda name: name == "home")
    return [(it.of.purpose, it.of.target, Sums(*it.sums)) for it in found]


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
        ((_, _, sums),) = booked(record(HOME), worth=unknown)
        assert (sums.saved, sums.displaced, sums.unknown_saved) == (0, 1, 1)
    ((_, _, sums),) = booked(record(msgspec.structs.replace(CLOUD, cost=None)))
    assert sums.unknown_costs == 1


def test_a_loss_is_booked_as_one() -> None:
    ((_, _, sums),) = booked(record(HOME), worth=Worth(own=150, counterfactual=100, is_displaced=True))
    assert sums.saved == -50


def test_an_exchange_without_attempts_is_booked_once() -> None:
    ((purpose, _, sums),) = booked(record(status="failed"))
    assert (purpose, sums.requests, sums.errors, sums.cost) == ("serve", 1, 1, 0)


def test_what_is_booked_alike_is_one_line_and_what_differs_in_anything_that_is_told_apart_is_another() -> None:
    at_home, elsewhere = record(HOME), record(CLOUD)
    others = {"accepted_at": 180_000_000_000, "route": "b", "arm": "candidate", "stage": 2, "requested_model": "m"}
    others |= {"app": "shop", "team": "core", "data_class": "health", "path": JUDGE_PATH, "status": "failed"}
    changed = [msgspec.structs.replace(at_home, **{name: value}) for name, value in others.items()]
    found = booked(at_home, elsewhere, at_home, elsewhere, record(BROKEN, HOME), *changed)
    assert [sums.requests for _, _, sums in found] == [3, 2, 1] + [1] * len(changed)
    (_, _, sums), *_ = found
    assert (sums.input_tokens, sums.characters_in, sums.own_cost, sums.saved, sums.busy) == (300, 1200, 15, 285, 27)


def test_many_are_booked_as_each_by_itself() -> None:
    kinds = [HOME], [CLOUD], [BROKEN, HOME], [HOME, HOME], [CLOUD, CLOUD, BROKEN], []
    paths = "/v1/chat/completions", SHADOW_PATH
    many = [record(*kind, status=status, path=path) for kind in kinds for status in STATUSES for path in paths]
    alone: dict[Alike, list[tuple[int, ...]]] = defaultdict(list)
    for one in many * 2:
        for it in bookings([one], lambda record, attempt, served: SAVES, lambda name: name == "home"):
            alone[it.of].append(it.sums)
    together = bookings(many * 2, lambda record, attempt, served: SAVES, lambda name: name == "home")
    assert {it.of: it.sums for it in together} == {
        of: tuple(map(sum, zip(*it, strict=True))) for of, it in alone.items()
    }


def test_a_minute_is_that_of_accept() -> None:
    (it,) = bookings([record(CLOUD)], lambda record, attempt, served: SAVES, lambda name: False)
    assert it.of.minute == 2
