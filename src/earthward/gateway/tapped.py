"""Samples of what goes on the straight line: whom a leg has sampled, and what is the same in all its samples.

Says what `sampling.tap_of` and `samples.Tap` say of the general path, which work it out for each request anew.
"""

import msgspec

from earthward.gateway.decide import Decision
from earthward.gateway.doors.door import Question
from earthward.gateway.introduction import Introduction
from earthward.gateway.samples import LARGEST, Sample
from earthward.gateway.sampling import may_go
from earthward.http.server import Request
from earthward.quality.sampling import ALL, bound, other_arm

NOBODY = bound(0)


class Tapped:
    """Of a leg's exchanges those with a mark below one bound are kept, those below the other shadowed as well.

    `_kept` and `_shadowed` are samples with nothing in them that is one exchange's own.
    """

    __slots__ = ("_kept", "_kept_below", "_shadowed", "_shadowed_below")

    def __init__(self, kept: Sample, kept_below: int, shadowed: Sample, shadowed_below: int) -> None:
        self._kept, self._kept_below = kept, kept_below
        self._shadowed, self._shadowed_below = shadowed, shadowed_below

    def drawn(self, id: str) -> Sample | None:
        """What is to be filled in once the exchange is over; None for the many that nobody looks at."""
        # As `sampling.mark`, which would be a call for each exchange.
        drawn = hash(id) % ALL
        if drawn < self._shadowed_below:
            return self._shadowed
        return self._kept if drawn < self._kept_below else None


def tapped(question: Question, introduced: Introduction, decision: Decision, target: str, path: str) -> Tapped | None:
    """What is sampled of those that are decided like this one and answered whole; None where nobody is."""
    route, plan, key, task = decision.route, decision.plan, introduced.caller.key, introduced.hints.task
    sampling = route.sampling
    if sampling is None or (sampling.tasks and task not in sampling.tasks):
        return None
    other = other_arm(route, plan.arm)
    if other is not None and not may_go(introduced.serving, decision, question.glance.features, other):
        other = None
    kept_below, shadowed_below = bound(sampling.share), NOBODY if other is None else bound(sampling.shadow)
    if kept_below == shadowed_below == NOBODY:
        return None
    kept = Sample(
        id="",
        at=0,
        route=plan.route,
        arm=plan.arm,
        share=plan.share,
        stage=plan.stage,
        epoch=plan.epoch,
        unit="",
        task=task,
        data_class=decision.data_class,
        app=key.app,
        team=key.team,
        path=path.encode("latin-1"),
        query=b"",
        stream=False,
        status="ok",
        target=target,
        finish="",
        first_content=None,
        duration=0,
        other=None,
        request=b"",
        answer=b"",
    )
    return Tapped(kept, kept_below, msgspec.structs.replace(kept, other=other), shadowed_below)


def sample_of(
    drawn: Sample, request: Request, id: str, at: int, unit: str, duration: int, finish: str | None, answer: bytes
) -> Sample | None:
    """All of it; None where it is too large to be kept."""
    if len(request.body) > LARGEST or len(answer) > LARGEST:
        return None
    return msgspec.structs.replace(
        drawn,
        id=id,
        at=at,
        unit=unit,
        query=request.query,
        finish=finish or "",
        duration=duration,
        request=request.body,
        answer=answer,
    )
