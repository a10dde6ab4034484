from earthward.routing.balance.measure import Failing, Mean, Peak


def test_a_peak_leaps_up_at_once_and_comes_down_slowly() -> None:
    peak = Peak(10)
    peak.add(0.1, 0)
    peak.add(2.0, 1)
    assert peak.at(1) == 2.0
    peak.add(0.1, 2)
    assert 1.5 < peak.at(2) < 2.0
    for second in range(3, 60):
        peak.add(0.1, second)
    assert peak.at(60) < 0.15


def test_a_peak_is_forgotten_when_nothing_comes_so_that_the_endpoint_is_tried_again() -> None:
    peak = Peak(10)
    peak.add(30.0, 0)
    assert peak.at(60) < 15
    assert peak.at(600) < 0.01


def test_a_mean_begins_with_the_first() -> None:
    mean = Mean(0.5)
    assert mean.value == 0
    mean.add(4)
    assert mean.value == 4
    mean.add(2)
    assert mean.value == 3


def test_failures_in_a_row_tell_at_once_and_are_forgotten_in_quiet_seconds() -> None:
    failing = Failing()
    assert failing.at(100) == 0
    for _ in range(5):
        failing.add(True, 100)
    share = failing.at(100)
    assert share > 0.8
    assert abs(failing.at(105) - share / 2) < 0.01
    assert failing.at(120) == 0
    for _ in range(8):
        failing.add(False, 100)
    assert failing.at(100) == 0


def test_a_clock_that_reads_earlier_does_no_harm() -> None:
    peak, failing = Peak(), Failing()
    peak.add(1.0, 100)
    failing.add(True, 100)
    assert peak.at(50) == 1.0
    assert failing.at(50) == failing.at(100)
