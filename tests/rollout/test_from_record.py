import pytest

from earthward.chat.failures import FailureKind
from earthward.chat.usage import Count, Usage
from earthward.ledger.record import Attempt, Record
from earthward.rollout.from_record import event_of

SECOND = 1_000_000_000


def record(**fields: object) -> Record:
    usual = {
        "arm": "candidate",
        "share": 500,
        "unit": "u",
        "target": "llama",
        "attempts": (Attempt("llama", "http://llama", "candidate", 0),),
        "first_content": SECOND // 2,
        "duration": 3 * SECOND,
        "usage": Usage(output=Count.reported(26)),
        "cost": 2_000_000,
    }
    return Record("x", 7 * SECOND, **{"status": "ok", **usual, **fields})


def test_an_answer_by_the_arm_that_was_drawn():
    event = event_of(record())
    assert (event.t, event.unit, event.arm, event.share) == (7.0, "u", "candidate", 500)
    assert (event.ok, event.ttft_s, event.token_s, event.total_s, event.cost) == (True, 0.5, 0.1, 3.0, 0.002)
    assert event.bad == ()


def test_what_another_target_had_to_serve_is_a_failure_of_the_arm_and_its_times_are_not():
    event = event_of(record(target="mini"))
    assert (event.ok, event.ttft_s, event.total_s) == (False, None, None)
    assert event.bad == ("fallback_rate",)


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_is_the_arms_or_says_nothing_of_it(kind):
    event = event_of(record(status="failed", failure=kind))
    mine = {"bad_request", "bad_key", "draining", "ledger_down", "client_gone", "no_target"}
    theirs = {"upstream_error", "timeout", "broken_stream", "unreachable", "malformed"}
    assert event.ok in (False, None)
    assert kind not in mine or event.ok is None
    assert kind not in theirs or event.ok is False


@pytest.mark.parametrize("status", ["cancelled", "unknown"])
def test_answers_that_callers_gave_up_say_nothing(status):
    event = event_of(record(status=status))
    assert (event.ok, event.ttft_s) == (None, None)


def test_an_answer_cut_by_length_is_truncated():
    assert event_of(record(finish_reason="length")).bad == ("truncated",)


def test_what_was_not_measured_is_unknown_and_not_zero():
    event = event_of(record(usage=Usage(), cost=None, first_content=None))
    assert (event.ttft_s, event.token_s, event.cost) == (None, None, None)


def test_a_route_without_arms_is_no_evidence():
    assert event_of(record(arm="only")) is None


def test_where_no_arm_could_be_drawn_there_is_nothing_to_compare():
    assert event_of(record(arm="baseline", share=0)) is None
    assert event_of(record(arm="only", share=500)) is None
