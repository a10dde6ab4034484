"""Whether an exchange is sampled: drawn here, decided in `quality.sampling`, bound by where its data may go."""

from typing import TYPE_CHECKING

import msgspec

from earthward.gateway.decide import Decision
from earthward.gateway.samples import Tap
from earthward.gateway.serving import Serving
from earthward.quality.sampling import ALL, Taken, taken
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
    draw = mark(question.id) / ALL
    found = taken(decision.route, decision.plan.arm, exchange.hints.task, draw)
    if found is None:
        return None
    if found.other is not None and not may_go(exchange.serving, decision, question.glance.features, found.other):
        found = msgspec.structs.replace(found, other=None)
        if draw * 10_000 >= found.sampling.share:
            return None
    return Tap(Taken(found.sampling, found.other))


def mark(id: str) -> int:
    """What is drawn for an exchange in this process, however often that is asked for.

    Python hashes strings by SipHash, with a key of this process's own: as even as a digest, in a twentieth of its
    time.
    """
    return hash(id) % ALL


def may_go(serving: Serving, decision: Decision, features: frozenset[str], name: str) -> bool:
    """Whether the other arm can and may see this request at all. Asked again at the last step before its socket."""
    target = serving.targets[name]
    if target.takes_callers_key:
        return False
    return why_not(decision.route, target.target, features, decision.data_class, None) is None
