"""The report on answers as people see it."""

import io

import pytest
from rich.console import Console

from earthward.cli.rollout_quality import LONGEST, shown

TASK = {
    "task": "summaries of invoices",
    "verdict": "not enough evidence",
    "pairs": 12_345,
    "scored": 12_345,
    "score": 0.4375,
    "low": 0.0,
    "high": 1.0,
    "length_controlled": 0.182,
    "baseline_ttft": 10.25,
    "candidate_ttft": None,
    "baseline_bad": {"length": 7},
    "candidate_bad": {"length": 7, "empty": 1},
    "good_words": {"baseline": 1},
    "bad_words": {"candidate": 3},
}
CHINESE = "三月的发票金额为四十二欧元" * 40


def report(**changes):
    told = {"route": "trial", "verdict": "not enough evidence", "margin": 0.05, "tasks": [TASK], "warnings": []}
    return {**told, "examples": [], "remarks": [], **changes}


def example(**changes):
    content = {
        "prompt": "user: what?",
        "baseline": {"text": "an answer", "problem": ""},
        "candidate": {"text": "", "problem": ""},
        "whys": {"empty": "the answer is empty"},
        "judged": ["A is empty.\n[[B]]"],
        **changes,
    }
    return {"exchange": "x-1", "score": None, "decided_by": "", "content": content}


def lines(told, width=80):
    screen = Console(width=width, file=io.StringIO())
    for part in shown(told):
        screen.print(part)
    return screen.file.getvalue().splitlines()


def words(told, width=80):
    return " ".join(" ".join(lines(told, width)).split())


@pytest.mark.parametrize("width", [80, 150])
def test_no_figure_is_cut_short_at_80_columns(width):
    told = lines(report(), width)
    assert max(map(len, told)) <= width
    text = " ".join(told)
    assert "\u2026" not in text
    for figure in ("12,345", "0.438", "0.00..1.00", "0.182"):
        assert figure in text


def test_what_checks_found_and_callers_said_is_told_of_both_arms():
    told = words(report(), 200)
    assert (
        "summaries of invoices: the candidate is bad in length 7 (7), empty 1 (0); the baseline's in brackets" in told
    )
    assert "callers' words: 0 good and 3 bad of the candidate, 1 good and 0 bad of the baseline" in told


def test_without_pairs_it_says_where_they_come_from():
    assert "No pairs yet" in words(report(tasks=[]))


def test_answers_stand_side_by_side_whole_whatever_they_are_written_in():
    answers = {"baseline": {"text": CHINESE, "problem": ""}, "candidate": {"text": "x" * 500, "problem": ""}}
    told = "".join(lines(report(examples=[example(**answers)])))
    assert sum(letter in CHINESE for letter in told) == len(CHINESE)
    assert told.count("x") >= 500
    assert "\u2026" not in told


def test_very_long_answers_are_cut_and_it_says_where_all_of_them_is():
    text = "x" * LONGEST * 100 + "the end"
    told = words(report(examples=[example(baseline={"text": text, "problem": ""})]))
    assert "198,007 characters; --json has all" in told
    assert len(told) < 10 * LONGEST


def test_an_example_says_what_was_wrong_and_what_the_judge_said():
    told = words(report(examples=[example()]))
    assert "x-1: score -" in told
    assert "(nothing)" in told
    assert "empty: the answer is empty" in told
    assert "the judge, candidate second: A is empty. [[B]]" in told


def test_what_callers_wrote_is_told_with_the_arm_and_nothing_of_it_steers_the_terminal():
    remark = {"exchange": "x-2", "task": "", "arm": "candidate", "score": 0.25}
    told = words(report(remarks=[{**remark, "comment": "left out\x1b[2J"}, {**remark, "comment": None}]))
    assert "x-2: a caller of the candidate gave 0.25 left out\ufffd[2J" in told
    assert "the comment's key is gone" in told


def test_an_example_that_is_gone_or_whose_arm_failed_is_told_as_that():
    gone = {**example(), "content": None}
    failed = example(candidate={"text": "", "problem": "the target is gone"}, baseline=None)
    told = words(report(examples=[gone, failed]))
    assert "its content is gone" in told
    assert "the target is gone" in told
    assert "(not asked)" in told


def test_nothing_that_is_shown_steers_the_terminal():
    hostile = "\x1b[2J\x1b]0;owned\x07\u202e[bold red]no markup[/]"
    told = "".join(lines(report(examples=[example(prompt=hostile, judged=[hostile], whys={"code": hostile})])))
    assert not any(letter in told for letter in ("\x1b", "\x07", "\u202e"))
    assert "[bold red]" in told
