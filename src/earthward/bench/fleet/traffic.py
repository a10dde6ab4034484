"""What a fleet is asked in a while: four models, some far more often than others, and conversations that come back."""

import random

import msgspec

from earthward.bench.fleet.hosts import Model

GB = 1_000_000_000

MODELS = (
    Model("small:8b", 5 * GB, reads=3000, writes=90),
    Model("coder:14b", 9 * GB, reads=1800, writes=55),
    Model("large:32b", 20 * GB, reads=800, writes=28),
    Model("vision:11b", 8 * GB, reads=2000, writes=60),
)
POPULARITY = (45, 30, 10, 15)
COMES_BACK = 0.7
"""The share of requests that go on with a conversation."""
THINKING = 20.0
"""Seconds until a conversation goes on, in the mean."""


class Asked(msgspec.Struct, frozen=True):
    """One request. Tokens: of the prompt, those of it that were in the conversation's last turn, of the answer."""

    at: float
    conversation: int
    model: Model
    prompt: int
    known: int
    output: int


def traffic(seed: int, seconds: float, rate: float) -> list[Asked]:
    """Requests at random, `rate` a second in the mean, in the order of their times."""
    draw = random.Random(seed)
    asked: list[Asked] = []
    starts = rate * (1 - COMES_BACK)
    now, conversation = 0.0, 0
    while (now := now + draw.expovariate(starts)) < seconds:
        conversation += 1
        asked += _turns(draw, conversation, now, seconds)
    return sorted(asked, key=lambda it: it.at)


def _turns(draw: random.Random, conversation: int, start: float, end: float) -> list[Asked]:
    model = draw.choices(MODELS, POPULARITY)[0]
    turns: list[Asked] = []
    at, known = start, 0
    while at < end:
        prompt = known + int(draw.lognormvariate(5.5, 0.8))
        output = max(8, int(draw.lognormvariate(4.6, 0.7)))
        turns.append(Asked(at, conversation, model, prompt, known, output))
        known = prompt + output
        if draw.random() >= COMES_BACK:
            break
        at += draw.expovariate(1 / THINKING)
    return turns
