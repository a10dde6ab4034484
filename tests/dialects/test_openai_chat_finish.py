"""Why an answer ended."""

from typing import get_args

import pytest

from earthward.chat import FinishReason
from earthward.dialects.openai_chat.finish import failure_in, read_reason, written_reason


@pytest.mark.parametrize(
    ("wire", "called", "reason"),
    [
        ("stop", False, "stop"),
        ("stop", True, "tool_calls"),
        ("tool_calls", False, "tool_calls"),
        ("function_call", True, "tool_calls"),
        ("length", True, "length"),
        ("content_filter", True, "filtered"),
        (None, False, "stop"),
        (None, True, "tool_calls"),
        ("eos", False, "stop"),
    ],
)
def test_an_answer_that_calls_tools_and_stops_waits_for_their_results(
    wire: str | None, called: bool, reason: FinishReason
) -> None:
    assert read_reason(wire, called) == reason


def test_every_reason_of_the_vocabulary_can_be_written() -> None:
    for reason in get_args(FinishReason):
        assert written_reason(reason) in ("stop", "length", "tool_calls", "content_filter")
    assert written_reason("tool_calls", functions=True) == "function_call"
    assert written_reason("length", functions=True) == "length"


def test_an_answer_given_up_is_no_end() -> None:
    assert failure_in("error") is not None
    assert failure_in("abort") is not None
    assert failure_in("stop") is None
    assert failure_in(None) is None
