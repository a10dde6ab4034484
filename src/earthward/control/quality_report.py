"""How a route's candidate compares, task by task: verdicts with intervals, what checks found, what callers said."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec
from sqlalchemy import Engine

from earthward.config.snapshot import Route, Snapshot
from earthward.quality.judge import WinRate, is_of_family, win_rate
from earthward.rollout.tasks import Safety, Standing, standing
from earthward.store import quality as store
from earthward.store.content import ContentKeys
from earthward.store.quality import Content, Pair, Remark, Said

MOST_SCORES = 2_000
"""Of a task, the newest so many are looked at."""


class TaskReport(msgspec.Struct, frozen=True):
    """`score` is the mean of the candidate's, a tie being ½, with its interval; `length_controlled` is what it would be
    if both answered at equal length. `failed` and the checks count pairs by arm; times are medians in seconds."""

    task: str
    verdict: Safety
    pairs: int
    scored: int
    by_checks: int
    score: float | None
    low: float
    high: float
    length_controlled: float | None
    disagrees: bool
    e_good: float
    e_worse: float
    baseline_bad: dict[str, int]
    candidate_bad: dict[str, int]
    baseline_ttft: float | None
    candidate_ttft: float | None
    good_words: dict[str, int]
    bad_words: dict[str, int]


class Example(msgspec.Struct, frozen=True):
    """A pair with its words; `content` is None where it is gone, or its key is."""

    exchange: str
    task: str
    score: float | None
    decided_by: str
    content: Content | None


class Report(msgspec.Struct, frozen=True):
    """`epoch` is that of the rollout, None where all pairs count. `warnings` are for whoever reads the figures;
    `remarks` are what callers wrote, where examples were asked for."""

    route: str
    epoch: int | None
    margin: float
    alpha: float
    verdict: Safety
    tasks: list[TaskReport]
    warnings: list[str] = []
    examples: list[Example] = []
    remarks: list[Remark] = []


def report(
    pairs: Sequence[Pair], words: Sequence[Said], route: str, epoch: int | None, margin: float, alpha: float
) -> Report:
    """The whole is safe where every task is that was compared, and not yet where any is not."""
    by_task: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_task[pair.task].append(pair)
    for word in words:
        # A task that nobody compared may have been spoken of all the same.
        by_task.setdefault(word.task, [])
    newest = pairs[-1].judge if pairs else ""
    tasks = [_task(task, found, newest, words, margin, alpha) for task, found in sorted(by_task.items())]
    verdicts = {task.verdict for task in tasks if task.pairs}
    verdict: Safety = "not enough evidence"
    if "not yet" in verdicts:
        verdict = "not yet"
    elif verdicts == {"safe to move"}:
        verdict = "safe to move"
    return Report(route, epoch, margin, alpha, verdict, tasks)


def _task(task: str, pairs: list[Pair], judge: str, words: Sequence[Said], margin: float, alpha: float) -> TaskReport:
    # Scores of another judge than today's can't be mixed with its own; what checks decided has none.
    scored = [it for it in pairs if it.score is not None and (it.judge == judge or it.decided_by == "checks")]
    first: dict[str, Pair] = {}
    for pair in scored:
        # A unit counts once, as it does for the rollout.
        first.setdefault(pair.unit, pair)
    counted = list(first.values())[-MOST_SCORES:]
    scores = [it.score for it in counted if it.score is not None]
    rate: WinRate | None = win_rate(scores, [(it.baseline_length, it.candidate_length) for it in counted])
    found: Standing = standing(scores, margin, alpha)
    said = [it for it in words if it.task == task]
    return TaskReport(
        task,
        found.verdict,
        len(pairs),
        len(scores),
        sum(it.decided_by == "checks" for it in counted),
        rate.raw if rate else None,
        found.low,
        found.high,
        rate.length_controlled if rate else None,
        rate.disagrees if rate else False,
        found.e_good,
        found.e_worse,
        _counts(it.baseline_bad for it in pairs),
        _counts(it.candidate_bad for it in pairs),
        _median([it.baseline_ttft for it in pairs]),
        _median([it.candidate_ttft for it in pairs]),
        _by_arm(said, good=True),
        _by_arm(said, good=False),
    )


def _counts(names: Iterable[tuple[str, ...]]) -> dict[str, int]:
    return dict(Counter(chain.from_iterable(names)))


def _by_arm(words: Sequence[Said], *, good: bool) -> dict[str, int]:
    return dict(Counter(it.arm for it in words if (it.score >= store.CONTENT) == good))


def _median(times: Sequence[int | None]) -> float | None:
    known = sorted(time for time in times if time is not None)
    return known[len(known) // 2] / 1e9 if known else None


def examples(engine: Engine, keys: ContentKeys, pairs: Sequence[Pair], count: int) -> list[Example]:
    """The worst of the newest pairs first: what somebody who decides should have read."""
    chosen = sorted(pairs[-MOST_SCORES:], key=lambda it: 0.5 if it.score is None else it.score)[:count]
    contents = store.contents(engine, keys, [it.exchange for it in chosen])
    return [Example(it.exchange, it.task, it.score, it.decided_by, contents.get(it.exchange)) for it in chosen]


def judge_warnings(route: Route, snapshot: Snapshot) -> list[str]:
    """Of a route's judge that may be partial to its own kind."""
    models = {target.name: target.model for target in snapshot.targets}
    judge = models.get(route.sampling.judge, "") if route.sampling else ""
    arms = [models[name] for name in (route.baseline, route.candidate) if name in models]
    return family_warnings(judge, arms)


def family_warnings(judge: str, arms: Sequence[str]) -> list[str]:
    """A judge that may be partial to its own kind."""
    return [
        f"the judge {judge} is of the same family as {arm}, and may be partial to it"
        for arm in arms
        if is_of_family(judge, arm)
    ]
