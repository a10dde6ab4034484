import itertools
import random
from collections.abc import Iterator

import msgspec
import pytest

from earthward.config.snapshot import Route
from earthward.rollout.controller import Controller, begin, digest
from earthward.rollout.event import Event
from earthward.rollout.placed import placed
from earthward.rollout.plan import HOUR
from earthward.rollout.read_plan import plan
from earthward.rollout.state import State, Subject
from earthward.rollout.verbs import NotNow

STAGES = ["5%", "25%", "75%", "100%"]
COMMON = {"gates": ["error_rate"], "min_requests": 20, "bake": {"for": "1h", "holdback": "2%"}}


def started(**given: object) -> Controller:
    controller = Controller(begin(plan({"stages": STAGES, **COMMON, **given})))
    controller.act("start", 0.0, "ada", "time to go")
    return controller


def traffic(
    controller: Controller, count: int, *, errors: float = 0.0, worse: float = 1.0, seed: int = 1, **fields: object
) -> Iterator[Event]:
    """One request a second from where the controller's time is, split as the controller says."""
    chance = random.Random(seed)
    begin = controller.state.now
    for number in range(1, count + 1):
        share = controller.state.share or controller.state.shadow
        is_candidate = chance.random() * 10_000 < share
        rate = errors * (worse if is_candidate else 1.0)
        arm = "candidate" if is_candidate else "baseline"
        yield Event(begin + number, f"{seed}-{number}", arm, share, ok=chance.random() >= rate, **fields)


def feed(controller: Controller, count: int, **given: object) -> list[str]:
    """Where it went, in the order of its moves."""
    return [moved.after for event in traffic(controller, count, **given) for moved in controller.feed(event)]


def candidates(controller: Controller, count: int, *, ok: bool, t: float | None = None) -> list[str]:
    now = controller.state.now if t is None else t
    share = controller.state.share
    units = (f"{now}-{share}-{ok}-{number}" for number in range(count))
    return [moved.after for unit in units for moved in controller.feed(Event(now, unit, "candidate", share, ok=ok))]


def test_equal_arms_go_through_all_stages_to_the_end():
    controller = started()
    moves = feed(controller, 60_000, errors=0.05)
    assert moves == ["stage 25%", "stage 75%", "promoted", "bake 98%", "completed"]
    assert controller.state.share == 10_000


def test_a_candidate_that_fails_is_rolled_back_at_once_whatever_the_stage_still_needs():
    controller = started(hold="7d", min_requests=10_000)
    assert candidates(controller, 10, ok=False) == ["rolled back"]
    assert controller.state.share == 0
    assert controller.state.now < 1


def test_what_was_rolled_back_stays_there_whatever_comes():
    controller = started()
    candidates(controller, 10, ok=False)
    before = controller.state.share, controller.state.place
    assert feed(controller, 5000) == []
    assert controller.advance(1e9) == ()
    assert (controller.state.share, controller.state.place) == before


def test_a_retry_waits_for_the_cooldown_and_begins_a_new_epoch():
    controller = started(cooldown="1h")
    candidates(controller, 10, ok=False)
    with pytest.raises(NotNow, match="cools down for 1800 s more"):
        controller.act("retry", HOUR / 2, "ada", "again")
    (moved,) = controller.act("retry", HOUR, "ada", "mended")
    assert (moved.after, moved.epoch, moved.by) == ("stage 5%", 2, "ada")
    assert controller.findings()[0].candidate_bad == 0


def test_requests_of_an_earlier_epoch_say_nothing_of_the_new_one():
    controller = started(cooldown="1h")
    candidates(controller, 10, ok=False)
    controller.act("retry", HOUR, "ada", "mended")
    assert candidates(controller, 50, ok=False, t=HOUR - 1) == []
    assert controller.findings()[0].candidate == 0


def test_a_shadow_stage_moves_nobody():
    controller = started(stages=[{"shadow": "20%"}, "5%", "100%"])
    assert (controller.state.share, controller.state.shadow) == (0, 2000)
    moves = feed(controller, 30_000, errors=0.05)
    assert moves[0] == "stage 5%"


def test_shadows_count_as_requests_but_expose_nobody():
    controller = started(stages=[{"shadow": "20%"}, "5%", "100%"], hold="1d")
    feed(controller, 1000, errors=0.05)
    assert controller.state.requests > 100
    assert controller.state.exposed == 0


def test_a_deadline_takes_effect_when_it_falls_due_and_not_when_somebody_looks():
    late, punctual = started(hold="1h"), started(hold="1h")
    for it in (late, punctual):
        feed(it, 3000, errors=0.3, seed=2)
        assert it.findings()[0].verdict == "pass"
    for now in range(3001, 4001):
        punctual.advance(float(now))
    (moved,) = late.advance(4000.0)
    assert moved.t == HOUR
    assert late.state == punctual.state


def test_times_begin_anew_in_each_stage_and_errors_do_not():
    controller = started(gates=["error_rate", {"ttft": {"at_most": "1s"}}], min_requests=0, hold="1h")
    feed(controller, 3000, errors=0.1, ttft_s=0.5)
    before = {it.metric: it for it in controller.findings()}
    controller.act("promote", controller.state.now, "ada", "go")
    after = {it.metric: it for it in controller.findings()}
    assert after["error_rate"].baseline == before["error_rate"].baseline > 0
    assert after["ttft"].baseline == 0 < before["ttft"].baseline


def test_a_request_of_the_stage_before_says_nothing_of_times_in_this_one():
    controller = started(gates=["error_rate", {"ttft": {"at_most": "1s"}}], warm_up="1m")
    controller.advance(100.0)
    controller.act("promote", 100.0, "ada", "go")
    for t, counted in ((99.0, 0), (159.0, 0), (160.0, 1)):
        controller.feed(Event(t, f"at{t}", "baseline", 500, ok=True, ttft_s=0.1))
        assert {it.metric: it.baseline for it in controller.findings()}["ttft"] == counted


def test_a_learned_limit_stays_through_the_stages():
    controller = started(gates=["error_rate", {"ttft": {"pre_period": 100}}])
    feed(controller, 200, ttft_s=0.7)
    controller.act("promote", controller.state.now, "ada", "go")
    assert {it.metric: it.limit for it in controller.findings()}["ttft"] == 0.7


def test_saturation_is_found_in_the_stage_that_causes_it():
    controller = started(gates=["error_rate", {"ttft": {"at_most": "1s"}}], min_requests=10)
    chance = random.Random(3)
    moves = []
    for number in itertools.count():
        share = controller.state.share
        is_candidate = chance.random() * 10_000 < share
        slow = 0.5 if is_candidate and share >= 7500 else 0.05
        seconds = 2.0 if chance.random() < slow else 0.5
        arm = "candidate" if is_candidate else "baseline"
        event = Event(float(number), str(number), arm, share, ok=chance.random() > 0.02, ttft_s=seconds)
        moves += controller.feed(event)
        if not controller.state.is_under_way or number > 100_000:
            break
    assert [it.after for it in moves] == ["stage 25%", "stage 75%", "rolled back"]
    assert "ttft" in moves[-1].why


def test_an_uneven_split_pauses_and_a_resume_looks_again():
    controller = started(min_requests=10**6)
    moves = []
    for number in range(2000):
        arm = "candidate" if number % 4 == 0 else "baseline"
        moves += controller.feed(Event(float(number), str(number), arm, 500, ok=True))
    assert [it.after for it in moves] == ["stage 5%, paused (split)"]
    (resumed,) = controller.act("resume", 2000.0, "ada", "found: a cache before the gateway")
    assert resumed.after == "stage 5%"
    assert not controller.state.is_split_off


def test_no_decision_in_time_pauses_and_a_resume_does_not_pause_it_again_at_once():
    controller = started(timeout="1h", min_requests=10**6)
    (paused,) = controller.advance(5000.0)
    assert (paused.t, paused.after) == (HOUR, "stage 5%, paused (no data)")
    controller.act("resume", 5000.0, "ada", "wait longer")
    assert controller.advance(5000.0 + HOUR - 1) == ()
    assert [it.t for it in controller.advance(1e6)] == [5000.0 + HOUR]


def test_approval_is_asked_for_when_all_else_has_passed():
    controller = started(stages=[{"share": "5%", "approval": True}, "100%"])
    assert feed(controller, 20_000, errors=0.1) == ["stage 5%, paused (approval)"]
    assert controller.act("promote", controller.state.now, "eve", "looks good")[0].by == "eve"
    assert controller.state.place.phase == "bake"


def test_a_gate_that_could_not_be_measured_when_all_else_had_passed_lets_it_go_on_once_it_can():
    gates = ["error_rate", {"mine": {"role": "guardrail"}}]
    controller = started(stages=["50%", "100%"], gates=gates, events=["mine"], hold="1h")
    feed(controller, 3000, bad=(), checked=("error_rate", "mine"))
    assert feed(controller, 600, seed=2, bad=(), checked=("error_rate",), unmeasured=("mine",)) == []
    assert controller.why == "mine: error"
    assert feed(controller, 1, seed=3, bad=(), checked=("error_rate", "mine")) == ["promoted", "bake 98%"]


def test_a_gate_that_had_no_data_when_all_else_had_passed_lets_it_go_on_once_it_has():
    stages = [{"share": "50%", "gates": ["error_rate", "cost"]}, "100%"]
    controller = started(stages=stages, gates=["error_rate", "cost"], hold="1h")
    assert feed(controller, 3700) == []
    assert controller.why == "cost: no data"
    assert feed(controller, 20, seed=2, cost=0.01) == ["promoted", "bake 98%"]


def test_a_dry_run_says_once_what_it_would_have_done_and_does_not():
    controller = started(gates=["error_rate", {"refusal": {"role": "dry run"}}], min_requests=10**6)
    notes = []
    for number in range(400):
        arm = "candidate" if number % 20 == 0 else "baseline"
        bad = ("refusal",) if arm == "candidate" else ()
        notes += controller.feed(Event(1.0, str(number), arm, 500, ok=True, bad=bad))
    assert [it.after for it in notes] == ["stage 5%"]
    assert "would have rolled back" in notes[0].why
    assert controller.state.share == 500


@pytest.mark.parametrize("verb", ["pause", "freeze"])
def test_what_is_paused_keeps_its_share_and_its_evidence(verb):
    controller = started()
    controller.act(verb, 1.0, "ada", "meeting")
    feed(controller, 20_000, errors=0.05)
    assert controller.state.share == 500
    assert controller.findings()[0].verdict == "pass"
    controller.act("resume", controller.state.now, "ada", "back")
    assert controller.state.share == 2500


def test_a_pause_lets_a_rollback_through_and_a_freeze_does_not():
    paused, frozen = started(), started()
    paused.act("pause", 1.0, "ada", "")
    frozen.act("freeze", 1.0, "ada", "")
    assert candidates(paused, 10, ok=False) == ["rolled back"]
    assert candidates(frozen, 10, ok=False) == []
    assert [it.after for it in frozen.act("resume", 2.0, "ada", "")] == ["stage 5%", "rolled back"]


def test_promote_full_goes_to_the_watch_at_the_end_and_the_holdback_stays():
    controller = started()
    moves = controller.act("promote_full", 1.0, "ada", "sure")
    assert [it.after for it in moves] == ["promoted", "bake 98%"]
    assert controller.state.share == 9800


def test_a_break_while_it_bakes_is_rolled_back():
    controller = started()
    controller.act("promote_full", 1.0, "ada", "sure")
    moves = feed(controller, 3000, errors=0.02, worse=40.0)
    assert moves == ["rolled back"]


def test_undo_after_a_false_rollback_goes_on_where_it_was_with_evidence_set_aside():
    controller = started()
    controller.act("promote", 1.0, "ada", "")
    candidates(controller, 10, ok=False)
    (moved,) = controller.act("undo", 2.0, "ada", "the probe was wrong, not the model")
    assert (moved.after, moved.share, moved.epoch) == ("stage 25%", 2500, 1)
    assert controller.findings()[0].candidate_bad == 0
    with pytest.raises(NotNow, match="no move to undo"):
        controller.act("undo", 3.0, "ada", "")


def test_undo_after_a_promotion_goes_back_one_stage():
    controller = started()
    controller.act("promote", 1.0, "ada", "")
    controller.act("undo", 2.0, "ada", "too soon")
    assert controller.state.share == 500


def test_undo_is_for_a_while_only():
    controller = started(undo_window="10m")
    controller.act("promote", 1.0, "ada", "")
    with pytest.raises(NotNow, match="only 600 s are allowed"):
        controller.act("undo", 602.0, "ada", "")


@pytest.mark.parametrize("verb", ["resume", "retry", "start"])
def test_a_verb_that_means_nothing_now_is_refused_and_changes_nothing(verb):
    controller = started()
    before = msgspec.msgpack.encode(controller.state, order="deterministic")
    with pytest.raises(NotNow):
        controller.act(verb, 0.0, "ada", "")
    assert msgspec.msgpack.encode(controller.state, order="deterministic") == before


def test_an_aborted_rollout_can_be_tried_again_at_once():
    controller = started()
    controller.act("abort", 1.0, "ada", "wrong model")
    assert controller.state.share == 0
    assert controller.act("retry", 2.0, "ada", "")[0].epoch == 2


def test_another_model_makes_all_evidence_void_and_begins_again():
    controller = started()
    controller.change(Subject("llama-8b", "v1", "judge-1"), 0.0)
    feed(controller, 5000, errors=0.2)
    assert controller.state.place.phase == "bake"
    (moved,) = controller.change(Subject("llama-70b", "v1", "judge-1"), controller.state.now)
    assert (moved.after, moved.epoch) == ("stage 5%", 2)
    assert controller.findings()[0].candidate == 0


def test_a_tag_that_is_pulled_anew_makes_all_evidence_void_and_begins_again():
    controller = started()
    assert controller.see({"llama": {"one": "a"}}, {}, 0.0) == (), "the first that is known is no other one"
    feed(controller, 5000, errors=0.2)
    now = controller.state.now
    assert controller.see({"llama": {"two": "a"}, "mini": {"one": "m"}}, {}, now) == ()
    (moved,) = controller.see({"llama": {"one": "b", "two": "a"}}, {}, now)
    assert (moved.after, moved.epoch) == ("stage 5%", 2)
    assert sum(it.baseline + it.candidate for it in controller.findings()) == 0
    assert controller.see({"llama": {"two": "b"}}, {}, now) == (), "it follows the first"
    assert controller.see({}, {}, now) == (), "hosts that are away say nothing"


def test_a_judge_that_is_pulled_anew_makes_only_comparisons_void():
    controller = started(gates=["error_rate", "quality"])
    controller.see({}, {"judge": {"one": "a"}}, 0.0)
    feed(controller, 100, errors=0.5, score=0.5)
    assert controller.state.evidence["quality"].candidate
    (noted,) = controller.see({}, {"judge": {"one": "b"}}, controller.state.now)
    assert (noted.event, noted.epoch) == ("noted", 1)
    assert controller.state.evidence["quality"].candidate == 0
    assert controller.state.evidence["error_rate"].baseline_bad


@pytest.mark.parametrize("end", ["abort", "complete"])
def test_what_has_ended_with_other_models_can_not_be_taken_up_again(end):
    controller = started()
    controller.change(Subject("mini llama", "v1", "", "llama"), 0.0)
    controller.see({"llama": {"one": "a"}}, {}, 0.0)
    for verb in ("abort",) if end == "abort" else ("promote_full", "promote"):
        controller.act(verb, 1.0, "ada", "")
    there = msgspec.msgpack.encode(controller.state)
    for other in (
        lambda it: it.change(Subject("gpt llama", "v1", "", "llama"), 2.0),
        lambda it: it.see({"llama": {"one": "b"}}, {}, 2.0),
    ):
        changed = Controller(msgspec.msgpack.decode(there, type=State))
        other(changed)
        with pytest.raises(NotNow, match="no move to undo"):
            changed.act("undo", 3.0, "ada", "")


def test_another_judge_makes_only_comparisons_void():
    controller = started(gates=["error_rate", "quality"])
    controller.change(Subject("llama-8b", "v1", "judge-1"), 0.0)
    feed(controller, 500, errors=0.2, score=0.5)
    controller.change(Subject("llama-8b", "v1", "judge-2"), controller.state.now)
    found = {it.metric: it for it in controller.findings()}
    assert found["quality"].candidate == 0
    assert found["error_rate"].candidate > 0
    feed(controller, 10, errors=0.2, score=0.5, seed=2)
    assert {it.metric: it.candidate for it in controller.findings()}["quality"] == 10


def test_a_share_only_rises_until_it_is_rolled_back():
    for seed in range(5):
        controller = started()
        shares = [0]
        for event in traffic(controller, 30_000, errors=0.05, worse=1.0, seed=seed):
            controller.feed(event)
            shares.append(controller.state.share)
        ends = shares[-1]
        rising = shares if ends else shares[: shares.index(0, 1)]
        assert rising == sorted(rising)


@pytest.mark.parametrize("seed", range(3))
def test_a_controller_killed_anywhere_goes_on_to_the_same_state(seed):
    """Written down and read back before random events, as a process does that is killed and started again."""
    given = {
        "stages": [{"shadow": "20%"}, "25%", "100%"],
        "gates": ["error_rate", {"ttft": {"pre_period": 50}}, "quality", {"feedback": {"role": "dry run"}}],
        "timeout": "2h",
    }
    lives, dies = started(**given), started(**given)
    chance = random.Random(seed)
    said: list[list[object]] = [[], []]
    for event in traffic(lives, 12_000, errors=0.08, worse=1.0 + seed, seed=seed, ttft_s=0.5, score=0.5, bad=()):
        if chance.random() < 0.02:
            dies = Controller(msgspec.msgpack.decode(msgspec.msgpack.encode(dies.state), type=State))
        for it, heard in zip((lives, dies), said, strict=True):
            heard += it.feed(event)
    assert lives.state == dies.state
    assert said[0] == said[1] != []


def test_a_transition_says_who_why_and_on_what_evidence():
    controller = started()
    candidates(controller, 4, ok=True)
    (moved,) = controller.act("abort", 5.0, "ada", "wrong model")
    assert (moved.t, moved.before, moved.after) == (5.0, "stage 5%", "aborted")
    assert (moved.by, moved.why, moved.plan) == ("ada", "wrong model", digest(controller.plan))
    (found,) = moved.evidence
    assert (found.metric, found.verdict, found.candidate) == ("error_rate", "no data", 4)
    assert 0 < found.e_good < found.enough_good


def test_time_to_a_decision_is_told_while_it_is_open():
    controller = started(hold="365d")
    feed(controller, 4000, errors=0.01)
    expected = controller.findings()[0].expected_s
    assert expected is not None
    assert 60 < expected < 10**6


@pytest.mark.parametrize("start", [0.1, 1e9 + 0.3, 1_700_000_000.123456])
@pytest.mark.parametrize("hold", ["0.1s", "0.7s", "3.3s", "1h"])
def test_a_stage_is_left_at_its_deadline_however_times_are_rounded(start, hold):
    stages = [{"share": "5%", "gates": []}, "100%"]
    controller = Controller(begin(plan({"stages": stages, "gates": ["error_rate"], "hold": hold})))
    controller.act("start", start, "ada", "")
    assert next(it.after for it in controller.advance(start + 2 * HOUR)) == "promoted"


def test_an_automatic_pause_can_not_weaken_what_somebody_said():
    controller = started()
    controller.act("freeze", 1.0, "ada", "audit")
    with pytest.raises(NotNow, match="paused already"):
        controller.act("pause", 2.0, "earthward", "", "judge down")
    assert controller.state.paused == "frozen"


def test_what_fell_due_before_a_refused_order_is_not_lost():
    controller = started(timeout="1h", min_requests=10**6)
    with pytest.raises(NotNow) as caught:
        controller.act("retry", 2 * HOUR, "ada", "")
    assert [it.after for it in caught.value.moved] == ["stage 5%, paused (no data)"]


def test_a_split_found_off_while_somebody_had_paused_is_told_after_the_resume():
    controller = started(min_requests=10**6)
    controller.act("pause", 0.0, "ada", "")
    for number in range(2000):
        arm = "candidate" if number % 4 == 0 else "baseline"
        controller.feed(Event(1.0, str(number), arm, 500, ok=True))
    assert [it.after for it in controller.act("resume", 2.0, "ada", "")] == ["stage 5%", "stage 5%, paused (split)"]


def test_pilots_are_no_sample():
    controller = started()
    controller.feed(Event(1.0, "pilot", "candidate", 10_000, ok=True))
    assert (controller.state.requests, controller.state.exposed) == (0, 1)


def test_what_is_told_later_of_a_request_is_no_second_request():
    controller = started(gates=["error_rate", "quality"])
    controller.feed(Event(1.0, "one", "candidate", 500, ok=True))
    controller.feed(Event(1.0, "one", "candidate", 500, score=0.5, is_later=True))
    assert (controller.state.requests, controller.state.exposed) == (1, 1)
    assert {it.metric: it.candidate for it in controller.findings()} == {"error_rate": 1, "quality": 1}


def test_where_nothing_fails_the_time_to_a_decision_is_told_too():
    controller = started(min_requests=10**6)
    feed(controller, 2000)
    expected = controller.findings()[0].expected_s
    assert expected is not None
    needed = 0
    while controller.findings()[0].verdict != "pass":
        feed(controller, 500, seed=100 + needed)
        needed += 500
    assert expected / 2 < needed < 2 * expected


def test_time_never_runs_back():
    controller = started()
    controller.advance(100.0)
    controller.feed(Event(50.0, "late", "baseline", 500, ok=True))
    controller.advance(20.0)
    assert controller.state.now == 100.0
    assert controller.findings()[0].baseline == 1


def test_a_plan_of_nothing_but_all_goes_straight_to_the_watch():
    controller = started(stages=["100%"])
    assert controller.state.place.phase == "bake"
    assert controller.state.share == 9800


def test_a_plan_may_end_below_all():
    controller = started(stages=["5%", "25%"])
    feed(controller, 60_000, errors=0.05)
    assert controller.state.place.phase == "completed"
    assert controller.state.share == 2500


def test_a_request_at_the_moment_of_a_deadline_comes_after_it():
    controller = started(timeout="1h", on_timeout="rollback")
    (moved,) = controller.feed(Event(HOUR, "u", "candidate", 500, ok=True))
    assert (moved.t, moved.after) == (HOUR, "rolled back")
    assert controller.state.exposed == 0


def test_a_request_of_the_stage_before_is_none_of_those_that_this_one_needs():
    controller = started()
    controller.act("promote", 100.0, "ada", "")
    controller.feed(Event(99.0, "before", "candidate", 500, ok=True))
    controller.feed(Event(101.0, "since", "candidate", 2500, ok=True))
    assert controller.state.requests == 1


def test_what_is_told_later_says_nothing_of_the_split():
    controller = started(min_requests=10**6)
    for number in range(2000):
        event = Event(float(number), str(number), "candidate", 500, bad=(), checked=("feedback",), is_later=True)
        assert controller.feed(event) == ()


def test_the_more_stages_there_are_the_surer_an_alarm_for_the_split_is():
    def units_until_the_alarm(stages: list[str]) -> int:
        controller = started(stages=stages, min_requests=10**6)
        numbers = (number for number in itertools.count() if candidates(controller, 1, ok=True, t=float(number)))
        return next(numbers)

    few, many = ["50%", "100%"], [f"{share}%" for share in (*range(50, 90), 100)]
    assert units_until_the_alarm(few) < units_until_the_alarm(many)


@pytest.mark.parametrize("role", ["dry run", "signal"])
def test_in_a_new_epoch_it_is_told_again_what_a_dry_run_or_a_signal_would_have_done(role):
    controller = started(gates=["error_rate", {"truncated": {"role": role}}])
    controller.change(Subject("llama-8b"), 0.0)
    for model in ("llama-8b", "llama-70b"):
        controller.change(Subject(model), controller.state.now)
        t = controller.state.now + 1
        events = [Event(t, f"{model}-{number}", "candidate", 500, ok=True, bad=("truncated",)) for number in range(20)]
        told = [moved.why for event in events for moved in controller.feed(event)]
        assert [why for why in told if why.startswith(f"truncated ({role}): the candidate is worse")] == told[:1] != []


def test_a_resume_of_what_waits_for_approval_approves():
    controller = started(stages=[{"share": "5%", "approval": True}, "100%"])
    feed(controller, 20_000, errors=0.1)
    assert [it.after for it in controller.act("resume", controller.state.now, "ada", "fine")] == [
        "promoted",
        "bake 98%",
    ]


def test_another_prompt_makes_all_evidence_void_and_begins_again():
    controller = started()
    controller.change(Subject("llama", "v1"), 0.0)
    feed(controller, 100)
    (moved,) = controller.change(Subject("llama", "v2"), controller.state.now)
    assert (moved.event, moved.epoch) == ("started", 2)


def test_of_what_ended_before_candidates_were_known_none_is_another_one():
    controller = started()
    controller.change(Subject("llama"), 0.0)
    controller.act("abort", 1.0, "ada", "")
    controller.change(Subject("llama", candidate="llama"), 2.0)
    assert controller.state.place.phase == "aborted"


def test_a_limit_goes_on_being_learned_in_the_next_stage():
    controller = started(gates=["error_rate", {"ttft": {"pre_period": 100}}])
    for first in (0, 50):
        assert controller.state.evidence["ttft"].limit is None
        for number in range(first, first + 50):
            controller.feed(
                Event(controller.state.now + 1, str(number), "baseline", controller.state.share, ttft_s=0.1)
            )
        controller.act("promote", controller.state.now, "ada", "")
    assert controller.state.evidence["ttft"].limit == 0.1


def test_models_that_load_are_no_matter_in_a_shadow_stage_where_nobody_waits():
    def timed(stages: list[object]) -> int:
        controller = started(stages=stages, gates=["error_rate", {"ttft": {"at_most": "1s"}}], warm_up="1h")
        controller.feed(Event(1.0, "u", "candidate", 5000, ok=True, ttft_s=0.1))
        return controller.state.evidence["ttft"].candidate

    assert timed([{"shadow": "50%"}, "100%"]) == 1
    assert timed(["50%", "100%"]) == 0


def test_what_is_frozen_can_not_be_frozen_again():
    controller = started()
    controller.act("freeze", 1.0, "ada", "")
    with pytest.raises(NotNow, match="paused already"):
        controller.act("freeze", 2.0, "eve", "")


def test_before_the_start_a_route_is_in_no_stage():
    route = Route("trial", baseline="mini", candidate="llama", stage=3)
    controller = Controller(begin(plan({"stages": STAGES})))
    assert placed(route, controller.state).stage == 0
    controller.act("start", 0.0, "ada", "")
    assert placed(route, controller.state).stage == 1
