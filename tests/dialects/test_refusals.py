import pytest

from earthward.chat import Failure, FailureKind
from earthward.dialects.refusals import KINDS, NO_ACCESS, kind_of_status, status_in, status_to_tell, unexplained
from earthward.dialects.unreadable import unreadable


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (Failure(FailureKind.BAD_REQUEST, "x", 422), 422),
        (Failure(FailureKind.BAD_REQUEST, "x", 418), 400),
        (Failure(FailureKind.UPSTREAM_ERROR, "x", 507), 507),
        (Failure(FailureKind.UPSTREAM_ERROR, "x", 302), 400),
        (Failure(FailureKind.CONTEXT_LENGTH, "x", 413), 400),
        (Failure(FailureKind.BAD_REQUEST, "x"), 400),
        # The gateway's own account is none of the caller's business.
        (Failure(FailureKind.UPSTREAM_AUTH, "x", 401), 400),
        (Failure(FailureKind.PAYMENT, "x", 402), 400),
    ],
)
def test_the_vendors_own_status_is_told_where_it_says_the_same_to_the_caller(failure: Failure, told: int) -> None:
    assert status_to_tell(failure, 400) == told


def test_a_vendor_may_know_more_statuses() -> None:
    more = {**KINDS, 529: FailureKind.OVERLOADED}
    assert (kind_of_status(529), kind_of_status(529, more)) == (FailureKind.UPSTREAM_ERROR, FailureKind.OVERLOADED)
    overloaded = Failure(FailureKind.OVERLOADED, "x", 529)
    assert (status_to_tell(overloaded, 503), status_to_tell(overloaded, 503, more)) == (503, 529)


@pytest.mark.parametrize(
    ("error", "status"),
    [({"code": 503}, 503), ({"code": "503"}, None), ({"code": 200}, None), ({"code": 600}, None), ("busy", None)],
)
def test_an_error_may_name_its_status(error: object, status: int | None) -> None:
    assert status_in(error) == status


def test_a_page_that_is_no_json_says_what_to_look_at_and_nothing_of_the_account() -> None:
    missing = unexplained(404, [])
    assert missing.kind is FailureKind.UPSTREAM_ERROR, "a missing model is reported in JSON"
    assert "base URL" in missing.message
    assert unexplained(403, []).message == NO_ACCESS
    assert unexplained(503, [(b"retry-after", b"7")]).retry_after == 7.0


def test_what_could_not_be_read_is_told_with_its_place() -> None:
    failure = unreadable(ValueError("Expected `int`, got `str` - at `$.tools[0].n`"))
    assert (failure.kind, failure.param) == (FailureKind.BAD_REQUEST, "tools[0].n")
    assert unreadable(ValueError("trailing characters")).param is None
