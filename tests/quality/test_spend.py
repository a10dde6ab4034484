from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from earthward.chat.usage import Count, Usage
from earthward.config.snapshot import Price, Rate, Target
from earthward.cost.exchange import cost
from earthward.quality.spend import Purse, reserve, settle, settle_lost, worst_case, worst_of

LIMIT = 1_000_000
"""Nano-dollars."""


@given(st.lists(st.tuples(st.integers(1, 400_000), st.floats(0, 1), st.sampled_from(["known", "unknown", "open"]))))
def test_the_limit_holds_whatever_things_come_to(asked):
    purse, billed = Purse(), 0
    for number, (worst, part, end) in enumerate(asked):
        if not reserve(purse, 1, str(number), worst, LIMIT):
            continue
        actual = int(worst * part)
        # What nobody knows the end of may have cost all that was set aside.
        billed += worst if end != "known" else actual
        if end != "open":
            settle(purse, str(number), actual if end == "known" else None)
    assert billed == purse.committed <= LIMIT


def test_what_does_not_fit_any_more_sets_nothing_aside():
    purse = Purse()
    assert reserve(purse, 1, "a", 900_000, LIMIT)
    assert not reserve(purse, 1, "b", 100_001, LIMIT)
    assert purse.held == {"a": 900_000}
    assert reserve(purse, 1, "c", 100_000, LIMIT)


def test_what_turned_out_cheaper_makes_room_again():
    purse = Purse()
    reserve(purse, 1, "a", 900_000, LIMIT)
    settle(purse, "a", 10)
    assert reserve(purse, 1, "b", 900_000, LIMIT)


def test_a_new_day_begins_at_nothing_and_what_is_under_way_counts_for_it():
    purse = Purse()
    reserve(purse, 1, "a", 600_000, LIMIT)
    reserve(purse, 1, "b", 400_000, LIMIT)
    settle(purse, "b", 400_000)
    assert not reserve(purse, 1, "c", 400_001, LIMIT)
    assert reserve(purse, 2, "c", 400_000, LIMIT)
    assert not reserve(purse, 2, "d", 1, LIMIT)


def test_a_clock_that_runs_back_gives_no_second_day():
    purse = Purse()
    reserve(purse, 2, "a", LIMIT, LIMIT)
    settle(purse, "a", LIMIT)
    assert not reserve(purse, 1, "b", 1, LIMIT)


def test_what_a_dead_process_had_under_way_counts_as_spent():
    purse = Purse()
    reserve(purse, 1, "a", 900_000, LIMIT)
    settle_lost(purse)
    assert (purse.spent, purse.held) == (900_000, {})


def test_without_a_price_nothing_can_be_promised():
    assert worst_case(Price(), 1, 1, 1, has_tools=False) is None
    assert worst_case(Price(input=1), 1, 1, 1, has_tools=False) is None


def test_a_price_for_each_request_is_part_of_the_worst_case():
    price = Price(input=1, output=1, request=5_000_000)
    assert worst_case(price, 0, 0, 0, has_tools=False) == 5_000


def test_what_a_provider_adds_to_messages_and_for_tools_is_part_of_the_worst_case():
    price = Price(input=1000, output=0)
    plain, more, tools = (
        worst_case(price, 10, *it, has_tools=has) for it, has in (((0, 0), 0), ((3, 0), 0), ((0, 0), 1))
    )
    assert (plain, more, tools) == (10, 10 + 3 * 64, 10 + 1024)


def test_a_limit_that_is_none_makes_no_room_for_others():
    """Some servers take a negative limit for none at all."""
    assert worst_case(Price(input=1, output=1), 1, 1, -1_000_000, has_tools=False) is None


@given(st.integers(0, 10**6), st.integers(0, 10**4), st.integers(0, 5000), st.integers(0, 5000))
def test_no_bill_is_higher_than_the_worst_case(size, output, per_input, per_output):
    """However text is cut into tokens, there is one for each byte at most; and all may be written to a cache."""
    price = Price(per_input, per_output, cached=per_input // 10, cache_written=per_input * 5 // 4, request=7)
    worst = worst_case(price, size, 1, output, has_tools=False)
    counts = (Count.reported(size), Count.reported(output), Count.reported(0), Count.reported(size))
    billed = cost(price, Usage(*counts))
    assert billed is not None
    assert worst is not None
    assert billed <= worst


def test_the_worst_case_is_at_the_price_of_long_prompts_and_of_an_hour_in_the_cache():
    short, long = Price(1000, 0, cache_written=1250, written_for_an_hour=2000), Price(2000, 0, cache_written=2500)
    target = Target("a", "b", "c", "cloud", price=short, rates=(Rate(short, up_to=10), Rate(long, above=10)))
    assert worst_of(target, 1_000_000, 0, 0, has_tools=False) == 2_500_000
    assert worst_case(short, 1_000_000, 0, 0, has_tools=False) == 2_000_000
    unknown = structs.replace(target, rates=(Rate(short), Rate(Price(1000))))
    assert worst_of(unknown, 1, 0, 0, has_tools=False) is None
