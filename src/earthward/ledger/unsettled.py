"""The record of an exchange whose process died before it settled it. It may have cost money, so it is never free."""

from collections.abc import Sequence

from earthward.chat.failures import FailureKind
from earthward.ledger.record import Attempt, Opened, Record

MESSAGE = "the gateway process died before the exchange was settled"


def unsettled(opened: Sequence[Opened]) -> Record:
    """What is known from the attempts that were opened, in their order; the last died with its process."""
    first, last = opened[0], opened[-1]
    return Record(
        id=last.id,
        accepted_at=first.at,
        status="unknown",
        dialect=last.dialect,
        requested_model=last.requested_model,
        key=last.key,
        app=last.app,
        team=last.team,
        unit=last.unit,
        route=last.route,
        arm=last.arm,
        share=last.share,
        snapshot=last.snapshot,
        target=last.target,
        endpoint=last.endpoint,
        attempts=tuple(_attempt(attempt, is_last=attempt is last) for attempt in opened),
        failure=FailureKind.PROCESS_DIED,
        message=MESSAGE,
        cost=None,
    )


def _attempt(opened: Opened, *, is_last: bool) -> Attempt:
    failure = FailureKind.PROCESS_DIED if is_last else None
    return Attempt(opened.target, opened.endpoint, "", opened.at, failure=failure, cost=None)
