"""Results, right after the calls they answer."""

from hypothesis import given
from hypothesis import strategies as st

from earthward.chat import ChatRequest, Message, Part, Role, Text, ToolCall, ToolResult
from earthward.dialects import gemini, ollama, openai_chat, openai_responses
from earthward.dialects.answered_calls import results_at_calls

ONE = ToolResult("a", (Text("1"),))
TWO = ToolResult("b", (Text("2"),))


def calls(*ids: str) -> Message:
    return Message(Role.ASSISTANT, tuple(ToolCall(name, "f", "{}") for name in ids))


def said(role: Role, *parts: Part) -> Message:
    return Message(role, parts)


NOTE = said(Role.USER, Text("note"))


def test_what_is_in_its_place_stays_as_it_is() -> None:
    for messages in (
        (),
        (NOTE,),
        (said(Role.TOOL, ONE), NOTE),
        (NOTE, calls("a", "b"), said(Role.TOOL, ONE), said(Role.TOOL, TWO), NOTE),
        (NOTE, calls("a", "b"), said(Role.USER, ONE, TWO, Text("and"))),
        (calls("a"), said(Role.TOOL, ONE), calls("b"), said(Role.TOOL, TWO)),
        (NOTE, said(Role.USER), said(Role.TOOL, ToolResult("nobody's", ())), NOTE),
    ):
        assert results_at_calls(messages) is messages


def test_a_result_is_put_before_what_stands_between_it_and_its_call() -> None:
    messages = (calls("a", "b"), NOTE, said(Role.TOOL, TWO), NOTE, said(Role.USER, Text("x"), ONE))
    assert results_at_calls(messages) == (
        calls("a", "b"),
        said(Role.TOOL, TWO),
        said(Role.USER, ONE),
        NOTE,
        NOTE,
        said(Role.USER, Text("x")),
    )


def test_a_result_belongs_to_the_last_call_of_its_id() -> None:
    messages = (calls("a"), said(Role.TOOL, ONE), calls("a"), NOTE, said(Role.TOOL, ONE))
    assert results_at_calls(messages) == (calls("a"), said(Role.TOOL, ONE), calls("a"), said(Role.TOOL, ONE), NOTE)


@given(
    st.lists(
        st.sampled_from([NOTE, calls("a"), calls("b"), calls("a", "b"), said(Role.TOOL, ONE), said(Role.USER, TWO)])
    )
)
def test_nothing_is_lost_or_said_twice(messages: list[Message]) -> None:
    found = results_at_calls(tuple(messages))
    assert sorted(repr(part) for message in found for part in message.parts) == sorted(
        repr(part) for message in messages for part in message.parts
    )
    assert results_at_calls(found) == found


def test_what_google_lets_stand_between_a_call_and_its_response_reaches_openai_and_ollama_behind_it() -> None:
    contents = b"""[
        {"role": "user", "parts": [{"text": "Go"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
        {"role": "model", "parts": [{"text": ""}]},
        {"role": "user", "parts": [{"text": "note"}, {"functionResponse": {"name": "f", "response": {"output": "1"}}}]}
    ]"""
    asked = gemini.read_request(b'{"contents": %b}' % contents, "m")
    assert isinstance(asked, ChatRequest)
    for write, read in (
        (openai_chat.write_request, openai_chat.read_request),
        (ollama.write_request, ollama.read_request),
    ):
        body = write(asked)
        assert isinstance(body, bytes)
        found = read(body)
        assert isinstance(found, ChatRequest)
        kinds = [type(part) for message in found.messages for part in message.parts]
        assert kinds.index(ToolResult) == kinds.index(ToolCall) + 1
        assert "note" in found.messages[-1].text


def test_what_openai_s_newer_api_lets_stand_between_them_reaches_its_older_one_behind_them() -> None:
    items = b"""[
        {"role": "user", "content": "Go"},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"role": "developer", "content": "note"},
        {"type": "function_call_output", "call_id": "a", "output": "1"}
    ]"""
    asked = openai_responses.read_request(b'{"model": "m", "input": %b}' % items)
    assert isinstance(asked, ChatRequest)
    body = openai_chat.write_request(asked)
    assert isinstance(body, bytes)
    found = openai_chat.read_request(body)
    assert isinstance(found, ChatRequest)
    assert [message.role for message in found.messages] == ["user", "assistant", "tool", "developer"]
