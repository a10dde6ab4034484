"""What an outage amounts to, from what was heard and what hosts received; and a short one, against real processes."""

from rich.console import Console

from earthward.bench.callers import Heard
from earthward.bench.outage import FAULTS, Times, Total, allowed, outcome, run

SECOND = 10**9
(FAILS,) = (fault for fault in FAULTS if fault.is_ejected)


def at(*seconds: float, how: str = "finished") -> list[dict[str, object]]:
    return [{"received_at": int(each * SECOND), "how": how} for each in seconds]


def test_pauses_are_the_gaps_as_long_as_an_ejection() -> None:
    log = [at(1, 1.1, 1.2, 3.2, 7.3, 20, 20.5), at(20, 20.5, 21), at(20)]
    found = outcome(FAILS, SECOND, 10 * SECOND, [Heard(0, 200, total=1.5, is_whole=True)], log)
    assert (found.at_host, found.pauses, found.back_after) == (5, (2.0, 4.1), 10.0)
    assert found.share_at_first == 1.0
    assert found.holds


def test_a_request_without_an_answer_or_a_host_that_stays_away_does_not_hold() -> None:
    heard = [Heard(0, 200, is_whole=True)]
    assert not outcome(FAILS, 0, 1, [*heard, Heard(0)], [at(2), [], []]).holds
    assert not outcome(FAILS, 0, SECOND, heard, [at(2, how="cancelled"), [], []]).holds


def test_a_pause_that_is_shorter_than_the_one_before_does_not_hold() -> None:
    log = [at(0, 4, 6, 20), [], []]
    assert not outcome(FAILS, 0, 10 * SECOND, [Heard(0, 200, is_whole=True)], log).holds


def test_an_outage_of_all_holds_within_its_attempts() -> None:
    assert Total(100, 220, 220).holds
    assert not Total(100, 221, 220).holds
    assert allowed(400, 20) == 1.2 * 400 + 10 * 21
    assert allowed(40, 2) == 1.2 * 40 + 10 * 11


def test_no_request_is_lost_while_one_of_three_hosts_fails_and_few_attempts_are_made_while_all_do() -> None:
    (outcome,), total = run(Times(before=0.5, fault=1.5, after=3, outage=3), Console(quiet=True), [FAILS])
    assert outcome.requests == 100
    assert outcome.lost == 0
    assert total.attempts > total.requests
    assert total.holds
