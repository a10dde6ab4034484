"""When the upstream wants to be asked again."""

import pytest

from earthward.dialects.retry_after import Headers, retry_after, retry_headers

DATE = (b"date", b"Tue, 15 Apr 2025 10:00:00 GMT")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([(b"retry-after", b"7")], 7.0),
        ([(b"retry-after", b"7"), (b"retry-after-ms", b"1500")], 1.5),
        ([(b"retry-after", b"Tue, 15 Apr 2025 10:00:30 GMT"), DATE], 30.0),
        ([(b"retry-after", b"Tue, 15 Apr 2025 09:00:00 GMT"), DATE], 0.0),
        ([(b"retry-after", b"Tue, 15 Apr 2025 10:00:30 GMT")], None),
        ([(b"retry-after", b"1e306")], 86_400.0),
        ([(b"retry-after", b"-1")], None),
        ([(b"retry-after", b"inf")], None),
        ([(b"retry-after", b"soon")], None),
        ([(b"retry-after", b"1"), (b"retry-after", b"2")], 1.0),
    ],
)
def test_it_is_found_in_every_form(headers: Headers, seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_what_is_not_known_is_not_written() -> None:
    assert retry_headers(None) == []


@pytest.mark.parametrize("seconds", [0.0, 0.25, 3.0])
def test_what_is_written_reads_back(seconds: float) -> None:
    assert retry_after(retry_headers(seconds)) == seconds
