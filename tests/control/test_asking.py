from earthward.chat.usage import Count, Usage
from earthward.config.snapshot import Price, Rate, Target
from earthward.control.asking import billed

SHORT, LONG = Price(1000, 0, 1000, 1000), Price(2000, 0, 2000, 2000)
NONE = Count.reported(0)


class Served:
    def __init__(self, zone: str, price: Price = SHORT, *rates: Rate) -> None:
        self.target = Target("a", "b", "c", zone, price=price, rates=rates)


def used(tokens: int) -> Usage:
    return Usage(Count.reported(tokens), NONE, NONE, NONE)


def test_a_shadow_with_a_long_prompt_costs_what_a_caller_with_it_pays() -> None:
    cloud = Served("cloud", SHORT, Rate(SHORT, up_to=10), Rate(LONG, above=10))
    assert [billed(cloud, used(tokens), 0, was_billed=True) for tokens in (10, 11)] == [10, 22]


def test_what_was_not_billed_or_runs_in_the_house_costs_nothing_and_what_is_not_known_is_unknown() -> None:
    assert billed(Served("cloud"), used(5), 0, was_billed=False) == 0
    assert billed(Served("local", Price()), used(5), 0, was_billed=True) == 0
    assert billed(Served("cloud", Price()), used(5), 0, was_billed=True) is None
    assert billed(Served("cloud"), Usage(), 0, was_billed=True) is None
