from hypothesis import given
from hypothesis import strategies as st

from earthward.chat import (
    Answer,
    Choice,
    Count,
    Failed,
    Failure,
    FailureKind,
    Finished,
    ReasoningDelta,
    Started,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    collect,
    events_of,
    is_content,
)

words = st.text(min_size=1, max_size=8)
calls = st.builds(ToolCall, id=words, name=words, arguments=words)
choices = st.builds(
    Choice,
    parts=st.one_of(
        st.tuples(st.builds(Text, words)),
        st.tuples(st.builds(Text, words), calls),
        st.tuples(calls, calls),
        st.just(()),
    ),
    reason=st.sampled_from(["stop", "length", "tool_calls"]),
)


@given(st.lists(choices, min_size=1, max_size=3))
def test_the_events_of_an_answer_spell_the_same_answer(made):
    answer = Answer("id", "model", 1, tuple(made), Usage(input=Count.reported(3)))
    assert collect(events_of(answer)) == answer


def test_pieces_come_together_in_the_order_they_were_begun():
    answer = collect(
        [
            Started("id"),
            ReasoningDelta("so"),
            ReasoningDelta(" then", signature="s"),
            TextDelta("a"),
            TextDelta("b"),
            ToolCallStarted(0, "c1", "f"),
            ToolCallStarted(1, "c2", "g"),
            ToolCallDelta(1, "{}"),
            ToolCallDelta(0, '{"x"'),
            ToolCallDelta(0, ":1}"),
            Finished("tool_calls"),
        ]
    )
    assert isinstance(answer, Answer)
    reasoning, text, first, second = answer.choices[0].parts
    assert (reasoning.text, reasoning.signature, text.text) == ("so then", "s", "ab")
    assert (first.arguments, second.arguments) == ('{"x":1}', "{}")


def test_an_answer_that_only_broke_off_never_passes_for_a_whole_one():
    broken = collect([Started("id"), TextDelta("half"), UsageReported(Usage())])
    assert isinstance(broken, Failure)
    assert broken.kind is FailureKind.BROKEN_STREAM
    two = collect([TextDelta("a", 0), TextDelta("b", 1), Finished("stop", 0)])
    assert isinstance(two, Failure)
    assert isinstance(collect([]), Failure)


def test_a_failure_ends_it_whatever_came_before():
    failure = Failure(FailureKind.OVERLOADED, "no")
    assert collect([TextDelta("a"), Failed(failure), Finished("stop")]) == failure


def test_only_what_a_client_can_show_is_content():
    assert is_content(TextDelta("a"))
    assert is_content(ToolCallStarted(0, "c", "f"))
    assert not is_content(TextDelta(""))
    assert not is_content(Started("id"))
    assert not is_content(UsageReported(Usage()))
    assert not is_content(Finished("stop"))
