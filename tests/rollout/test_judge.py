import pytest

from earthward.rollout.judge import Facts, judged, span
from earthward.rollout.plan import Gate, Stage

ERRORS, QUALITY = Gate("error_rate", "guardrail"), Gate("quality", "guardrail")
SIGNAL, DRY = Gate("feedback", "signal"), Gate("refusal", "dry run")
STAGE = Stage(500, min_requests=100, hold=60.0, gates=("error_rate", "quality"))


def facts(stage: Stage = STAGE, **given: object) -> Facts:
    verdicts = {"error_rate": "pass", "quality": "pass", "feedback": "inconclusive", "refusal": "inconclusive"}
    verdicts |= given.pop("verdicts", {})
    given = {"elapsed": 60.0, "waited": 60.0, "requests": 100, **given}
    given["is_held"] = given["elapsed"] < stage.hold
    given["is_out_of_time"] = stage.timeout is not None and given["waited"] >= stage.timeout
    return Facts(stage, (ERRORS, QUALITY, SIGNAL, DRY), verdicts, **given)


def test_everything_passed_promotes():
    assert judged(facts()).action == "promote"


@pytest.mark.parametrize(
    "missing",
    [
        {"requests": 99},
        {"elapsed": 59.9},
        {"verdicts": {"quality": "inconclusive"}},
        {"verdicts": {"quality": "no data"}},
        {"verdicts": {"quality": "error"}},
        {"verdicts": {"feedback": "fail"}},
    ],
    ids=str,
)
def test_whatever_is_missing_for_a_promotion_holds(missing):
    assert judged(facts(**missing)).action == "stay"


def test_a_rollback_waits_for_nothing():
    move = judged(facts(requests=0, elapsed=0.0, waited=0.0, verdicts={"error_rate": "fail"}))
    assert move.action == "roll back"
    assert "error_rate" in move.why


def test_a_failing_signal_holds_and_a_failing_dry_run_does_nothing():
    assert judged(facts(verdicts={"feedback": "fail"})).action == "stay"
    assert judged(facts(verdicts={"refusal": "fail"})).action == "promote"


@pytest.mark.parametrize("reason", ["manual", "judge down", "budget", "split", "approval"])
def test_what_is_paused_is_not_promoted_but_rolled_back_if_it_must(reason):
    assert judged(facts(paused=reason)).action == "stay"
    assert judged(facts(paused=reason, verdicts={"error_rate": "fail"})).action == "roll back"


def test_what_is_frozen_is_not_even_rolled_back():
    assert judged(facts(paused="frozen", verdicts={"error_rate": "fail"})).action == "stay"


@pytest.mark.parametrize("reason", ["inconclusive", "no data", "error"])
def test_what_lacked_evidence_goes_on_by_itself_once_that_is_there(reason):
    assert judged(facts(paused=reason)).action == "promote"


def test_an_uneven_split_pauses_and_rolls_nothing_back():
    assert judged(facts(is_split_off=True))[::2] == ("pause", "split")


def test_an_uneven_split_is_told_even_while_approval_is_awaited():
    assert judged(facts(is_split_off=True, paused="approval")).reason == "split"
    assert judged(facts(is_split_off=True, paused="manual")).action == "stay"


def test_approval_comes_last():
    stage = Stage(500, min_requests=100, hold=60.0, gates=("error_rate",), approval=True)
    assert judged(facts(stage))[::2] == ("pause", "approval")
    assert judged(facts(stage, requests=5)).action == "stay"


@pytest.mark.parametrize(
    ("verdict", "reason"), [("inconclusive", "inconclusive"), ("no data", "no data"), ("error", "error")]
)
def test_out_of_time_is_paused_for_what_it_lacks(verdict, reason):
    stage = Stage(500, gates=("error_rate",), timeout=3600.0)
    given = {"verdicts": {"error_rate": verdict}, "elapsed": 3600.0}
    assert judged(facts(stage, waited=3599.0, **given)).action == "stay"
    assert judged(facts(stage, waited=3600.0, **given))[::2] == ("pause", reason)


def test_out_of_time_rolls_back_if_the_plan_says_so():
    stage = Stage(500, gates=("error_rate",), timeout=3600.0, on_timeout="rollback")
    assert judged(facts(stage, waited=3600.0, verdicts={"error_rate": "inconclusive"})).action == "roll back"


def test_a_pause_out_of_time_is_not_said_twice():
    stage = Stage(500, gates=("error_rate",), timeout=60.0)
    move = judged(facts(stage, waited=61.0, paused="inconclusive", verdicts={"error_rate": "inconclusive"}))
    assert move.action == "stay"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (90, "90 s"), (900, "15 min"), (12_600, "3.5 h"), (604_800, "7 d")]
)
def test_times_are_said_as_people_say_them(seconds, said):
    assert span(seconds) == said
