from pathlib import Path

from earthward.bench.books import measure


def test_all_that_is_stored_is_booked(tmp_path: Path) -> None:
    assert measure(3_000, tmp_path).records == 3_000
