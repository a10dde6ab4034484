import msgspec
import pytest

from earthward.chat.usage import UNKNOWN, Count, Usage
from earthward.ledger.plausible import LONGEST, MOST_COST, MOST_TOKENS, plausible
from earthward.ledger.record import Record


def record(tokens: int, cost: int | None) -> Record:
    return Record("x", 1, "ok", usage=Usage(Count.reported(tokens), Count.estimated(9)), cost=cost)


@pytest.mark.parametrize(("tokens", "cost"), [(0, 0), (MOST_TOKENS, MOST_COST), (5, None)])
def test_figures_that_can_be_are_left_alone(tokens, cost):
    usual = record(tokens, cost)
    assert plausible(usual) is usual


@pytest.mark.parametrize("tokens", [-1, MOST_TOKENS + 1, 2**64])
def test_a_count_that_can_not_be_is_unknown_and_so_is_the_cost_made_of_it(tokens):
    kept = plausible(record(tokens, 5))
    assert (kept.usage.input, kept.usage.output, kept.cost) == (UNKNOWN, Count.estimated(9), None)


def test_a_cost_that_can_not_be_is_unknown():
    assert plausible(record(5, MOST_COST + 1)).cost is None


@pytest.mark.parametrize("name", ["requested_model", "finish_reason", "message"])
def test_no_text_of_others_is_endless_or_holds_what_a_database_can_not(name):
    long = msgspec.structs.replace(record(5, 5), **{name: "m\0" * 10**6})
    kept = getattr(plausible(long), name)
    assert len(kept) == LONGEST
    assert kept.startswith("m\ufffdm")
