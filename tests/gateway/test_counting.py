"""What a refusal to count says, and of whom."""

import pytest

from earthward.chat import Failure, FailureKind
from earthward.dialects import anthropic_messages
from earthward.gateway.counting import ESTIMATED_AFTER, of_a_count

PAGE = b"<html><title>Error 404 (Not Found)!!1</title></html>"


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_path_for_counts_that_is_not_there_says_nothing_of_how_its_target_answers(status: int) -> None:
    told = of_a_count(Failure(FailureKind.UPSTREAM_ERROR, "x", status))
    assert told.kind is FailureKind.NO_SUCH_PATH
    assert told.kind in ESTIMATED_AFTER


@pytest.mark.parametrize(
    "failure",
    [
        Failure(FailureKind.UPSTREAM_ERROR, "x", 500),
        Failure(FailureKind.OVERLOADED, "x", 503),
        Failure(FailureKind.BAD_REQUEST, "x", 400),
    ],
)
def test_any_other_failure_stays_what_it_is(failure: Failure) -> None:
    assert of_a_count(failure) == failure


def test_a_model_that_vertex_ai_can_not_count_for_is_no_fault_of_the_caller_s() -> None:
    body = (
        b'{"type":"error","error":{"type":"invalid_request_error","message":"m is not supported for token counting"}}'
    )
    assert anthropic_messages.failure_of(400, [], body).kind in ESTIMATED_AFTER
    assert of_a_count(anthropic_messages.failure_of(404, [], PAGE)).kind in ESTIMATED_AFTER
