from earthward.cost.presets import PRESETS
from earthward.cost.sensitivity import tornado

SWINGS = tornado(PRESETS["playbook"].scenarios[0])


def test_what_moves_the_result_most_comes_first() -> None:
    widths = [it.width for it in SWINGS]
    assert widths == sorted(widths, reverse=True)
    assert all(widths)


def test_hours_of_staff_that_nobody_counted_move_it_most() -> None:
    assert SWINGS[0].name == "staff hours a month"
    assert SWINGS[0].saved_low < 0


def test_what_moves_nothing_is_left_out() -> None:
    # One box carries whatever comes, so how much that is does not matter.
    assert "what a box carries" not in {it.name for it in SWINGS}
