"""Several answers, asked for one by one."""

import pytest

from earthward.chat import (
    Answer,
    ChatRequest,
    Choice,
    Count,
    Event,
    Failed,
    Failure,
    FailureKind,
    Finished,
    Message,
    Role,
    Sampling,
    Started,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    collect,
)
from earthward.dialects.content.several import MOST, Together, one_by_one, summed, together

REQUEST = ChatRequest("m", (Message(Role.USER, (Text("Hi"),)),), answers=3, sampling=Sampling(seed=7))
USED = Usage(Count.reported(5), Count.reported(2), Count.reported(4), reasoning=Count.reported(1))


def test_each_answer_is_asked_for_with_a_seed_of_its_own() -> None:
    requests = one_by_one(REQUEST)
    assert isinstance(requests, list)
    assert [(request.answers, request.sampling.seed) for request in requests] == [(1, 7), (1, 8), (1, 9)]


@pytest.mark.parametrize(("seed", "seeds"), [(0, [0, 1]), (None, [None, None])])
def test_a_seed_of_nothing_is_one_and_none_is_none(seed: int | None, seeds: list[int | None]) -> None:
    requests = one_by_one(ChatRequest("m", (), answers=2, sampling=Sampling(seed=seed)))
    assert isinstance(requests, list)
    assert [request.sampling.seed for request in requests] == seeds


@pytest.mark.parametrize("answers", [MOST + 1, 10**9])
def test_more_than_a_few_are_refused(answers: int) -> None:
    failure = one_by_one(ChatRequest("m", (), answers=answers))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == ("bad_request", "n")


def test_answers_are_put_together_and_the_prompt_counts_once() -> None:
    answers = [Answer(f"r{n}", "m", 5, (Choice((Text(str(n)),), "stop"),), USED) for n in range(3)]
    whole = together(answers)
    assert [choice.parts for choice in whole.choices] == [(Text("0"),), (Text("1"),), (Text("2"),)]
    assert whole.id == "r0"
    assert whole.usage == Usage(Count.reported(5), Count.reported(6), Count.reported(4), reasoning=Count.reported(3))


def test_a_count_that_one_lacks_is_not_known_of_the_whole() -> None:
    assert not summed([USED, Usage()]).output.is_known
    assert summed([]) == Usage()


def stream(text: str) -> list[Event]:
    call = [ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{}")]
    return [Started(text), TextDelta(text), *call, UsageReported(USED), Finished("tool_calls")]


def test_streams_side_by_side_are_one() -> None:
    joining = Together(2)
    events = [
        event
        for pair in zip(stream("a"), stream("b"), strict=True)
        for place, event in enumerate(pair)
        for event in joining.feed(place, event)
    ]
    assert joining.is_over
    answer = collect([*events, *joining.end()])
    assert isinstance(answer, Answer)
    assert [choice.parts[0] for choice in answer.choices] == [Text("a"), Text("b")]
    assert answer.usage.output == Count.reported(4)
    assert sum(isinstance(event, Started) for event in events) == 1


def test_the_first_that_fails_fails_all() -> None:
    joining = Together(2)
    gone = Failed(Failure(FailureKind.RESET, "gone"))
    assert joining.feed(1, gone) == [gone]
    assert joining.feed(0, TextDelta("a")) == []
    assert joining.end() == []
    assert joining.is_over


def test_the_usage_of_a_stream_that_told_none_is_not_made_up() -> None:
    joining = Together(2)
    joining.feed(0, UsageReported(USED))
    (reported,) = joining.end()
    assert isinstance(reported, UsageReported)
    assert not reported.usage.output.is_known
