"""Whether an exchange is sampled: drawn here, decided in `quality.sampling`, bound by where its data may go."""

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from earthward.config.snapshot import Route
from earthward.gateway.samples import Tap
from earthward.ledger.record import Arm
from earthward.quality.sampling import Taken, taken
from earthward.routing.plan import why_not

if TYPE_CHECKING:
    from earthward.gateway.exchange import Exchange


def tap_of(exchange: "Exchange") -> Tap | None:
    """Who listens in on the answer; None for the many that are not sampled, and for what no other arm may see."""
    decision, question = exchange.decision, exchange.question
    if decision is None or question is None or decision.route.sampling is None:
        return None
    if question.door.operation != "chat" or not decision.plan.attempts:
        return None
    draw = drawn(question.id)
    found = taken(decision.route, decision.plan.arm, exchange.hints.task, draw)
    if found is None:
        return None
    if found.other is not None and not _may_go(exchange, found.other):
        found = msgspec.structs.replace(found, other=None)
        if draw * 10_000 >= found.sampling.share:
            return None
    return Tap(Taken(found.sampling, found.other))


def drawn(id: str) -> float:
    """Below 1 and not below 0, and the same for an exchange however often it is asked for."""
    return int.from_bytes(blake2b(id.encode(), digest_size=4).digest(), "big") / 2**32


def is_drawn(route: Route, arm: Arm | None, task: str, id: str) -> bool:
    """Whether an exchange on this arm may be sampled, as far as the draw tells."""
    return route.sampling is not None and taken(route, arm or "only", task, drawn(id)) is not None


def _may_go(exchange: "Exchange", name: str) -> bool:
    """Whether the other arm can and may see this request at all. Asked again at the last step before its socket."""
    decision, question = exchange.decision, exchange.question
    assert decision is not None
    assert question is not None
    target = exchange.serving.targets[name]
    if target.takes_callers_key:
        return False
    features = question.glance.features
    return why_not(decision.route, target.target, features, decision.data_class, None) is None
