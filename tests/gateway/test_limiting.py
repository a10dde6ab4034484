"""What budgets leave of a plan."""

from earthward.gateway.limiting import without
from earthward.routing.plan import Plan

PLAN = Plan("trial", "candidate", 2500, 17, (("llama", "candidate"), ("mini", "baseline")), (("old", "too old"),))


def test_what_is_spent_is_left_out_with_the_reason_and_the_first_attempt_still_tells_of_its_arm():
    left = without(PLAN, {"mini": "spent"})
    assert left.attempts == (("llama", "candidate"),)
    assert left.excluded == (("old", "too old"), ("mini", "spent"))
    assert (left.arm, left.share, left.bucket) == ("candidate", 2500, 17)


def test_where_the_first_attempt_is_left_out_nothing_is_said_of_any_arm():
    left = without(PLAN, {"llama": "spent"})
    assert left.attempts == (("mini", "baseline"),)
    assert (left.arm, left.share, left.bucket) == ("only", 0, -1)


def test_a_plan_may_be_left_with_nothing():
    assert without(PLAN, {"llama": "spent", "mini": "spent"}).attempts == ()
