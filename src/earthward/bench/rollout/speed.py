"""What one event costs the controller."""

import random
import time

from earthward.rollout.controller import Controller, begin
from earthward.rollout.event import Event
from earthward.rollout.read_plan import plan

MOST_MICROSECONDS = 10.0
EVENTS = 50_000


def microseconds() -> float:
    """Processor time per event, with six gates of which four may roll back."""
    gates = ["error_rate", "ttft", "quality", "refusal", "feedback", {"truncated": {"role": "dry run"}}]
    controller = Controller(begin(plan({"stages": ["5%", "100%"], "gates": gates, "hold": "365d"})))
    controller.act("start", 0.0, "bench", "")
    events = _events(random.Random(1))
    began = time.process_time()
    for event in events:
        controller.feed(event)
    return (time.process_time() - began) / len(events) * 1e6


def _events(chance: random.Random) -> list[Event]:
    return [
        Event(
            float(number),
            f"{chance.getrandbits(128):032x}",
            "candidate" if chance.random() < 0.05 else "baseline",
            500,
            ok=chance.random() >= 0.01,
            ttft_s=chance.lognormvariate(0.0, 0.5),
            score=0.5 if chance.random() < 0.05 else None,
            bad=(),
        )
        for number in range(EVENTS)
    ]
