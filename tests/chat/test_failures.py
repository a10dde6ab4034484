from earthward.chat import Failure, FailureKind
from earthward.chat.failures import ANOTHER_MAY_SERVE


def test_another_target_is_tried_for_what_was_not_the_requests_fault():
    assert FailureKind.UNREACHABLE in ANOTHER_MAY_SERVE
    assert FailureKind.CONTEXT_LENGTH in ANOTHER_MAY_SERVE, "another target may have a larger window"
    ends = {FailureKind.BAD_REQUEST, FailureKind.BAD_KEY, FailureKind.CLIENT_GONE, FailureKind.FORBIDDEN}
    assert not ANOTHER_MAY_SERVE & ends


def test_a_quoted_message_is_told_and_not_kept():
    failure = Failure(FailureKind.BAD_REQUEST, "your words", status=400, quoted=True)
    assert "your words" not in failure.for_the_record
    assert "400" in failure.for_the_record
