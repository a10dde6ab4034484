"""Times, both ways."""

import pytest

from earthward.dialects.times import rfc3339, unix_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-08-21T12:00:00Z", 1787313600),
        ("2026-08-21T12:00:00.999999999Z", 1787313601),
        ("2026-08-21T14:00:00.5+02:00", 1787313600),
        ("2026-08-21T12:00:00", 1787313600),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_or_not_known(text: str | None, seconds: int | None) -> None:
    assert unix_time(text) == seconds


def test_a_time_written_reads_back() -> None:
    assert rfc3339(1787313600.25) == "2026-08-21T12:00:00.250000Z"
    assert unix_time(rfc3339(1787313600)) == 1787313600


def test_a_time_that_no_calendar_has_is_the_nearest_it_has() -> None:
    assert rfc3339(1e300) == "9999-12-31T23:59:59.000000Z"
    assert rfc3339(-1e300) == "1970-01-01T00:00:00.000000Z"
