"""What a rollout would have decided on events on record: lines in, transitions out."""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from earthward.rollout.controller import Controller, begin
from earthward.rollout.event import Event
from earthward.rollout.plan import Plan
from earthward.rollout.read_events import Head, Line, Order, Seen, SetBack, Tick, Tried
from earthward.rollout.state import State, Transition
from earthward.rollout.verbs import ENDED, NotNow, said

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


def replayed(plan: Plan, lines: Iterable[Line], *, is_fixed: bool = True) -> Replayed:
    """Starts the rollout at the first request, unless the lines say otherwise, and tells it everything in order.

    The lines of a gateway say which plan it went by; that counts in place of this one unless this `is_fixed`.
    """
    result = Replayed(begin(plan))
    controller = Controller(result.state)
    watched = {gate.metric for gate in plan.gates}
    for line in lines:
        if isinstance(line, Head):
            if not is_fixed:
                _take_over(result.state, line)
                controller = Controller(result.state)
                watched = {gate.metric for gate in result.state.plan.gates}
            continue
        result.transitions += _told(controller, line, result)
        if isinstance(line, Event):
            result.requests += 1
            for name in line.bad or ():
                if name not in watched and len(result.unwatched) < MOST_NAMES:
                    result.unwatched[name] += 1
    return result


def _take_over(state: State, head: Head) -> None:
    """As a gateway does: another plan counts where nothing is under way, and no move of the old one can be undone."""
    if not state.history_length:
        state.plan, state.epoch, state.place, state.requests = head.plan, head.epoch, head.place, head.requests
        state.subject, state.weights, state.judge_weights = head.subject, head.arms, head.judge
    elif state.plan != head.plan and state.place.phase in ("pending", *ENDED):
        state.plan, state.before = head.plan, None


def _told(controller: Controller, line: Line, result: Replayed) -> Iterator[Transition]:
    state = controller.state
    if isinstance(line, Event | Tick) and state.place.phase == "pending":
        yield from controller.act("start", line.t, "replay", "the first event on record")
    if not isinstance(line, SetBack):
        result.backwards += line.t < state.now
    match line:
        case Event():
            result.too_old += line.t < state.began
            yield from controller.feed(line)
        case Order():
            try:
                yield from controller.act(line.verb, line.t, line.by, line.why, line.reason, line.stage)
            except NotNow as refusal:
                yield from refusal.moved
                result.refused.append(f"{said(line.verb)} at {line.t:.12g} s: {refusal}")
        case SetBack():
            yield from controller.set_back(line.t)
        case Tried():
            yield from controller.change(line.subject, line.t)
        case Seen():
            yield from controller.see(line.arms, line.judge, line.t)
        case Tick():
            yield from controller.advance(line.t)
