import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.config.snapshot import Deadlines
from earthward.routing.deadlines import MARGIN, bounded, callers_patience, left_for

DEADLINES = Deadlines(connect=5, first_byte=300, idle=120, total=900)


def test_a_caller_who_says_nothing_gets_the_configured_deadlines() -> None:
    assert bounded(DEADLINES, None, 0, 0, stream=True) is DEADLINES


def test_a_caller_who_waits_longer_changes_nothing() -> None:
    assert bounded(DEADLINES, 600, 0, 0, stream=True) is DEADLINES
    assert bounded(DEADLINES, 1000, 0, 0, stream=False) is DEADLINES


def test_the_error_of_an_attempt_reaches_a_caller_before_it_gives_up() -> None:
    assert bounded(DEADLINES, 10, 4, 0, stream=True).first_byte == 6 - MARGIN
    assert bounded(DEADLINES, 10, 4, 0, stream=False).total == 6 - MARGIN


def test_another_target_is_left_time_as_well() -> None:
    assert left_for(10, 0, 1) == pytest.approx(0.6 * (10 - MARGIN))


def test_a_stream_may_go_on_for_longer_than_a_caller_waits_for_a_piece_of_it() -> None:
    found = bounded(DEADLINES, 10, 0, 0, stream=True)
    assert (found.idle, found.total) == (10, 900)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (b"600", 600.0),
        (b"0.5", 0.5),
        (b"", None),
        (b"None", None),
        (b"nan", None),
        (b"inf", None),
        (b"-1", None),
        (b"0", None),
    ],
)
def test_only_a_time_is_a_time(value, seconds) -> None:
    assert callers_patience(value) == seconds


@given(st.floats(0.001, 1e6), st.floats(0, 1e6), st.integers(0, 2), st.booleans())
def test_no_deadline_is_ever_longer_than_configured_or_none_at_all(patience, elapsed, others, stream) -> None:
    found = bounded(DEADLINES, patience, elapsed, others, stream=stream)
    assert 0 < found.connect <= 5
    assert 0 < found.first_byte <= 300
    assert 0 < found.idle <= 120
    assert 0 < found.total <= 900
