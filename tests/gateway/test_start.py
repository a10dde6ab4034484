"""What must never start. How a start goes otherwise is tried end to end."""

import pytest

from earthward.gateway.start import refuse_unlocked_beyond_loopback
from earthward.gateway.supervisor import CannotStart

BEYOND = (
    "0.0.0.0",
    "::",
    "",
    "10.0.0.1",
    "192.168.1.5",
    "fd00::1",
    "::ffff:0.0.0.0",
    "gateway",
    "localhost.example.com",
)


@pytest.mark.parametrize("host", BEYOND)
def test_without_keys_nothing_is_opened_beyond_loopback_whatever_host_is_asked_for(host: str) -> None:
    with pytest.raises(CannotStart, match="for loopback only"):
        refuse_unlocked_beyond_loopback("open", host)
    for auth in ("keys", "passthrough"):
        refuse_unlocked_beyond_loopback(auth, host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_loopback_it_may_be_open(host: str) -> None:
    refuse_unlocked_beyond_loopback("open", host)
