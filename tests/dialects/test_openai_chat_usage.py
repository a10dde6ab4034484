"""Token counts, both ways."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import CompletionUsage

from earthward.chat import Count, Usage
from earthward.chat.usage import UNKNOWN
from earthward.dialects.openai_chat.usage import UsageOfStream, read_usage, wire_usage


def test_counts_are_read_with_their_details() -> None:
    wire = {
        "prompt_tokens": 9,
        "completion_tokens": 8,
        "total_tokens": 17,
        "prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    assert read_usage(wire) == Usage(*map(Count.reported, (9, 8, 7, 6, 5)))


@pytest.mark.parametrize("value", [None, -1, 1.5, "7", True, [], {}])
def test_what_is_no_count_is_unknown_and_not_zero(value: Any) -> None:
    assert read_usage({"prompt_tokens": value, "prompt_tokens_details": value}) == Usage()
    assert read_usage(value) == Usage()


def test_usage_is_left_out_where_nothing_is_known() -> None:
    assert wire_usage(Usage()) is None
    assert wire_usage(Usage(cached=Count.reported(1))) is None


counts = st.just(UNKNOWN) | st.integers(0, 10**9).map(Count.reported)


@settings(max_examples=100, deadline=None)
@given(
    st.builds(
        Usage, st.integers(0, 99).map(Count.reported), st.integers(0, 99).map(Count.reported), counts, counts, counts
    )
)
def test_usage_written_reads_back_and_is_valid_for_the_official_sdk(usage: Usage) -> None:
    wire = wire_usage(usage)
    assert read_usage(wire) == usage
    CompletionUsage.model_validate(wire)


def stream(*chunks: tuple[int, int, bool], answers: int = 1) -> tuple[int, int]:
    heard = UsageOfStream()
    for prompt, completion, is_total in chunks:
        heard.add({"prompt_tokens": prompt, "completion_tokens": completion}, is_total, answers)
    return heard.total.input.tokens, heard.total.output.tokens


def test_counts_so_far_give_way_to_later_ones() -> None:
    assert stream((7, 1, False), (7, 2, False), (7, 3, True)) == (7, 3)


def test_totals_of_several_answers_to_one_prompt_add_up_in_what_was_written_only() -> None:
    assert stream((36, 5, True), (36, 4, True), answers=2) == (36, 9)


def test_a_total_that_is_told_twice_counts_once() -> None:
    assert stream((36, 5, True), (36, 5, True)) == (36, 5)
