from msgspec import structs

from earthward.config.snapshot import Route, Sampling, Snapshot, Target
from earthward.control.quality_report import MOST_SCORES, examples, family_warnings, judge_warnings, report
from earthward.store import tables
from earthward.store.content import ContentKeys
from earthward.store.quality import Pair, Said


def pairs(count: int, score: float | None, task: str = "sum", **more: object) -> list[Pair]:
    given = {"judge": "j", "decided_by": "sonnet", "lengths": (100, 100), "first": 0, **more}
    return [
        Pair(
            f"{task}{given['first'] + number}",
            "chat",
            task,
            number,
            f"{task}-u{given['first'] + number}",
            1,
            1,
            given["judge"],
            score,
            given["decided_by"],
            *given["lengths"],
            10**9,
            2 * 10**9,
        )
        for number in range(count)
    ]


def told(found: list[Pair], words: tuple[Said, ...] = ()):
    return report(found, words, "chat", 1, 0.05, 0.05)


def test_each_task_has_a_verdict_and_the_worst_is_the_routes():
    assert told([]).verdict == "not enough evidence"
    assert told(pairs(800, 0.5)).verdict == "safe to move"
    both = told([*pairs(800, 0.5), *pairs(60, 0.0, "code")])
    assert (both.verdict, {it.task: it.verdict for it in both.tasks}) == (
        "not yet",
        {"sum": "safe to move", "code": "not yet"},
    )
    assert told([*pairs(800, 0.5), *pairs(5, 0.5, "code")]).verdict == "not enough evidence"


def test_a_unit_counts_once_and_what_nobody_scored_not_at_all():
    same = pairs(50, 0.0)
    (task,) = told([*same, *same, *pairs(7, None, first=100)]).tasks
    assert (task.pairs, task.scored, task.score) == (107, 50, 0.0)


def test_of_a_unit_that_comes_again_the_first_answer_counts_as_it_does_for_the_rollout():
    again = [structs.replace(it, exchange=f"later-{it.exchange}", score=1.0) for it in pairs(20, 0.0)]
    (task,) = told([*pairs(20, 0.0), *again]).tasks
    assert (task.pairs, task.scored, task.score) == (40, 20, 0.0)


def test_of_very_many_the_newest_are_looked_at():
    (task,) = told([*pairs(5, 0.0), *pairs(MOST_SCORES, 1.0, first=100)]).tasks
    assert (task.scored, task.score) == (MOST_SCORES, 1.0)


def test_examples_are_the_worst_and_what_nobody_scored_stands_between(tmp_path):
    engine = tables.open(f"sqlite:///{tmp_path}/store.db")
    scores = [1.0, None, 0.25, 0.0, 0.75]
    found = [pairs(1, score, first=number)[0] for number, score in enumerate(scores)]
    shown = examples(engine, ContentKeys(["k" * 32]), found, 4)
    assert [it.score for it in shown] == [0.0, 0.25, None, 0.75]
    assert all(it.content is None for it in shown), "none was kept"
    engine.dispose()


def test_what_another_judge_said_is_not_mixed_in():
    found = [*pairs(10, 0.0, judge="old"), *pairs(10, 0.0, judge="old", decided_by="checks", first=50)]
    (task,) = told([*found, *pairs(10, 1.0, first=100)]).tasks
    assert (task.scored, task.by_checks, task.score) == (20, 10, 0.5)


def test_a_win_by_length_alone_is_told():
    """Longer answers win and equal ones lose a little: the figures are on different sides of a tie."""
    found = [*pairs(30, 1.0, lengths=(100, 400)), *pairs(25, 0.25, lengths=(100, 100), first=100)]
    (task,) = told(found).tasks
    assert task.score is not None
    assert task.length_controlled is not None
    assert task.length_controlled < 0.5 < task.score
    assert task.disagrees


def test_words_are_counted_by_arm():
    words = tuple(Said(f"x{n}", "chat", "sum", arm, "u", 0, score) for n, (arm, score) in enumerate(WORDS))
    (task,) = told(pairs(1, 0.5), words).tasks
    assert (task.good_words, task.bad_words) == ({"baseline": 1, "candidate": 1}, {"candidate": 2})


def test_a_task_of_which_there_are_only_words_is_told_and_decides_nothing():
    words = (Said("x1", "chat", "code", "candidate", "u", 0, 0.0),)
    found = told(pairs(1, 0.5), words)
    assert {it.task: (it.verdict, it.pairs, it.bad_words) for it in found.tasks} == {
        "code": ("not enough evidence", 0, {"candidate": 1}),
        "sum": ("not enough evidence", 1, {}),
    }
    assert told(pairs(200, 1.0), words).verdict == "safe to move"


WORDS = (("baseline", 1.0), ("candidate", 0.5), ("candidate", 0.4), ("candidate", 0.0))


def test_a_judge_of_an_arms_family_is_warned_of():
    assert family_warnings("gpt-5", ["gpt-4o-mini", "llama3.1:8b"]) == [
        "the judge gpt-5 is of the same family as gpt-4o-mini, and may be partial to it"
    ]
    assert family_warnings("claude-sonnet-4-5", ["gpt-4o-mini", "llama3.1:8b"]) == []


def test_the_judge_of_a_route_is_held_against_both_its_arms():
    sampling = Sampling(judge="referee")
    targets = (
        Target("mini", "openai", "gpt-4o-mini", "cloud"),
        Target("llama", "house", "llama3.1:8b", "local"),
        Target("referee", "house", "llama3.3:70b", "local"),
    )
    route = Route("chat", baseline="mini", candidate="llama", sampling=sampling)
    snapshot = Snapshot("v", "d", (), targets, (route,))
    assert judge_warnings(route, snapshot) == [
        "the judge llama3.3:70b is of the same family as llama3.1:8b, and may be partial to it"
    ]
    no_judge = structs.replace(route, sampling=structs.replace(sampling, judge=""))
    assert judge_warnings(no_judge, snapshot) == judge_warnings(structs.replace(route, sampling=None), snapshot) == []
