"""What a rollout would have decided on events on record: lines in, transitions out."""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from earthward.rollout.controller import Controller, begin
from earthward.rollout.event import Event
from earthward.rollout.plan import Plan
from earthward.rollout.read_events import Line, Order
from earthward.rollout.state import State, Transition
from earthward.rollout.verbs import NotNow, said

MOST_NAMES = 100


class Replayed(msgspec.Struct):
    """`refused` are orders that were not possible, `unwatched` names in `bad` that the plan has no gate for.

    Of the lines that go `backwards`, `too_old` are of before the epoch, and left out.
    """

    state: State
    transitions: list[Transition] = []
    requests: int = 0
    refused: list[str] = []
    unwatched: Counter[str] = msgspec.field(default_factory=Counter)
    backwards: int = 0
    too_old: int = 0


def replayed(plan: Plan, lines: Iterable[Line], subject_to: Replayed | None = None) -> Replayed:
    """Starts the rollout at the first line, unless that says otherwise, and tells it everything in order."""
    result = subject_to or Replayed(begin(plan))
    controller = Controller(result.state)
    watched = {gate.metric for gate in plan.gates}
    for line in lines:
        result.transitions += _told(controller, line, result)
        if isinstance(line, Event):
            result.requests += 1
            for name in line.bad or ():
                if name not in watched and len(result.unwatched) < MOST_NAMES:
                    result.unwatched[name] += 1
    return result


def _told(controller: Controller, line: Line, result: Replayed) -> Iterator[Transition]:
    state = controller.state
    if state.place.phase == "pending" and not isinstance(line, Order):
        yield from controller.act("start", line.t, "replay", "the first event on record")
    result.backwards += line.t < state.now
    if isinstance(line, Event):
        result.too_old += line.t < state.began
        yield from controller.feed(line)
    elif isinstance(line, Order):
        try:
            yield from controller.act(line.verb, line.t, line.by, line.why, line.reason, line.stage)
        except NotNow as refusal:
            yield from refusal.moved
            result.refused.append(f"{said(line.verb)} at {line.t:g} s: {refusal}")
    else:
        yield from controller.advance(line.t)
