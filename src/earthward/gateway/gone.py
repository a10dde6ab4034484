"""Requests that wait at a host which has gone are asked elsewhere now, not when a deadline of minutes is over.

Only where there is an elsewhere, and only while the host has not said a word: a host that is merely too busy to be
looked at is not left by those it is answering.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from earthward.chat import Failure, FailureKind
from earthward.fleet.found import Probed

if TYPE_CHECKING:
    from earthward.gateway.exchange import Exchange
    from earthward.gateway.straight import Straight

GONE = Failure(FailureKind.UNREACHABLE, "the host went away while the request was waiting there")


def give_up_on(found: Iterable[Probed], exchanges: "Iterable[Exchange | Straight]") -> None:
    """Ends what waits at those of the hosts that are down."""
    down = {(it.provider, it.url) for it in found if it.report.is_down}
    if not down:
        return
    for exchange in tuple(exchanges):
        exchange.give_up_at(down, GONE)
