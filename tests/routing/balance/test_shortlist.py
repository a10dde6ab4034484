from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from earthward.routing.balance.shortlist import MOST, PROMISING, shortlist


@given(st.integers(1, 300), st.integers(0, 10**9), st.lists(st.integers(0, 299), unique=True, max_size=20))
def test_eight_at_most_each_once_the_promising_ones_among_them(count, turn, promising) -> None:
    promising = [place for place in promising if place < count]
    found = shortlist(count, turn, promising)
    assert len(set(found)) == len(found) == min(count, MOST)
    assert all(0 <= place < count for place in found)
    assert count <= MOST or len({*found} & {*promising}) >= min(PROMISING, len(promising))


def test_many_promising_ones_take_turns() -> None:
    seen = Counter(place for turn in range(100) for place in shortlist(200, turn * 7, range(100, 120)) if place >= 100)
    assert set(range(100, 120)) <= seen.keys()


def test_what_comes_first_of_a_few_promising_ones_is_always_looked_at() -> None:
    assert all({3, 77} <= {*shortlist(100, turn, [77, 3])} for turn in range(200))
