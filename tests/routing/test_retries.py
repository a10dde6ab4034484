from collections import deque

from earthward.routing.retries import PER_SECOND, WINDOW, may_retry


def test_a_quiet_gateway_may_still_retry() -> None:
    assert may_retry(1, 0)
    assert may_retry(0, 99)
    assert not may_retry(0, 100)


def test_a_busy_gateway_may_retry_a_fifth_on_top() -> None:
    assert may_retry(10_000, 2_099)
    assert not may_retry(10_000, 2_100)


def test_in_a_total_outage_attempts_stay_within_a_fifth_and_ten_a_second() -> None:
    """Each of 500 requests a second would like two more attempts, for a minute."""
    seconds: deque[tuple[int, int]] = deque(maxlen=WINDOW)
    total_requests = total_retries = 0
    for _ in range(60):
        seconds.append((0, 0))
        for _ in range(500):
            requests, retries = seconds[-1]
            seconds[-1] = (requests + 1, retries)
            for _ in range(2):
                if may_retry(sum(r for r, _ in seconds), sum(r for _, r in seconds)):
                    seconds[-1] = (seconds[-1][0], seconds[-1][1] + 1)
        total_requests += 500
        total_retries += seconds[-1][1]
    assert total_retries <= 0.2 * total_requests + PER_SECOND * 60
    assert total_retries >= 0.19 * total_requests
