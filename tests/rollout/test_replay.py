import random
from itertools import islice

from earthward.rollout.controller import Controller, begin
from earthward.rollout.event import Event
from earthward.rollout.read_events import Line, Order, Tick
from earthward.rollout.read_plan import plan
from earthward.rollout.replay import replayed
from earthward.rollout.worlds import requests, world

PLAN = plan({"stages": ["5%", "25%", "100%"], "gates": ["error_rate", "ttft"], "hold": "1h", "bake": "1h"})


def lived(count: int = 20_000) -> tuple[Controller, list[Line], list[object]]:
    """A rollout with people and idle hours in it, its log in the order things were told, and what it did."""
    controller = Controller(begin(PLAN))
    log: list[Line] = [Order(0.0, "start", "ada", "go")]
    said = [*controller.act("start", 0.0, "ada", "go")]
    traffic = requests(world("parity"), random.Random(2), lambda: (controller.state.share, controller.state.shadow))
    for number, event in enumerate(islice(traffic, count)):
        log.append(event)
        said += controller.feed(event)
        if number == 3000:
            log.append(Order(event.t, "pause", "eve", "lunch"))
            said += controller.act("pause", event.t, "eve", "lunch")
        if number == 3500:
            log.append(Order(event.t, "resume", "eve", "back"))
            said += controller.act("resume", event.t, "eve", "back")
        if number % 500 == 0:
            log.append(Tick(event.t + 3.0))
            said += controller.advance(event.t + 3.0)
    return controller, log, said


def test_a_log_is_replayed_to_the_same_decisions_and_the_same_state():
    controller, log, said = lived()
    result = replayed(PLAN, log)
    assert result.transitions == said
    assert result.state == controller.state
    assert len(said) > 4


def test_a_log_without_orders_is_started_at_its_first_line():
    result = replayed(PLAN, [Event(100.0, "u", "baseline", 500, ok=True)])
    assert [(it.t, it.after, it.by) for it in result.transitions] == [(100.0, "stage 5%", "replay")]


def test_orders_that_were_not_possible_are_told():
    result = replayed(PLAN, [Order(0.0, "start", "ada", ""), Order(1.0, "retry", "ada", "")])
    assert "retry at 1 s" in result.refused[0]


def test_names_that_no_gate_watches_are_counted():
    events = [Event(float(t), str(t), "baseline", 500, bad=("refusal", "error_rate")) for t in range(3)]
    assert replayed(PLAN, events).unwatched == {"refusal": 3}


def test_lines_out_of_order_are_told_and_those_of_before_the_epoch_left_out():
    events = [Event(t, f"u{t}", "baseline", 500, ok=True) for t in (5.0, 3.0, 6.0)]
    result = replayed(PLAN, events)
    assert (result.backwards, result.too_old, result.state.now) == (1, 1, 6.0)
    assert result.state.baseline_requests == 2


def test_a_late_line_counts_if_it_is_of_this_epoch():
    events = [Event(t, f"u{t}", "baseline", 500, ok=True) for t in (1.0, 5.0, 3.0)]
    result = replayed(PLAN, events)
    assert (result.backwards, result.too_old) == (1, 0)
    assert result.state.baseline_requests == 3


def test_nothing_is_replayed_to_nothing():
    result = replayed(PLAN, [])
    assert result.transitions == []
    assert result.state.place.phase == "pending"
