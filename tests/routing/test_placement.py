from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from earthward.routing.placement import Home, Placed, Wish, placement

DISK = {"small": 5, "coder": 9, "large": 20, "vision": 8}


def homes(count: int, disk: dict[str, int] | None = DISK) -> list[Home]:
    return [Home(f"gpu-{number}", installed=disk) for number in range(count)]


def test_models_are_spread_so_that_no_two_put_each_other_out() -> None:
    placed = placement(homes(4), [Wish(model, 1) for model in DISK])
    assert Counter(it.url for it in placed) == {f"gpu-{number}": 1 for number in range(4)}


def test_a_great_model_is_paired_with_none_while_small_ones_share() -> None:
    placed = placement(homes(2), [Wish("small", 1), Wish("coder", 1), Wish("large", 1)])
    by_host = {it.model: it.url for it in placed}
    assert by_host["small"] == by_host["coder"] != by_host["large"]


def test_a_model_stays_where_it_is() -> None:
    fleet = [Home("a", installed=DISK), Home("b", frozenset({"large"}), DISK)]
    assert placement(fleet, [Wish("large", 1)]) == (Placed("b", "large"),)


def test_copies_are_on_different_hosts_and_never_more_than_there_are() -> None:
    placed = placement(homes(3), [Wish("small", 5)])
    assert sorted(it.url for it in placed) == ["gpu-0", "gpu-1", "gpu-2"]


def test_a_model_that_no_host_has_on_its_disk_is_nowhere() -> None:
    assert placement(homes(2), [Wish("other", 1)]) == ()
    assert placement([], [Wish("small", 1)]) == ()
    assert len(placement(homes(2, None), [Wish("other", 1)])) == 1, "where nobody has looked it may be"


@given(st.integers(1, 8), st.lists(st.builds(Wish, st.sampled_from(sorted(DISK)), st.integers(1, 4)), max_size=6))
def test_the_same_wishes_are_always_placed_alike(count, wishes) -> None:
    assert placement(homes(count), wishes) == placement(homes(count), wishes)
