"""Asks a judge about one case, in both orders. What it is asked, and what its words mean, is `quality.judge`'s."""

import secrets
from collections.abc import Awaitable, Callable

import msgspec

from earthward.chat import ChatRequest, Message, Role, Sampling, Text
from earthward.config.snapshot import Deadlines, Route, Snapshot
from earthward.control.asking import Answered
from earthward.control.sample_reading import said
from earthward.quality import judge
from earthward.quality.case import Case
from earthward.quality.judge import Place

MOST_SAID, MOST_THOUGHT = 256, 4096
"""Tokens of a verdict, and of one that is thought over before."""
VERDICT_WITHIN = 120.0
"""Seconds. A judge that takes longer gives too few verdicts to be one, and keeps other samples waiting."""
Ask = Callable[[ChatRequest], Awaitable[Answered | None]]


class Judged(msgspec.Struct, frozen=True):
    """`score` is None where neither order could be read. `was_asked` is false where the judge could not even be asked
    (it is busy, or the budget is spent), which says nothing of it."""

    score: float | None
    words: tuple[str, ...]
    was_asked: bool


async def judged(case: Case, ask: Ask, model: str) -> Judged:
    """Both orders, one after the other. One alone would prefer a place: it does not count, and where the first can't be
    read nothing is spent on the second."""
    verdicts: list[judge.Verdict | None] = []
    words: list[str] = []
    places: tuple[Place, Place] = ("second", "first")
    for place in places:
        answered = await ask(question(case, place, model))
        if answered is None or answered.gave_way:
            return Judged(None, tuple(words), False)
        text = said(answered.answer).text
        words.append(text or (answered.failure.for_the_record if answered.failure else ""))
        verdicts.append(judge.verdict(text) if answered.answer is not None else None)
        if verdicts[-1] is None:
            return Judged(None, tuple(words), True)
    return Judged(judge.score(verdicts[0], verdicts[1]), tuple(words), True)


def question(case: Case, candidate: Place, model: str) -> ChatRequest:
    """Models that think get room for it, and are not told how freely to speak, which many of them refuse to be."""
    text = judge.prompt(case, candidate, f"x{secrets.token_hex(6)}")
    messages = (Message(Role.USER, (Text(text),)),)
    if judge.thinks(model):
        return ChatRequest("", messages, max_tokens=MOST_THOUGHT)
    return ChatRequest("", messages, sampling=Sampling(temperature=0.0), max_tokens=MOST_SAID)


def for_a_verdict(deadlines: Deadlines) -> Deadlines:
    return Deadlines(
        deadlines.connect, *(min(it, VERDICT_WITHIN) for it in (deadlines.first_byte, deadlines.idle, deadlines.total))
    )


def judge_digest(route: Route, snapshot: Snapshot) -> str:
    """Of who judges this route, and of what it is asked; empty where nobody does."""
    if route.sampling is None or not route.sampling.judge:
        return ""
    target = next((it for it in snapshot.targets if it.name == route.sampling.judge), None)
    return judge.digest(f"{target.provider}/{target.model}") if target else ""
