import msgspec
import pytest

from earthward.chat.usage import UNKNOWN, Count, Usage
from earthward.ledger.plausible import LONGEST, MOST_COST, MOST_TOKENS, all_plausible, plausible
from earthward.ledger.record import Attempt, Record, Settled

FINE = Attempt("mini", "http://mini", "baseline", 5, usage=Usage(Count.reported(3)), cost=7)


def record(tokens: int, cost: int | None) -> Record:
    return Record("x", 1, "ok", usage=Usage(Count.reported(tokens), Count.estimated(9)), cost=cost)


@pytest.mark.parametrize(("tokens", "cost"), [(0, 0), (MOST_TOKENS, MOST_COST), (5, None)])
def test_figures_that_can_be_are_left_alone(tokens, cost):
    usual = record(tokens, cost)
    assert plausible(usual) is usual
    tried = msgspec.structs.replace(usual, attempts=(Attempt("t", "", "", 0, usage=usual.usage, cost=cost),) * 2)
    assert plausible(tried) is tried


NAMES = ("input", "output", "cached", "cache_written", "reasoning")


@pytest.mark.parametrize("tokens", [-1, MOST_TOKENS + 1, 10**25])
@pytest.mark.parametrize("name", NAMES)
def test_no_count_of_a_record_or_of_an_attempt_is_absurd_and_the_record_can_be_written(name, tokens):
    absurd = Usage(**{name: Count.reported(tokens)})
    of_record = Record("x", 1, "ok", usage=absurd, cost=5)
    of_attempt = Record("x", 1, "ok", cost=5, attempts=(FINE, msgspec.structs.replace(FINE, usage=absurd)))
    for kept in map(plausible, (of_record, of_attempt)):
        assert (kept.cost, kept.usage) == (None, Usage())
        assert msgspec.msgpack.encode(Settled(kept))
    fine, other = plausible(of_attempt).attempts
    assert fine is FINE
    assert (other.usage, other.cost) == (Usage(), None)


@pytest.mark.parametrize("cost", [-1, MOST_COST + 1, 10**25])
def test_a_cost_of_an_attempt_that_can_not_be_is_unknown_and_so_is_the_whole(cost):
    attempts = (FINE, msgspec.structs.replace(FINE, cost=cost))
    kept = plausible(Record("x", 1, "ok", cost=5, attempts=attempts))
    assert [attempt.cost for attempt in kept.attempts] == [7, None]
    assert kept.cost is None
    assert msgspec.msgpack.encode(Settled(kept))


@pytest.mark.parametrize("tokens", [-1, MOST_TOKENS + 1, 2**64])
def test_a_count_that_can_not_be_is_unknown_and_so_is_the_cost_made_of_it(tokens):
    kept = plausible(record(tokens, 5))
    assert (kept.usage.input, kept.usage.output, kept.cost) == (UNKNOWN, Count.estimated(9), None)


@pytest.mark.parametrize("cost", [-1, MOST_COST + 1])
def test_a_cost_that_can_not_be_is_unknown(cost):
    assert plausible(record(5, cost)).cost is None


@pytest.mark.parametrize("name", ["requested_model", "finish_reason", "message"])
def test_no_text_of_others_is_endless_or_holds_what_a_database_can_not(name):
    long = msgspec.structs.replace(record(5, 5), **{name: "m\0" * 10**6})
    kept = getattr(plausible(long), name)
    assert len(kept) == LONGEST
    assert kept.startswith("m\ufffdm")


ABSURD = Usage(cached=Count.reported(-1))
OTHERS = [
    Record("x", 1, "ok", usage=ABSURD),
    Record("x", 1, "ok", cost=-1),
    Record("x", 1, "ok", attempts=(FINE, msgspec.structs.replace(FINE, usage=ABSURD))),
    Record("x", 1, "ok", attempts=(msgspec.structs.replace(FINE, cost=MOST_COST + 1),)),
    Record("x", 1, "ok", requested_model="m" * (LONGEST + 1)),
    Record("x", 1, "ok", message="\0"),
]


@pytest.mark.parametrize("other", OTHERS)
def test_one_that_can_not_be_is_found_among_many(other):
    many = [record(5, 7), other, record(MOST_TOKENS, MOST_COST)]
    assert all_plausible(many) == list(map(plausible, many)) != many


def test_many_that_can_be_are_left_alone():
    usual = [record(0, None), record(MOST_TOKENS, MOST_COST), msgspec.structs.replace(record(1, 1), attempts=(FINE,))]
    assert [it is other for it, other in zip(all_plausible(usual), usual, strict=True)] == [True] * 3
    assert all_plausible([]) == []
