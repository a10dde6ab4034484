import random

import pytest

from earthward.quality.case import Call, Case, Said
from earthward.quality.compare import compared

GOOD = Said("The invoice of March comes to 42 euros. It was paid on Monday, in full, by the office in Lyon.")
CUT = Said("The invoice of March comes to 42 euros. It", finish="length")
SCHEMA = {"type": "object", "required": ["total"]}
TOOLS = {"pay": {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}}


def case(baseline: Said, candidate: Said, **more: object) -> Case:
    return Case("What does the invoice come to?", baseline, candidate, **more)


@pytest.mark.parametrize(
    ("worse", "more", "metric"),
    [
        (CUT, {}, "truncated"),
        (Said("The invoice of March comes to 42 eu"), {}, "truncated"),
        (Said(""), {}, "refusal"),
        (Said("I'm sorry, I can't help with that."), {}, "refusal"),
        (Said(calls=(Call("refund", "{}"),)), {"tools": TOOLS}, "tool_mismatch"),
        (Said(calls=(Call("pay", '{"amount": "much"}'),)), {"tools": TOOLS}, "tool_mismatch"),
        (Said(calls=(Call("pay", "{"),)), {}, "tool_mismatch"),
        (Said("```python\ndef f(:\n```"), {}, None),
    ],
)
def test_a_broken_answer_loses_without_a_judge_and_wins_nothing_where_it_is_the_baselines(worse, more, metric):
    lost, won = compared(case(GOOD, worse, **more)), compared(case(worse, GOOD, **more))
    assert (lost.score, won.score) == (0.0, 1.0)
    if metric:
        assert metric in lost.candidate_metrics
        assert metric in won.baseline_metrics
        assert metric in {*lost.checked} == {*won.checked}, "whichever arm it was that gave something to look at"
        assert metric not in (*lost.baseline_metrics, *won.candidate_metrics)


def test_structured_output_is_looked_at_on_both_sides():
    found = compared(case(Said('{"total": 42}'), Said("42 euros"), schema=SCHEMA))
    assert (found.score, found.candidate_metrics, found.baseline_metrics) == (0.0, ("invalid_output",), ())


@pytest.mark.parametrize(
    ("baseline", "candidate"),
    [
        (GOOD, Said("It comes to 42 euros, and Lyon has paid it in full on Monday; nothing of March is open now.")),
        (CUT, Said(CUT.text + " It", finish=CUT.finish)),
        (GOOD, Said("42 euros.")),
        (Said("Yes."), Said("No.")),
    ],
)
def test_what_checks_cannot_decide_is_left_to_the_judge(baseline, candidate):
    assert compared(case(baseline, candidate)).score is None


@pytest.mark.parametrize("answer", [GOOD, CUT, Said(""), Said(calls=(Call("x", "["),))])
def test_the_same_words_are_a_tie_and_nobody_is_asked(answer):
    assert compared(case(answer, answer)).score == 0.5


def test_equal_arms_win_as_often_as_they_lose_by_checks():
    """Every answer may come from either arm: whoever is named the candidate, the scores add up to one."""
    draw = random.Random(5)
    answers = [GOOD, CUT, Said(""), Said("I can't help."), Said("```json\n{\n```"), Said(calls=(Call("x", "["),))]
    for _ in range(300):
        found = case(draw.choice(answers), draw.choice(answers))
        here, there = compared(found).score, compared(found.swapped).score
        assert (here is None) == (there is None)
        if here is not None and there is not None:
            assert here + there == 1.0


def test_what_is_wrong_is_said_of_the_candidate():
    assert "cut off" in compared(case(GOOD, CUT)).whys["truncated"]


@pytest.mark.parametrize("terse", ["42", "Yes", "Paris", "A"])
def test_one_word_may_be_the_whole_answer_whatever_the_other_says_of_it(terse):
    long = Said(
        "Well, that is a question which many people have asked over the years, and there is much to be said of it."
    )
    for found in (compared(case(Said(terse), long)), compared(case(long, Said(terse)))):
        assert found.score is None, "somebody has to read them"
