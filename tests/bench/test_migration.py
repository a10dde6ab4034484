"""A whole migration with real tokens, and what is read off one."""

import msgspec
import pytest

from earthward.bench.migration.__main__ import main, problems
from earthward.bench.migration.completion import completion
from earthward.bench.migration.figures import Came, Row, decided_at, flaps, lag
from earthward.bench.migration.play import WHOLE_WAY, played
from earthward.bench.migration.referee import is_soup, verdict
from earthward.quality import judge
from earthward.quality.case import Case, Said
from earthward.simulator.text import words

LAG = 60.0
"""Seconds; `python -m earthward.bench.migration` has the bar of 1 s, on a machine that does nothing else."""


def row(at: float, unit: str, arm: str, took: float = 0.5) -> Row:
    return Row(at, at + took, unit, arm, "ok", 1)


def test_a_unit_flaps_that_goes_back_before_the_rollback():
    forth = [row(1, "a", "baseline"), row(2, "a", "candidate"), row(1, "b", "candidate"), row(9, "a", "baseline")]
    assert flaps(forth, 5.0) == 0
    assert flaps(forth) == 1
    assert flaps([*forth, row(3, "b", "baseline")], 5.0) == 1


def test_the_lag_counts_from_the_answer_that_decided():
    rows = [row(1.0, "a", "candidate", 2.0), row(3.2, "b", "candidate"), row(4.0, "a", "baseline")]
    assert decided_at(rows, 1.0) == 3.0
    assert lag(rows, 3.0) == pytest.approx(0.2)
    assert lag(rows, 3.5) == 0.0


GOOD = Came("killed", "completed", "", WHOLE_WAY, 900, 90, 40.0, 0, 0, kills=3, noticed=6, moves=6, by="earthward")
BACK = msgspec.structs.replace(
    GOOD, scenario="fails", end="rolled back", why="the candidate is worse: error_rate", kills=0, exposed=9, lag=0.3
)


@pytest.mark.parametrize(
    ("came", "change", "told"),
    [
        (GOOD, {}, []),
        (GOOD, {"end": "rolled back"}, ["rolled back, not completed"]),
        (GOOD, {"places": WHOLE_WAY[1:]}, ["not by its stages, but stage 25% -> stage 75% -> promoted"]),
        (GOOD, {"kills": 0}, ["the controller was never killed"]),
        (GOOD, {"by": "ada"}, ["not by itself, but by ada"]),
        (GOOD, {"noticed": 5}, ["a hook heard 5 times of 6 moves"]),
        (GOOD, {"noticed": 7}, []),
        (BACK, {"noticed": 7}, ["a hook heard 7 times of 6 moves"]),
        (GOOD, {"flaps": 1}, ["1 units flapped"]),
        (GOOD, {"unanswered": 2}, ["2 callers got no answer"]),
        (BACK, {}, []),
        (BACK, {"end": "completed"}, ["completed, not rolled back"]),
        (BACK, {"why": "the candidate is worse: ttft"}, ["not for error_rate: the candidate is worse: ttft"]),
        (BACK, {"lag": 1.2}, ["traffic on the candidate for 1.20 s after the rollback"]),
    ],
)
def test_whatever_is_not_as_it_should_be_is_told(came, change, told):
    found = problems(msgspec.structs.replace(came, **change))
    assert [problem[: len(words)] for problem, words in zip(found, told, strict=True)] == told


def test_a_scenario_that_there_is_not_is_wrong_use():
    with pytest.raises(SystemExit) as end:
        main(["parityy"])
    assert end.value.code == 2


def prompt(candidate: str, place: str = "second") -> str:
    case = Case("Say hello.", Said("Hello to all people who came today."), Said(candidate))
    return judge.prompt(case, place, "xff")


def test_the_referee_reads_both_answers_and_prefers_the_one_that_makes_sense():
    soup = "".join(words(20, "2"))
    assert is_soup(soup)
    assert judge.verdict(verdict(prompt(soup))) == "A"
    assert judge.verdict(verdict(prompt(soup, "first"))) == "B"
    assert judge.verdict(verdict(prompt("Good morning, everybody!"))) == "tie"
    assert judge.verdict(verdict("Is it going to rain?")) is None
    assert sum(is_soup("".join(words(20, str(seed)))) for seed in range(200)) > 150


@pytest.mark.parametrize("stream", [False, True])
def test_a_worse_answer_is_words_that_end_as_they_should(stream):
    body, kind = completion({"model": "m", "stream": stream}, "of the and to", "stop")
    assert kind == ("text/event-stream" if stream else "application/json")
    assert b"of the and to" in body
    assert body.endswith(b"data: [DONE]\n\n") == stream


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", ["killed"])
def test_a_migration_comes_to_its_end_by_itself_and_nobody_flaps(tmp_path, scenario):
    it = played(scenario, tmp_path, seed=2)
    wrong = [problem for problem in problems(it) if "after the rollback" not in problem]
    assert wrong == []
    assert it.lag is None or it.lag < LAG
