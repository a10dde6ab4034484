from earthward.dialects.gotchas import GOTCHAS


def test_every_gotcha_of_requests_answers_errors_and_vectors_is_told_of() -> None:
    assert [number for number, *_ in GOTCHAS] == [*range(1, 8), *range(19, 59), *range(63, 67)]
