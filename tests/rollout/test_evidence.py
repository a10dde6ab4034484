import msgspec
import pytest

from earthward.rollout.event import Event
from earthward.rollout.evidence import ERRORS_IN_A_ROW, RARE_UNITS, Evidence, Watch, begun, even_split
from earthward.rollout.metrics import METRICS, own
from earthward.rollout.plan import Gate


def watch(metric: str = "error_rate", alpha: float = 0.05, **options: object) -> Watch:
    gate = Gate(metric, "guardrail", **options)
    of = METRICS.get(metric) or own(metric)
    return Watch(gate, of, alpha, 0.05, begun(gate, of, 0.0))


def event(unit: object, arm: str = "candidate", **fields: object) -> Event:
    return Event(**{"t": 0.0, "unit": str(unit), "arm": arm, "share": 500, **fields})


def feed(it: Watch, count: int, arm: str = "candidate", first: int = 0, **fields: object) -> None:
    for number in range(first, first + count):
        it.take(event(f"{arm}{number}", arm, **fields))


def test_a_unit_counts_once_however_often_it_fails():
    it = watch()
    for _ in range(100):
        it.take(event("one", ok=False))
    assert (it.evidence.candidate, it.evidence.candidate_bad) == (100, 1)
    assert it.verdict != "fail"


def test_a_unit_counts_by_its_first_bad_event_even_if_it_has_moved_since():
    it = watch()
    it.take(event("one", "baseline", ok=False))
    it.take(event("one", "candidate", ok=False))
    assert (it.evidence.baseline_bad, it.evidence.candidate_bad) == (1, 0)


def test_many_failing_units_of_the_candidate_are_a_failure():
    it = watch()
    feed(it, 100, "baseline", ok=True)
    feed(it, 10, ok=False)
    assert it.verdict == "fail"


def test_the_same_failures_in_proportion_on_both_arms_are_none():
    it = watch()
    for number in range(10):
        feed(it, 19, "baseline", first=19 * number, ok=False)
        feed(it, 1, first=number, ok=False)
    assert it.verdict != "fail"
    assert it.evidence.worse.fortune < 1


def test_candidates_that_never_fail_are_good_enough_though_there_is_nothing_to_compare():
    it = watch()
    feed(it, 10, "baseline", ok=True)
    feed(it, 2000, ok=True)
    assert it.verdict == "pass"
    assert it.evidence.baseline_bad == it.evidence.candidate_bad == 0


def test_one_unit_that_asks_two_thousand_times_is_one_trial():
    it = watch()
    feed(it, 10, "baseline", ok=True)
    for _ in range(2000):
        it.take(event("one", ok=True))
    assert it.verdict == "inconclusive"


def test_units_remembered_are_bounded():
    it = watch(negligible=0.000001)
    feed(it, RARE_UNITS + 100, ok=True)
    assert len(it.evidence.tried) == RARE_UNITS


def test_requests_that_say_nothing_are_no_data():
    it = watch()
    feed(it, 10)
    assert it.verdict == "no data"
    feed(it, 10, ok=True)
    assert it.verdict == "no data"
    feed(it, 10, "baseline", ok=True)
    assert it.verdict == "inconclusive"


def test_what_can_not_be_measured_is_an_error_of_the_metric_until_it_can_again():
    it = watch()
    feed(it, 1, "baseline", ok=True)
    feed(it, 1, ok=True)
    for _ in range(ERRORS_IN_A_ROW):
        assert it.verdict == "inconclusive"
        it.fail_to_measure()
    assert it.verdict == "error"
    feed(it, 1, ok=True)
    assert it.verdict == "inconclusive"


FIGURES = {"ok": True, "ttft_s": 0.1, "token_s": 0.1, "total_s": 0.1, "score": 0.5, "cost": 1.0, "bad": ()}


@pytest.mark.parametrize("name", METRICS)
def test_whoever_waits_is_told_that_there_are_data_and_that_it_can_be_measured_again(name):
    it = watch(name, **({"at_most": 1.0} if METRICS[name].kind == "limit" else {}))
    arms = ("candidate",) if METRICS[name].kind == "pairs" else ("baseline", "candidate")
    told = [it.take(event(arm, arm, **FIGURES)) for arm in arms]
    assert it.verdict in ("pass", "inconclusive")
    assert told[-1] or it.verdict == "inconclusive", "what can only pass by a test that ends is told by that"
    for _ in range(ERRORS_IN_A_ROW):
        it.fail_to_measure()
    assert it.take(event("candidate", **FIGURES)), "of a unit that was counted before, too"
    assert it.verdict != "error"
    assert not it.take(event("candidate", **FIGURES))


def test_times_that_come_after_failures_alone_are_told():
    it = watch("ttft", at_most=1.0)
    feed(it, 1, "baseline", ok=True, ttft_s=0.1)
    feed(it, 1, ok=False)
    assert it.verdict == "no data"
    assert it.take(event("late", ttft_s=0.1))
    assert it.verdict == "inconclusive"


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.kind in ("events", "limit")])
def test_every_metric_of_bad_events_can_be_named_in_bad(name):
    it = watch(name, at_most=1.0)
    feed(it, 20, "baseline", ok=True, bad=())
    feed(it, 20, ok=True, bad=(name,))
    assert it.verdict == "fail"


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_has_no_data_before_the_first_request(name):
    assert watch(name).verdict == "no data"


def test_a_metric_of_ones_own_reads_its_name():
    it = watch("wrong_currency")
    feed(it, 20, "baseline", bad=())
    feed(it, 20, bad=("wrong_currency",))
    assert it.verdict == "fail"


def test_what_nobody_looked_at_is_no_good_sign():
    it = watch("refusal")
    feed(it, 50, bad=(), checked=("truncated",))
    assert it.verdict == "no data"
    feed(it, 50, first=50, bad=(), checked=("refusal",))
    assert it.evidence.candidate == 50


def test_a_limit_is_frozen_at_the_baselines_p95_and_what_it_was_learned_from_is_no_evidence():
    it = watch("ttft", pre_period=100)
    for number in range(100):
        it.take(event(f"c{number}", ttft_s=99.0))
        it.take(event(f"b{number}", "baseline", ttft_s=number / 100))
    assert it.evidence.limit == 0.94
    assert it.evidence.pre == []
    assert it.evidence.candidate == it.evidence.baseline == 0
    it.take(event("slow", ttft_s=0.95))
    it.take(event("fast", ttft_s=0.94))
    assert (it.evidence.candidate, it.evidence.candidate_bad) == (2, 1)


def test_a_request_that_failed_had_no_first_content_and_is_late():
    it = watch("ttft", at_most=2.0)
    it.take(event("one", ok=False))
    assert it.evidence.candidate_bad == 1


def test_failures_alone_say_nothing_of_times():
    it = watch("ttft", at_most=2.0)
    for number in range(2000):
        it.take(event(number, "candidate" if number % 20 == 0 else "baseline", ok=False))
    assert it.verdict == "no data"
    it.take(event("timed", ttft_s=1.0))
    assert it.verdict == "pass"


def test_a_unit_is_compared_once():
    it = watch("quality")
    for _ in range(50):
        it.take(event("one", score=0.0))
    assert it.evidence.candidate == 1


def test_pairs_need_no_baseline_of_their_own():
    it = watch("quality")
    feed(it, 100, score=1.0)
    assert it.verdict == "pass"
    it = watch("quality")
    feed(it, 100, score=0.0)
    assert it.verdict == "fail"


def test_costs_are_summed_and_never_tested():
    it = watch("cost")
    feed(it, 100, cost=5.0)
    feed(it, 100, "baseline", cost=0.01)
    assert it.verdict == "pass"
    assert (it.evidence.total, it.evidence.baseline_total) == (500.0, pytest.approx(1.0))


def test_a_break_after_long_good_service_is_found_sooner_with_a_part_held_back():
    def failures_needed(held_back: float) -> int:
        it = watch()
        it.evidence.worse.cash = held_back
        for number in range(30_000):
            is_bad = number % 100 == 0
            arm = "candidate" if number % 2000 == 0 else "baseline"
            it.take(event(f"before{number}", arm, ok=not is_bad))
        needed = 0
        while it.verdict != "fail":
            needed += 1
            it.take(event(f"after{needed}", ok=False))
        return needed

    assert failures_needed(0.3) < failures_needed(0.0)


def test_evidence_is_written_and_read_back_to_the_last_bit():
    it = watch("ttft", pre_period=10)
    feed(it, 30, "baseline", ttft_s=0.5)
    feed(it, 30, ttft_s=0.7)
    written = msgspec.msgpack.encode(it.evidence)
    assert msgspec.msgpack.decode(written, type=Evidence) == it.evidence


def test_an_even_split_raises_no_alarm_and_an_uneven_one_does():
    even, uneven = even_split(), even_split()
    for number in range(4000):
        even.take(event(number, "candidate" if number % 20 == 0 else "baseline"), 1000.0)
        uneven.take(event(number, "candidate" if number % 10 == 0 else "baseline"), 1000.0)
    assert not even.bets.is_won
    assert uneven.bets.is_won


def test_one_busy_unit_does_not_look_like_an_uneven_split():
    split = even_split()
    assert not any(split.take(event("busy"), 1000.0) for _ in range(5000))
    assert len(split.seen) == 1


def test_pilots_are_no_trials():
    it = watch()
    feed(it, 100, ok=True, share=10_000)
    assert it.evidence.candidate == 100
    assert not it.evidence.tried
