from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from earthward.rollout.event import Event
from earthward.rollout.merge import merged
from earthward.rollout.presets import PRESETS
from earthward.rollout.read_events import Line, Order, Tick
from earthward.rollout.read_plan import plan
from earthward.rollout.replay import replayed


def request(t: float, unit: str = "u", *, ok: bool = True, share: int = 5000) -> Event:
    return Event(t, unit, "candidate", share, ok=ok)


def test_requests_of_others_come_in_at_their_time_and_their_orders_do_not():
    stop = Order(2.5, "abort", "ada", "no")
    others = [[request(1.5, "b"), stop, request(9.0, "b")], [request(2.0, "c")]]
    own: list[Line] = [request(1.0), Tick(2.0), request(3.0)]
    assert list(merged(own, others)) == [own[0], others[0][0], others[1][0], own[1], own[2], others[0][2]]


def test_without_others_a_log_stays_as_it_is_and_without_lines_theirs_is_all():
    own: list[Line] = [request(3.0), request(1.0), Order(2.0, "abort", "ada", "no")]
    assert list(merged(own, [])) == own
    assert list(merged([], [own])) == own[:2]


Times = st.lists(st.floats(0, 100), max_size=20)


@given(Times, st.lists(Times, max_size=3))
def test_every_request_is_told_once_and_the_own_order_stays(own: list[float], others: list[list[float]]):
    lines: list[Line] = [request(t, "own") for t in own]
    logs: list[list[Line]] = [[request(t, f"{n}-{m}") for m, t in enumerate(ts)] for n, ts in enumerate(others)]
    found = list(merged(lines, logs))
    assert [it for it in found if isinstance(it, Event) and it.unit == "own"] == lines
    assert sorted(map(repr, found)) == sorted(map(repr, [*lines, *(it for log in logs for it in log)]))


def arms(start: int, *, fails: bool) -> Iterable[Line]:
    """Forty units of two gateways by turns; the candidate fails or does not."""
    for number in range(start, 80, 2):
        arm = "candidate" if number // 2 % 2 else "baseline"
        yield Event(float(number), f"u{number}", arm, 500, ok=not fails or arm == "baseline", ttft_s=1.0)


def test_what_no_gateway_has_seen_enough_of_alone_is_decided_together():
    fast = plan(PRESETS["fast"])
    few = [list(arms(start, fails=True))[:5] for start in (0, 1)]
    alone = [replayed(fast, log).state.place.phase for log in few]
    together = replayed(fast, merged(few[0], [few[1]])).state.place.phase
    assert (alone, together) == (["stage", "stage"], "rolled back")
