import random

import pytest

from earthward.gateway.board import RING
from earthward.routing.retries import PER_REQUEST, PER_SECOND, WINDOW, may_retry

CALM = [(0, 0)] * (RING - 1)


def test_a_quiet_gateway_may_still_retry() -> None:
    assert may_retry([(1, 0), *CALM])
    assert may_retry([(0, 99), *CALM])
    assert not may_retry([(0, 100), *CALM])


def test_a_busy_gateway_may_retry_a_fifth_on_top() -> None:
    assert may_retry([(10_000, 2_099), *CALM])
    assert not may_retry([(10_000, 2_100), *CALM])


def test_a_burst_is_not_there_again_at_the_end_of_the_window() -> None:
    """Ten seconds after all was spent at once, a second's worth has come back, and not ten."""
    spent_at_once = [(0, 0)] * 10 + [(0, 100)] + CALM[10:]
    assert may_retry(spent_at_once)
    assert may_retry([(0, 9), *spent_at_once[1:]])
    assert not may_retry([(0, 10), *spent_at_once[1:]])


@pytest.mark.parametrize("load", [1, 12, 80, 500])
def test_in_a_total_outage_attempts_stay_within_a_fifth_and_ten_a_second(load: int) -> None:
    """Each request would like two more attempts. Whenever it ends, it has cost no more than that."""
    draw = random.Random(load)
    seconds = [*CALM]
    sent = retried = 0
    for elapsed in range(1, 121):
        requests = draw.randint(0, 2 * load)
        retries = 0
        for _ in range(2 * requests):
            retries += may_retry([(requests, retries), *reversed(seconds[1 - RING :])])
        seconds.append((requests, retries))
        sent += requests
        retried += retries
        assert retried <= PER_REQUEST * sent + PER_SECOND * max(WINDOW, elapsed) + 1 + elapsed // RING
    assert retried >= min(1.9 * sent, 0.95 * (PER_REQUEST * sent + PER_SECOND * 120)), "and it is used"
