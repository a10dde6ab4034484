"""What holds for the events of every stream that is read, whatever its dialect."""

from collections.abc import Callable, Sequence
from typing import Any

from earthward.chat import Event, Failed, Started, TextDelta, UsageReported


def says_the_same_however_it_is_cut(read: Callable[..., list[Event]], stream: bytes) -> None:
    whole = read(stream)
    for at in range(len(stream)):
        assert read(stream[:at], stream[at:]) == whole, at
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == whole


def ends_in_one_failure(events: Sequence[Event], expected: dict[str, Any]) -> None:
    """`expected` has the failure's kind, and the `text` that came before."""
    failures = [event for event in events if isinstance(event, Failed)]
    assert [failed.failure.kind for failed in failures] == [expected["failure"]]
    assert events[-1] is failures[0]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == expected["text"]


def begins_and_counts_at_most_once(events: Sequence[Event]) -> None:
    assert sum(isinstance(event, Started) for event in events) <= 1
    assert not any(isinstance(event, Started) for event in events[1:])
    assert sum(isinstance(event, UsageReported) for event in events) <= 1
