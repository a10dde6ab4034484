"""How many attempts beyond the first are allowed: enough to ride out a fault, too few to make an outage worse.

Counted over all workers; who counts, and where, is the gateway's business.
"""

WINDOW = 10
"""Seconds that are looked back over."""
PER_REQUEST = 0.2
PER_SECOND = 10


def may_retry(requests: int, retries: int) -> bool:
    """Whether one more attempt may be made, after so many requests and retries within the window."""
    return retries < PER_REQUEST * requests + PER_SECOND * WINDOW
