import random

import pytest

from earthward.rollout.controller import Controller, begin
from earthward.rollout.pairs import Outcome, event_of_bad_word, event_of_score, events_of_pair
from earthward.rollout.read_plan import plan

FINE, FAILED = Outcome(ok=True), Outcome(ok=False)
SHADOW = {"stages": [{"shadow": "20%"}, "100%"], "bake": "1h"}


def controller(**more: object) -> Controller:
    made = Controller(begin(plan({**SHADOW, **more})))
    made.act("start", 0.0, "ada", "go")
    return made


def told(controller: Controller, number: int, baseline: Outcome, candidate: Outcome) -> None:
    for event in events_of_pair(float(number), f"u{number}", baseline, candidate, in_shadow_stage=True):
        controller.feed(event)


def test_a_pair_tells_of_both_arms_at_even_odds():
    first, second = events_of_pair(1.0, "u", FINE, FAILED, in_shadow_stage=True)
    assert (first.arm, first.share, first.ok) == ("baseline", 5000, True)
    assert (second.arm, second.share, second.ok) == ("candidate", 5000, False)


def test_what_both_got_wrong_is_left_out():
    both = Outcome(ok=False, checked=("refusal", "truncated"), bad=("refusal",))
    for event in events_of_pair(1.0, "u", both, both, in_shadow_stage=True):
        assert (event.ok, event.bad, event.checked) == (None, (), ("truncated",))


def test_times_are_told_where_both_arms_have_one():
    streamed, whole = Outcome(ok=True, ttft_s=0.1), Outcome(ok=True)
    assert [it.ttft_s for it in events_of_pair(1.0, "u", whole, streamed, in_shadow_stage=True)] == [None, None]
    assert [it.ttft_s for it in events_of_pair(1.0, "u", streamed, streamed, in_shadow_stage=True)] == [0.1, 0.1]


def test_in_a_live_stage_only_what_compares_is_told_and_counts_as_no_request():
    looked = Outcome(ok=True, checked=("refusal", "truncated"))
    refused = Outcome(ok=False, checked=("refusal", "truncated"), bad=("refusal", "truncated"))
    events = events_of_pair(1.0, "u", looked, refused, in_shadow_stage=False)
    assert [(it.ok, it.checked, it.bad, it.is_later) for it in events] == [
        (None, ("refusal",), (), True),
        (None, ("refusal",), ("refusal",), True),
    ]
    assert events_of_pair(1.0, "u", FINE, FAILED, in_shadow_stage=False) == ()


def test_a_candidate_that_fails_in_its_shadows_is_rolled_back_before_anybody_meets_it():
    it = controller(gates=["error_rate"], min_requests=10_000)
    for number in range(30):
        told(it, number, FINE, FAILED)
    assert it.state.place.phase == "rolled back"
    assert it.state.exposed == 0


def test_equal_arms_go_on_to_users_once_it_is_shown():
    it = controller(gates=[{"error_rate": {"negligible": "5%"}}], min_requests=200)
    for number in range(300):
        told(it, number, FINE, FINE)
    assert it.state.place.phase in ("promoted", "bake"), it.why


def test_equal_arms_are_seldom_rolled_back_though_pairs_are_kept_back_at_will():
    """A busy host may keep any pair from it, as long as nobody looks at what would have come of it."""
    false = 0
    for seed in range(100):
        draw = random.Random(seed)
        it = controller(gates=["error_rate"], min_requests=10**6)
        for number in range(1500):
            if draw.random() < 0.5:
                continue
            ok = [draw.random() >= 0.05 for _ in range(2)]
            told(it, number, Outcome(ok=ok[0]), Outcome(ok=ok[1]))
        false += it.state.place.phase == "rolled back"
    assert false <= 9, "5 % allowed; 9 of 100 is what chance gives in one of 28 runs"


def test_a_score_that_could_not_be_had_is_an_error_after_five_in_a_row_and_holds():
    it = controller(gates=["quality"])
    it.feed(event_of_score(0.5, "u", 0, 0.5))
    for number in range(5):
        it.feed(event_of_score(1.0, f"u{number}", 0, None))
    (found,) = it.findings()
    assert found.verdict == "error"
    assert it.state.place.phase == "shadow"
    it.feed(event_of_score(2.0, "later", 0, 0.5))
    assert it.findings()[0].verdict == "inconclusive"


def test_that_nobody_has_complained_yet_shows_no_candidate_to_be_good():
    """A record says so of every request when it is settled, long before anybody could say a word."""
    it = Controller(begin(plan({"stages": ["50%", "100%"], "gates": [{"feedback": {"role": "guardrail"}}]})))
    it.act("start", 0.0, "ada", "go")
    draw = random.Random(1)
    for number in range(3000):
        arm = draw.choice(("baseline", "candidate"))
        silent = event_of_bad_word(float(number), f"u{number}", arm, 5000)
        it.feed(type(silent)(silent.t, silent.unit, arm, 5000, bad=(), checked=("feedback",)))
    assert it.findings()[0].verdict == "inconclusive"


@pytest.mark.parametrize("arm", ["baseline", "candidate"])
def test_a_bad_word_counts_for_the_arm_that_was_assigned(arm):
    it = Controller(begin(plan({"stages": ["50%", "100%"], "gates": ["error_rate", "feedback"]})))
    it.act("start", 0.0, "ada", "go")
    it.feed(event_of_bad_word(1.0, "u", arm, 5000))
    it.feed(event_of_bad_word(2.0, "u", arm, 5000))
    found = it.findings()[1]
    assert (found.baseline_bad, found.candidate_bad) == ((1, 0) if arm == "baseline" else (0, 1))
