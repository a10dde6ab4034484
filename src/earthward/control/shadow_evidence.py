"""What one compared sample says: to the rollout, to reports, and to people who look at both answers. Pure."""

import msgspec

from earthward.chat import Answer
from earthward.control.sample_reading import said
from earthward.gateway.samples import Sample
from earthward.quality.case import Said
from earthward.quality.compare import Compared
from earthward.rollout.event import Event
from earthward.rollout.pairs import Outcome, event_of_score, events_of_pair
from earthward.store.quality import Answered, Later, Pair

NANO = 1_000_000_000


class Side(msgspec.Struct, frozen=True):
    """How one arm answered; times are nanoseconds."""

    ok: bool
    first_content: int | None
    duration: int
    said: Said


class Comparison(msgspec.Struct, frozen=True):
    """`found` is what checks say, where both answered; `decided_by` is "checks", a judge's target, or "" without a
    score; `digest` is the judge's, and `was_asked` whether one was."""

    sample: Sample
    baseline: Side
    candidate: Side
    found: Compared | None
    score: float | None
    decided_by: str
    digest: str
    was_asked: bool


def pair_of(it: Comparison) -> Pair:
    sample, found = it.sample, it.found
    return Pair(
        sample.id,
        sample.route,
        sample.task,
        sample.at,
        sample.unit,
        sample.stage,
        sample.epoch,
        it.digest,
        it.score,
        it.decided_by,
        _length(it.baseline.said),
        _length(it.candidate.said),
        it.baseline.first_content,
        it.candidate.first_content,
        (found.bad_baseline if found else ()) if it.baseline.ok else ("failed",),
        (found.bad_candidate if found else ()) if it.candidate.ok else ("failed",),
    )


def told_of(it: Comparison) -> tuple[Later, ...]:
    """What the rollout hears of it."""
    sample, found = it.sample, it.found
    t = sample.at / NANO
    checked = found.checked if found else ()
    baseline = _outcome(it.baseline, checked, found.baseline_metrics if found else ())
    candidate = _outcome(it.candidate, checked, found.candidate_metrics if found else ())
    in_shadow = sample.share == 0
    events: list[Event] = list(events_of_pair(t, sample.unit, baseline, candidate, in_shadow_stage=in_shadow))
    told = [Later(msgspec.json.encode(event)) for event in events]
    if it.score is not None or it.was_asked:
        event = event_of_score(t, sample.unit, sample.share, it.score)
        told.append(Later(msgspec.json.encode(event), it.digest))
    return tuple(told)


def for_people(target: str, answer: Answer | None, problem: str) -> Answered:
    it = said(answer)
    calls = [f"(calls {call.name} with {call.arguments})" for call in it.calls]
    return Answered(target, "\n".join(filter(None, (it.text, it.refusal, *calls))), it.finish, problem)


def _outcome(side: Side, checked: tuple[str, ...], bad: tuple[str, ...]) -> Outcome:
    return Outcome(side.ok, _seconds(side.first_content), _seconds(side.duration), checked, bad)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / NANO


def _length(it: Said) -> int:
    return len(it.text) + sum(len(call.arguments) for call in it.calls)
