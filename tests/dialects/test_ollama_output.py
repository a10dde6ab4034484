"""The form an answer is to have, told to the model."""

import pytest

from earthward.chat import ChatRequest, Message, OutputFormat, Role, Text
from earthward.dialects.ollama import format_instruction, with_format_in_prompt

HI = Message(Role.USER, (Text("Hi"),))


def test_the_schema_is_said_to_the_model() -> None:
    output = OutputFormat("json", {"type": "object"}, description="A city.")
    asked = with_format_in_prompt(ChatRequest("m", (HI,), output=output))
    told, said = asked.messages
    assert told.role is Role.SYSTEM
    assert '{"type":"object"}' in told.text
    assert "A city." in told.text
    assert said == HI
    assert asked.output == output


def test_any_json_is_asked_for_in_words() -> None:
    assert "JSON object" in (format_instruction(OutputFormat("json")) or "")


@pytest.mark.parametrize("output", [None, OutputFormat("text")])
def test_a_request_for_text_stays_as_it_is(output: OutputFormat | None) -> None:
    asked = ChatRequest("m", (HI,), output=output)
    assert with_format_in_prompt(asked) is asked
