"""Which endpoints are looked at for one request. All of a few; of many the promising ones and some in turn.

A policy looks at every endpoint it is given. With hundreds of them a decision would cost as much as the gateway's
whole work on a request, and the best of eight is nearly as good as the best of all.
"""

from collections.abc import Sequence

MOST = 8
PROMISING = 5


def shortlist(count: int, turn: int, *promising: Sequence[int]) -> Sequence[int]:
    """Places out of `count`, eight at most, each once: of each list the first few, the rest consecutive from `turn`."""
    if count <= MOST:
        return range(count)
    listed: dict[int, None] = {}
    for places in promising:
        start = turn % len(places) if len(places) > PROMISING else 0
        for step in range(min(PROMISING, len(places))):
            if len(listed) < PROMISING:
                listed[places[(start + step) % len(places)]] = None
    step = 0
    while len(listed) < MOST:
        listed[(turn + step) % count] = None
        step += 1
    return list(listed)
