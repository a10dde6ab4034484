import math
import random
from pathlib import Path

import pytest

from earthward.bench.rollout import rules, streams
from earthward.bench.rollout.__main__ import BEGIN, END, comparison_page, main
from earthward.bench.rollout.bars import BARS, Bar, found, judged, median, p90, promoted
from earthward.bench.rollout.experiments import compared, experiments, parts
from earthward.bench.rollout.measure import measured
from earthward.bench.rollout.speed import microseconds
from earthward.rollout.simulate import Run


@pytest.mark.timeout(900)
def test_no_bar_is_missed_by_more_than_so_few_runs_can_tell():
    """A quantile of few runs is rough: it may be a half above its bar here, and not at all in the full form."""
    results = measured(experiments(), seed=1, jobs=2, short=True)
    rough = [bar if bar.is_part else bar_with(bar, bar.limit * 1.5) for bar in BARS]
    assert [it for it in judged(results, rough) if it.verdict != "met"] == []


def bar_with(bar: Bar, limit: float) -> Bar:
    return Bar(bar.what, bar.experiment, bar.figure, limit, bar.sense, bar.is_part)


def test_every_bar_reads_an_experiment_that_there_is():
    assert {bar.experiment for bar in BARS} <= experiments().keys()


def test_runs_that_found_nothing_are_longer_than_all_that_did():
    results = [10, None, 20, 30]
    assert median(results).value == 20
    assert p90(results).value == math.inf
    assert found(results).value == 0.75


def test_a_decision_before_the_break_counts_as_found_but_not_as_fast():
    assert found([-1, 5]).value == 1
    assert median([-1, 5]).value == 5


def test_a_part_misses_its_bar_only_beyond_doubt():
    bar = Bar("x", "x", found, 0.05, is_part=True)
    few, many = [1] * 1 + [None] * 9, [1] * 100 + [None] * 900
    assert judged({"x": few}, [bar])[0].verdict == "met"
    assert judged({"x": many}, [bar])[0].verdict == "missed"


def test_what_was_not_measured_is_not_met():
    assert judged({}, BARS[:1])[0].verdict == "not measured"


def test_promoted_and_rolled_back_later_is_not_promoted():
    run = Run("rolled back", 1, 1.0, 1, is_promoted=True)
    assert promoted([run]).value == 0


def test_the_oracle_knows_what_it_looks_for():
    needed = streams.until(rules.Oracle(0.01, 0.5), random.Random(1), (0.01, 0.5), 10_000)
    assert needed is not None
    assert needed < 20


@pytest.mark.parametrize("rule", rules.RULES)
def test_every_rule_finds_a_candidate_that_always_fails(rule):
    assert streams.until(rules.RULES[rule](), random.Random(1), (0.01, 1.0), 20_000) is not None


def test_windows_forget_and_count_their_failures():
    rule = rules.Windows(0.99, 2)
    told = [rule(True, number % 50 == 0, number) for number in range(2000)]
    assert told.index(True) == 1999


def test_twice_as_slow_misses_a_limit_as_often_as_the_spread_says():
    assert streams.late_part(1.0) == pytest.approx(0.05)
    assert streams.late_part(2.0) == pytest.approx(0.398, abs=0.001)


def test_an_event_costs_microseconds():
    """No absolute time is asserted: only that it is a figure that can be compared."""
    assert microseconds() > 0


def test_the_comparison_is_a_table_of_every_rule():
    results = measured(cheap(compared()), seed=1, jobs=1, short=True)
    lines = comparison_page(results).splitlines()
    assert len(lines) == 2 + len(rules.RULES) + 2
    assert all(line.count("|") == lines[0].count("|") for line in lines)


def cheap(chosen):
    return {name: it._replace(short=1) for name, it in chosen.items()}


def test_a_page_without_a_place_for_the_comparison_is_left_alone(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("nothing here")
    assert main(["--document", str(page)]) == 2
    assert "no place" in capsys.readouterr().err
    assert page.read_text() == "nothing here"


def test_the_documentation_has_a_place_for_the_comparison():
    page = Path(__file__).parent.parent.parent / "docs" / "explanation" / "rollouts.md"
    assert BEGIN in page.read_text()
    assert END in page.read_text()


def test_stepping_from_one_bad_request_to_the_next_is_as_good_as_one_by_one():
    """The same rates: the candidate's requests until a decision have the same median within what chance allows."""
    stepped = [streams.worse_until(random.Random(f"a{n}"), "error_rate", (0.01, 0.2), 20_000) for n in range(300)]
    assert None not in stepped
    one_by_one = [streams.until(decides(), random.Random(f"b{n}"), (0.01, 0.2), 20_000) for n in range(300)]
    middle = sorted(stepped)[150], sorted(one_by_one)[150]
    assert abs(middle[0] - middle[1]) <= 4


def decides():
    watch = streams._watch("error_rate")

    def decides(is_candidate: bool, is_bad: bool, number: int) -> bool:
        return watch.take(streams._request(str(number), is_candidate, is_bad)) and watch.evidence.worse.is_won

    return decides


def test_parts_by_the_number_of_requests_are_the_same_game_with_other_moments():
    """To compare with: the same requests, and a decision either way."""
    results = measured(cheap({name: it for name, it in parts().items() if "20 %, share 75" in name}), 1, 1, short=True)
    assert len(results) == 2
    assert all(found is not None for (found,) in results.values())
    assert len({found for (found,) in results.values()}) == 2


def test_every_candidate_breaks_also_one_whose_last_good_request_is_a_bad_one():
    """Half of all requests are bad, so that one stands just before the break in half of the runs."""
    found = [streams.worse_until(random.Random(n), "error_rate", (0.5, 0.95), 4000, 50, 5000) for n in range(20)]
    assert None not in found
