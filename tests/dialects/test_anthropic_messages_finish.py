"""Why an answer ended, both ways."""

import pytest

from earthward.chat import FinishReason
from earthward.dialects.anthropic_messages.finish import read_reason, written_reason

REASONS: list[FinishReason] = ["stop", "stop_sequence", "length", "context", "tool_calls", "filtered", "paused"]


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_reads_back(reason: FinishReason) -> None:
    assert read_reason(written_reason(reason, refused=False), called=False, stop_sequence=None) == reason


@pytest.mark.parametrize("word", [None, "", "end_turn", "novel"])
def test_a_natural_end_with_a_call_is_a_call_and_with_a_sequence_that_sequence(word: str | None) -> None:
    assert read_reason(word, called=False, stop_sequence=None) == "stop"
    assert read_reason(word, called=True, stop_sequence=None) == "tool_calls"
    assert read_reason(word, called=False, stop_sequence="END") == "stop_sequence"


def test_a_cap_reached_while_calling_stays_a_cap() -> None:
    assert read_reason("max_tokens", called=True, stop_sequence=None) == "length"


def test_only_a_natural_end_can_be_a_refusal() -> None:
    assert written_reason("stop", refused=True) == "refusal"
    assert written_reason("length", refused=True) == "max_tokens"
