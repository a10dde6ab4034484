from earthward.chat import Failure, FailureKind


def test_another_target_is_tried_for_what_was_not_the_requests_fault():
    tried = {kind for kind in FailureKind if Failure(kind, "").another_may_serve}
    assert FailureKind.UNREACHABLE in tried
    assert FailureKind.CONTEXT_LENGTH in tried, "another target may have a larger window"
    assert not tried & {FailureKind.BAD_REQUEST, FailureKind.BAD_KEY, FailureKind.CLIENT_GONE, FailureKind.FORBIDDEN}


def test_a_quoted_message_is_told_and_not_kept():
    failure = Failure(FailureKind.BAD_REQUEST, "your words", status=400, quoted=True)
    assert "your words" not in failure.for_the_record
    assert "400" in failure.for_the_record
