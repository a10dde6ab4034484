"""Token counts, both ways."""

from typing import Any

import pytest

from earthward.chat import Count, Usage
from earthward.dialects.anthropic_messages.usage import UsageOfStream, read_usage, whole_usage, wire_usage

WIRE = {
    "input_tokens": 12,
    "cache_creation_input_tokens": 7,
    "cache_read_input_tokens": 100,
    "output_tokens": 40,
    "output_tokens_details": {"thinking_tokens": 15},
}
USAGE = Usage(*[Count.reported(tokens) for tokens in (119, 40, 100, 7, 15)])


def test_the_input_includes_what_was_cached_in_our_words_and_not_in_theirs() -> None:
    assert read_usage(WIRE) == USAGE
    assert wire_usage(USAGE) == WIRE


@pytest.mark.parametrize(
    "wire", [None, [], "x", {}, {"input_tokens": None}, {"input_tokens": -1, "output_tokens": True}]
)
def test_what_is_no_count_is_unknown(wire: Any) -> None:
    assert read_usage(wire) == Usage()


def test_input_is_unknown_though_the_cache_is_known() -> None:
    assert read_usage({"cache_read_input_tokens": 5}) == Usage(cached=Count.reported(5))


def test_a_cache_that_is_larger_than_the_input_takes_nothing_below_zero() -> None:
    assert wire_usage(Usage(Count.reported(3), cached=Count.reported(5)))["input_tokens"] == 0


def test_only_what_is_known_is_written_unless_it_must_be_there() -> None:
    assert wire_usage(Usage()) == {}
    assert whole_usage(Usage()) == {"input_tokens": 0, "output_tokens": 0}
    assert whole_usage(Usage(output=Count.estimated(3))) == {"input_tokens": 0, "output_tokens": 3}


def test_counts_of_a_stream_stand_until_others_are_given() -> None:
    usage = UsageOfStream()
    assert usage.total == Usage()
    usage.add({"input_tokens": 12, "cache_read_input_tokens": 100, "output_tokens": 1})
    usage.add(None)
    usage.add({"output_tokens": 9, "input_tokens": 0, "cache_read_input_tokens": None})
    assert usage.total == Usage(Count.reported(112), Count.reported(9), Count.reported(100))


def test_an_input_counted_at_the_end_replaces_an_estimate() -> None:
    usage = UsageOfStream()
    usage.add({"input_tokens": 50, "output_tokens": 0})
    usage.add({"input_tokens": 31, "output_tokens": 2})
    assert usage.total == Usage(Count.reported(31), Count.reported(2))


def test_what_the_beginning_counts_of_the_output_is_no_count_of_a_stream_without_an_end():
    usage = UsageOfStream()
    usage.begin({"input_tokens": 12, "cache_read_input_tokens": 100, "output_tokens": 1})
    assert usage.so_far == Usage(Count.reported(112), cached=Count.reported(100))
    usage.begin({"output_tokens": 1})
    assert not usage.so_far.output.is_known, "a second beginning is none"
    usage.add({"output_tokens": 9})
    assert usage.so_far == usage.total
    assert usage.total.output == Count.reported(9)


def test_where_only_the_beginning_counts_it_counts_in_the_end():
    usage = UsageOfStream()
    usage.begin({"input_tokens": 12, "output_tokens": 7})
    usage.add({"output_tokens": 0})
    assert usage.total.output == Count.reported(7)
