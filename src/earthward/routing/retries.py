"""How many attempts beyond the first are allowed: enough to ride out a fault, too few to make an outage worse.

Counted over all workers; who counts, and where, is the gateway's business.
"""

from collections.abc import Iterable

WINDOW = 10
"""Seconds whose allowance may be spent at once."""
PER_REQUEST = 0.2
PER_SECOND = 10


def may_retry(seconds: Iterable[tuple[int, int]]) -> bool:
    """Whether one more attempt may be made, after so many requests and retries in each second, the latest first.

    However one looks back from now, over WINDOW seconds or any longer span, no more than a fifth of its requests and
    ten a second. A window alone would let the same burst through anew at the end of each.
    """
    allowed = 0.0
    retries = 0
    for behind, (requests, retried) in enumerate(seconds, 1):
        allowed += PER_REQUEST * requests + PER_SECOND
        retries += retried
        if behind >= WINDOW and retries >= allowed:
            return False
    return True
