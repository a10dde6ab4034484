from earthward.config.snapshot import Route, Target
from earthward.routing import plan as plans
from earthward.routing.drill import emergency_target, is_drilled
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
