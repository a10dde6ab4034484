from earthward.config.snapshot import Route, Target
from earthward.routing import plan as plans
from earthward.routing.drill import Pace, emergency_target, is_drilled
from earthward.routing.plan import Planner

SALT = b"salt"
TARGETS = {
    "mini": Target("mini", "cloud", "mini", "cloud"),
    "llama": Target("llama", "house", "llama", "local"),
    "other": Target("other", "house", "other", "local"),
}
MOVED = Route("chat", baseline="mini", candidate="llama", share=10_000, fallback=("mini",), drill=100)
AT_HOME = Route("chat", use="llama", fallback=("other", "mini"), drill=100)
UNITS = [f"u{number}" for number in range(20_000)]


def drilled(route: Route) -> list[str]:
    return [unit for unit in UNITS if is_drilled(route, unit, SALT)]


def drawn(route: Route, **asked: object) -> plans.Plan:
    return Planner(TARGETS).plan(route, unit=drilled(route)[0], salt=SALT, **asked)


def test_so_many_units_are_drilled_as_the_route_says_and_the_same_ones_each_time():
    found = drilled(MOVED)
    assert 150 < len(found) < 250
    assert found == drilled(MOVED)
    assert (
        len(set(found) & set(drilled(Route(**{**{f: getattr(MOVED, f) for f in MOVED.__struct_fields__}, "epoch": 2}))))
        < 20
    )


def test_nobody_is_drilled_while_others_take_that_path_anyway():
    assert drilled(Route("chat", baseline="mini", candidate="llama", share=9800, drill=1000)) == []
    assert drilled(Route("chat", use="llama", fallback=("mini",))) == []


def test_a_drill_goes_to_the_cloud_first_and_then_on_as_ever_and_is_on_no_arm():
    it = drawn(MOVED)
    assert it.attempts == (("mini", "drill"), ("llama", "candidate"))
    assert (it.arm, it.share, it.bucket) == ("only", 0, -1)
    assert drawn(AT_HOME).attempts == (("mini", "drill"), ("llama", "the route's only target"), ("other", "fallback"))


def test_who_is_not_drilled_is_served_as_ever():
    unit = next(unit for unit in UNITS if not is_drilled(MOVED, unit, SALT))
    it = Planner(TARGETS).plan(MOVED, unit=unit, salt=SALT)
    assert it.attempts[0] == ("llama", "candidate")
    assert it.arm == "candidate"


def test_what_must_not_leave_is_never_drilled():
    it = drawn(MOVED, data_class="health")
    assert it.attempts == (("llama", "candidate"),)
    assert it.arm == "candidate"


def test_a_switch_and_a_pilot_come_before_a_drill():
    unit = drilled(MOVED)[0]
    assert Planner(TARGETS, "local").plan(MOVED, unit=unit, salt=SALT).attempts[0][0] == "llama"
    it = Planner(TARGETS).plan(MOVED, unit=unit, salt=SALT, key="k")
    assert it.attempts[0][1] == "drill"
    with_pilot = Route("chat", baseline="mini", candidate="llama", share=10_000, pilots=frozenset({"k"}), drill=100)
    assert Planner(TARGETS).plan(with_pilot, unit=unit, salt=SALT, key="k").attempts[0] == ("llama", "pilot")


def test_the_emergency_path_is_the_first_in_the_cloud_that_steps_in():
    assert emergency_target(AT_HOME, TARGETS) == "mini"
    assert emergency_target(Route("x", use="mini", fallback=("llama",)), TARGETS) is None


HOURLY = Route("chat", use="llama", fallback=("mini",), drill_every=600.0)


def drilled_at(times: list[float], pace: Pace, route: Route = HOURLY) -> list[float]:
    """A request at each of these times: those that are drilled."""
    found = []
    for now in times:
        if pace.is_due(route, now):
            pace.took(route, now)
            found.append(now)
    return found


def test_a_busy_route_drills_so_many_an_hour_and_no_more():
    assert len(drilled_at([number * 0.5 for number in range(7200)], Pace(1, 0, 0.0))) == 6


def test_each_request_of_a_quiet_route_is_a_drill_once_the_time_is_out_and_none_is_made_up_for():
    assert drilled_at([0.0, 100.0, 7000.0, 7001.0, 7601.0], Pace(1, 0, 0.0)) == [0.0, 7000.0, 7601.0]


def test_workers_take_turns_and_drill_together_as_often_as_one_alone():
    paces = [Pace(4, place, 0.0) for place in range(4)]
    found = sorted(now for pace in paces for now in drilled_at([float(second) for second in range(7200)], pace))
    assert found == [600.0 * number for number in range(12)]


def test_a_drill_that_may_not_leave_stays_due():
    pace = Pace(1, 0, 0.0)
    planner = Planner(TARGETS)
    assert pace.is_due(HOURLY, 5.0)
    kept = planner.plan(HOURLY, unit="", salt=SALT, data_class="health", is_drill_due=True)
    assert not kept.is_drill
    assert pace.is_due(HOURLY, 6.0)
    free = planner.plan(HOURLY, unit="", salt=SALT, is_drill_due=True)
    assert free.is_drill
    assert free.attempts == (("mini", "drill"), ("llama", "the route's only target"))


def test_by_the_hour_nobody_is_drilled_either_while_others_take_that_path_or_a_switch_is_thrown():
    shared = Route("chat", baseline="mini", candidate="llama", share=9800, drill_every=60.0)
    assert not Pace(1, 0, 0.0).is_due(shared, 1e6)
    assert not Planner(TARGETS, "local").plan(HOURLY, unit="", salt=SALT, is_drill_due=True).is_drill
    assert not Planner(TARGETS).plan(HOURLY, unit="", salt=SALT, is_drill_due=True, draws=False).is_drill


def test_a_route_without_drills_is_never_due():
    assert not Pace(1, 0, 0.0).is_due(AT_HOME, 1e9)
