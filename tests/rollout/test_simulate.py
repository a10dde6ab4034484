import random
from collections import Counter
from itertools import islice

import pytest

from earthward.rollout.controller import Controller, begin
from earthward.rollout.read_plan import plan
from earthward.rollout.simulate import Run, interval, quantile, run, summed
from earthward.rollout.worlds import NULLS, SCENARIOS, TURNS, requests, traffic, world

PLAN = plan({"stages": ["5%", "25%", "75%", "100%"], "gates": ["error_rate", "ttft"], "min_requests": 50})


def some(scenario: str, count: int = 20_000, share: int = 500, **fields: object) -> list:
    return list(islice(requests(world(scenario, **fields), random.Random(1), lambda: (share, 0)), count))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_gives_the_candidate_its_share(scenario):
    events = some(scenario)
    expected = sum(event.share for event in events) / 10_000
    assert sum(event.arm == "candidate" for event in events) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_same_seed_makes_the_same_traffic(scenario):
    assert some(scenario, 500) == some(scenario, 500)


@pytest.mark.parametrize("scenario", NULLS)
def test_the_arms_are_equal_where_a_scenario_says_so(scenario):
    failed = Counter((event.arm, event.ok) for event in some(scenario, 60_000, share=5000, errors=0.05))
    rates = [failed[arm, False] / (failed[arm, False] + failed[arm, True]) for arm in ("baseline", "candidate")]
    assert rates[0] == pytest.approx(rates[1], rel=0.25)


def test_sticky_units_stay_on_their_arm_and_fail_as_a_whole():
    units: dict[str, set] = {}
    turns = Counter()
    for event in some("sticky"):
        units.setdefault(event.unit, set()).add((event.arm, event.ok))
        turns[event.unit] += 1
    assert all(len(told) == 1 for told in units.values())
    assert max(turns.values()) == TURNS


def test_harm_can_be_set():
    assert world("worse", 20).error_ratio == 20
    assert world("answers", 0.2).score_gap == 0.2
    with pytest.raises(ValueError, match="parity has no harm"):
        world("parity", 2)


def test_a_late_break_is_late():
    failed = [event for event in some("late", 20_000, share=5000, by=20) if not event.ok and event.arm == "candidate"]
    before = sum(event.t < 86_400 for event in failed)
    assert len(failed) - before > 5 * before


def test_a_harmful_candidate_is_rolled_back_and_an_equal_one_promoted():
    assert run(PLAN, world("worse", 20), random.Random(1), 50_000).end == "rolled back"
    good = run(PLAN, world("parity"), random.Random(1), 200_000)
    assert good.end == "completed"
    assert 0 < good.exposed < good.requests


SHADOWED = plan({"stages": [{"shadow": "20%"}, "100%"], "gates": ["error_rate", "quality"], "min_requests": 50})


def in_shadow(scenario: str, count: int, **fields: object) -> list:
    """What each of so many requests tells."""
    told = traffic(world(scenario, **fields), random.Random(1), lambda: (0, 2000))
    return [events for _, events in islice(told, count)]


def test_what_is_shadowed_is_told_in_pairs_as_a_gateway_tells_it():
    told = in_shadow("parity", 5000, errors=0.2)
    pairs = [events for events in told if events]
    assert len(pairs) == pytest.approx(1000, rel=0.1)
    assert {tuple(event.arm for event in events[:2]) for events in pairs} == {("baseline", "candidate")}
    assert {event.share for events in pairs for event in events[:2]} == {5000}, (
        "an equal candidate is the worse half the time"
    )
    assert not any(events[0].ok is False and events[1].ok is False for events in pairs), "both failing says nothing"
    scored = [events for events in pairs if events[-1].score is not None]
    assert all(events[0].ok and events[1].ok and events[-1].is_later for events in scored)
    assert len(scored) == pytest.approx(640, rel=0.1)
    assert all(len(events) == 2 for events in in_shadow("parity", 500, judged=0.0) if events)


def test_conversations_that_fail_as_a_whole_fail_on_both_arms_in_shadow():
    told = in_shadow("sticky", 3000, errors=0.3)
    assert all(event.ok is not False for events in told for event in events)


@pytest.mark.parametrize(("scenario", "by"), [("worse", 20), ("answers", 0.3)])
def test_a_shadow_alone_finds_what_is_worse_before_anybody_meets_it(scenario, by):
    found = run(SHADOWED, world(scenario, by), random.Random(1), 50_000)
    assert (found.end, found.exposed, found.stage) == ("rolled back", 0, "shadow 20%")


def test_an_equal_candidate_passes_its_shadow():
    assert run(SHADOWED, world("parity"), random.Random(1), 200_000).is_promoted


def test_a_run_that_comes_to_nothing_ends_undecided():
    assert run(PLAN, world("parity"), random.Random(1), 100).end == "undecided"


def test_what_runs_come_to():
    runs = [
        Run("completed", 10, 100.0, 1, is_promoted=True),
        Run("rolled back", 30, 300.0, 3, is_promoted=False, why="worse", stage="5%"),
        Run("rolled back", 20, 200.0, 2, is_promoted=True, why="worse", stage="bake"),
        Run("undecided", 99, 999.0, 9, is_promoted=False),
    ]
    sums = summed(runs)
    assert (sums.rolled_back, sums.promoted, sums.undecided) == (0.5, 0.25, 0.25)
    assert (sums.requests_median, sums.requests_p90) == (20, 30)
    assert sums.causes == {"5%: worse": 1, "bake: worse": 1}


@pytest.mark.parametrize(("part", "value"), [(0.5, 2), (0.9, 4), (0.75, 3), (0.0, 1)])
def test_a_quantile_is_the_smallest_value_not_exceeded_by_that_part(part, value):
    assert quantile([4, 1, 3, 2], part) == value
    assert quantile([], part) is None


def test_nobody_goes_back_and_a_holdback_never_moved():
    """In the simulation as in a gateway: conversations that come back stay where they are while the share rises."""
    given = plan(
        {"stages": ["5%", "25%", "75%", "100%"], "gates": ["error_rate"], "bake": {"for": "1d", "holdback": "5%"}}
    )
    controller = Controller(begin(given))
    controller.act("start", 0.0, "ada", "go")
    state = controller.state
    arms: dict[str, list[str]] = {}
    held: set[str] = set()
    for number, event in enumerate(requests(world("sticky"), random.Random(5), lambda: (state.share, 0))):
        controller.feed(event)
        arms.setdefault(event.unit, []).append(event.arm)
        if state.place.phase == "bake" and event.arm == "baseline":
            held.add(event.unit)
        if number % 1500 == 1499 and state.place.phase == "stage":
            controller.act("promote", state.now, "ada", "on")
        if not state.is_under_way:
            break
    assert state.place.phase == "completed"
    assert all(seen == sorted(seen) for seen in arms.values())
    assert held
    assert all(set(arms[unit]) == {"baseline"} for unit in held)


@pytest.mark.parametrize("scenario", ["drift", "late", "saturation", "sticky"])
@pytest.mark.parametrize("first", [{"shadow": "20%"}, "20%"], ids=["shadow", "stage"])
def test_a_run_is_what_a_controller_decides_that_is_told_of_every_moment_and_asked_for_its_share_each_time(
    scenario, first
):
    """What a run saves itself changes no transition."""
    saved = run(whole(first), world(scenario), random.Random(3), 12_000)
    controller = Controller(begin(whole(first)))
    state = controller.state
    controller.act("start", 0.0, "test", "")
    moves = []
    for _, (t, events) in zip(
        range(12_000), traffic(world(scenario), random.Random(3), lambda: (state.share, state.shadow)), strict=False
    ):
        moves += controller.advance(t)
        for event in events:
            moves += controller.advance(event.t)
            moves += controller.feed(event)
        if not state.is_under_way:
            break
    assert moves
    if saved.end == "undecided" and not saved.is_promoted:
        assert (saved.seconds, saved.exposed) == (state.now, state.exposed)
    else:
        ends = [it for it in moves if it.event in ("baking", "rolled back")]
        assert saved.seconds == (ends[0] if saved.end != "rolled back" else ends[-1]).t


def whole(first):
    easily = {"below": 5, "negligible": "10%"}
    gates = [{"error_rate": easily}, {"ttft": {"at_most": "2s", **easily}}]
    return plan({"stages": [first, "50%", "75%"], "gates": gates, "bake": {"for": "4h", "holdback": "5%"}})


def test_a_part_of_few_runs_may_lie_anywhere_near():
    low, high = interval(3 / 50, 50)
    assert low < 0.05 < high
    assert interval(0.5, 10_000) == pytest.approx((0.490, 0.510), abs=0.001)
    assert interval(0.0, 50)[0] == 0.0
