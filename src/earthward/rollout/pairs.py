"""What both arms made of the same request, as the events that a rollout is told: the live answer, and its shadow's.

Whether a request is shadowed is drawn, but not every shadow that was drawn comes back: a busy host or a spent budget
keeps some from it. A comparison at the share of shadows would be off by those. So each pair stands for itself: of a
request that one arm alone got wrong, an equal candidate is the one half the time, whichever were kept from it. What
both got wrong says nothing of either, and is left out.
"""

import msgspec

from earthward.rollout.event import WHOLE, Event, EventArm
from earthward.rollout.from_record import PAIRED

HALF = WHOLE // 2


class Outcome(msgspec.Struct, frozen=True):
    """How one arm did. `checked` are the metrics that were looked at, `bad` those of them that say no."""

    ok: bool | None = None
    ttft_s: float | None = None
    total_s: float | None = None
    checked: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()


def events_of_pair(
    t: float, unit: str, baseline: Outcome, candidate: Outcome, *, in_shadow_stage: bool
) -> tuple[Event, ...]:
    """Two events, the baseline's first. In other stages, where live requests tell the rest, what compares alone counts.

    A shadow whose live request failed as well, or whose own outcome is not known, tells nothing.
    """
    both = set(baseline.bad) & set(candidate.bad)
    checked = tuple(name for name in baseline.checked if name in candidate.checked and name not in both)
    arms: tuple[tuple[EventArm, Outcome], ...] = (("baseline", baseline), ("candidate", candidate))
    if not in_shadow_stage:
        checked = tuple(name for name in checked if name in PAIRED)
        found = (Event(t, unit, arm, HALF, bad=_in(it.bad, checked), checked=checked) for arm, it in arms)
        return tuple(msgspec.structs.replace(event, is_later=True) for event in found) if checked else ()
    told = None not in (baseline.ok, candidate.ok) and (baseline.ok or candidate.ok)
    # An answer that came whole has no first content; the other one's would be compared with nothing.
    timed = told and None not in (baseline.ttft_s, candidate.ttft_s)
    return tuple(
        Event(
            t,
            unit,
            arm,
            HALF,
            ok=it.ok if told else None,
            ttft_s=it.ttft_s if timed else None,
            total_s=it.total_s if told else None,
            bad=_in(it.bad, checked),
            checked=checked,
        )
        for arm, it in arms
    )


def _in(names: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name in others)


def event_of_score(t: float, unit: str, share: int, score: float | None) -> Event:
    """How the candidate's answer compares; None where it should have been said and could not be."""
    unmeasured = ("quality",) if score is None else ()
    return Event(t, unit, "candidate", share, score=score, unmeasured=unmeasured, is_later=True)


def event_of_bad_word(t: float, unit: str, arm: EventArm, share: int) -> Event:
    """Negative feedback. That most say nothing is told by their records already: no word is no bad one."""
    return Event(t, unit, arm, share, bad=("feedback",), checked=("feedback",), is_later=True)
