import random

from hypothesis import given
from hypothesis import strategies as st

from earthward.rollout.event import Event
from earthward.rollout.merge import merged
from earthward.rollout.read_plan import plan
from earthward.rollout.replay import replayed

EVENTS = [
    Event(
        float(number // 3), f"u{number % 50}", "candidate" if number % 4 == 0 else "baseline", 2500, ok=number % 7 > 0
    )
    for number in range(300)
]
PLAN = plan({"stages": ["25%", "100%"], "gates": ["error_rate"]})


@given(st.lists(st.integers(0, 3), min_size=len(EVENTS), max_size=len(EVENTS)), st.randoms(use_true_random=False))
def test_it_does_not_matter_which_worker_has_what_on_record(workers, chance: random.Random):
    logs: list[list[Event]] = [[], [], [], []]
    for event, worker in zip(EVENTS, workers, strict=True):
        logs[worker].append(event)
    chance.shuffle(logs)
    assert list(merged(logs)) == list(merged([EVENTS]))


def test_a_request_on_two_records_is_told_once():
    assert list(merged([EVENTS, EVENTS[50:100]])) == list(merged([EVENTS]))


def test_merged_logs_lead_to_the_same_state():
    halves = [EVENTS[::2], EVENTS[1::2]]
    assert replayed(PLAN, merged(halves)).state == replayed(PLAN, merged([EVENTS])).state
