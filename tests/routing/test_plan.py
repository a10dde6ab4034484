from typing import Any

import pytest

from earthward.config.snapshot import DATA_CLASSES, Route, Target, Zone
from earthward.routing.plan import MOST_ATTEMPTS, SWITCHED_TO, Plan, Planner, plan

SALT = b"salt"
TARGETS = {
    "cloud": Target("cloud", "vendor", "big", "cloud", abilities=frozenset({"tools", "images", "stream"})),
    "cloud2": Target("cloud2", "vendor", "big2", "cloud", abilities=frozenset({"tools", "images", "stream"})),
    "house": Target("house", "gpus", "small", "local", abilities=frozenset({"stream"})),
    "house2": Target("house2", "gpus", "small2", "local", abilities=frozenset({"stream", "tools"})),
}


def made(share: int = 0, needs: str = "", data: str = "", key: str = "", **route: Any) -> Plan:
    fields = {"name": "r", "baseline": "cloud", "candidate": "house", "share": share, **route}
    one = Route(**fields)
    features = frozenset(needs.split())
    return plan(one, TARGETS, unit="u", salt=SALT, features=features, data_class=data, key=key)


def names(plan: Plan) -> list[str]:
    return [name for name, _ in plan.attempts]


def test_a_route_with_one_target_tries_it() -> None:
    one = made(baseline=None, candidate=None, use="house")
    assert (one.arm, names(one), one.share, one.bucket) == ("only", ["house"], 0, -1)


def test_a_failing_candidate_falls_back_to_its_baseline() -> None:
    one = made(10_000)
    assert (one.arm, names(one)) == ("candidate", ["house", "cloud"])


def test_a_failing_baseline_does_not_fall_back_to_the_candidate() -> None:
    one = made(0)
    assert (one.arm, names(one)) == ("baseline", ["cloud"])


def test_the_candidate_rescues_the_baseline_where_the_route_says_so() -> None:
    assert names(made(0, candidate_may_rescue=True)) == ["cloud", "house"]
    assert names(made(0, candidate_may_rescue=True, fallback=("cloud2", "house"))) == ["cloud", "cloud2", "house"]


def test_a_listed_candidate_does_not_rescue_the_baseline_without_leave() -> None:
    assert names(made(0, fallback=("house", "cloud2"))) == ["cloud", "cloud2"]


def test_the_fallback_list_comes_in_its_order_after_the_arms() -> None:
    assert names(made(10_000, fallback=("cloud2",))) == ["house", "cloud", "cloud2"]
    assert names(made(0, fallback=("cloud2", "house2"))) == ["cloud", "cloud2", "house2"]
    assert names(made(baseline=None, candidate=None, use="cloud", fallback=("house2",))) == ["cloud", "house2"]


def test_no_target_is_tried_twice() -> None:
    assert names(made(10_000, fallback=("cloud", "house", "cloud2", "cloud2"))) == ["house", "cloud", "cloud2"]


def test_at_most_three_targets_are_tried() -> None:
    assert MOST_ATTEMPTS == 3
    one = made(10_000, fallback=("cloud2", "house2"))
    assert names(one) == ["house", "cloud", "cloud2"]
    assert one.excluded == ()


def test_every_attempt_says_why() -> None:
    assert made(10_000, fallback=("cloud2",)).attempts == (
        ("house", "candidate"),
        ("cloud", "baseline, for the candidate"),
        ("cloud2", "fallback"),
    )


def test_a_target_that_is_not_able_is_left_out_with_the_reason() -> None:
    one = made(10_000, needs="stream tools images")
    assert names(one) == ["cloud"]
    assert one.arm == "candidate", "the arm is what was assigned, not what served"
    assert one.excluded == (("house", "can't do images, tools"),)


def test_data_that_may_not_leave_is_never_sent_out_not_even_as_a_fallback() -> None:
    one = made(0, data="health", fallback=("cloud2", "house2"))
    assert names(one) == ["house2"]
    assert [name for name, _ in one.excluded] == ["cloud", "cloud2"]
    assert one.excluded[0][1] == "data of class health may not leave for the cloud"


@pytest.mark.parametrize("data", [*DATA_CLASSES, "", "nonsense"])
def test_whatever_the_class_local_targets_may_have_it(data: str) -> None:
    assert "house" in names(made(10_000, data=data))


def test_nothing_left_to_try_is_an_empty_plan_with_reasons() -> None:
    one = made(0, needs="audio", data="secret")
    assert one.attempts == ()
    assert one.excluded == (("cloud", "data of class secret may not leave for the cloud"),)


def test_the_chance_and_the_draw_are_on_record() -> None:
    one = made(2500, stage=2, epoch=3)
    assert (one.share, one.stage, one.epoch) == (2500, 2, 3)
    assert 0 <= one.bucket < 10_000


def test_a_pilots_chance_of_the_candidate_is_one() -> None:
    one = made(100, pilots=frozenset({"key-1"}), key="key-1")
    assert (one.arm, one.share, one.bucket) == ("candidate", 10_000, -1)
    assert one.attempts[0] == ("house", "pilot")


def switched(zone: Zone, share: int = 0, data: str = "", needs: str = "", **route: Any) -> Plan:
    one = Route(**{"name": "r", "baseline": "cloud", "candidate": "house", "share": share, **route})
    planner = Planner(TARGETS, zone)
    return planner.plan(one, unit="u", salt=SALT, data_class=data, features=frozenset(needs.split()))


@pytest.mark.parametrize("share", [0, 10_000])
def test_the_switch_to_the_cloud_sends_both_arms_there_and_draws_nobody(share: int) -> None:
    one = switched("cloud", share, fallback=("house2", "cloud2"))
    assert names(one) == ["cloud", "cloud2"]
    assert (one.arm, one.share, one.bucket) == ("only", 0, -1)
    assert dict(one.excluded) == {"house": SWITCHED_TO["cloud"], "house2": SWITCHED_TO["cloud"]}


def test_the_switch_to_the_house_takes_the_candidate_though_it_may_not_rescue() -> None:
    one = switched("local", fallback=("cloud2", "house2"))
    assert names(one) == ["house", "house2"]
    assert dict(one.excluded) == {"cloud": SWITCHED_TO["local"], "cloud2": SWITCHED_TO["local"]}


@pytest.mark.parametrize("data", ["health", "secret", "typo"])
def test_what_must_not_leave_stays_whatever_the_switch_says(data: str) -> None:
    assert names(switched("cloud", data=data)) == ["house"]
    assert names(switched("cloud", boundary="local")) == ["house"]


def test_the_switch_to_the_house_serves_nobody_from_the_cloud_rather_than_somebody() -> None:
    assert names(switched("local", baseline=None, candidate=None, use="cloud")) == []
    assert names(switched("local", needs="images")) == []


def test_what_draws_not_goes_to_the_first_that_can_serve_it_whatever_the_share() -> None:
    route = Route("r", baseline="cloud", candidate="house2", share=10_000, fallback=("cloud2",))
    one = plan(route, TARGETS, unit="u", salt=SALT, features=frozenset({"tools"}), draws=False)
    assert (one.arm, one.share, one.bucket, names(one)) == ("only", 0, -1, ["cloud", "house2", "cloud2"])
    images = plan(route, TARGETS, unit="u", salt=SALT, features=frozenset({"images"}), draws=False)
    assert images.excluded == (("house2", "can't do images"),)
    bound = plan(route, TARGETS, unit="u", salt=SALT, data_class="health", draws=False)
    assert names(bound) == ["house2"]
