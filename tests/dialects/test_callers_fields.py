"""A refusal names the field that the caller wrote, not the one it would have been sent in."""

import pytest

from earthward.chat import Failure, FailureKind
from earthward.dialects.callers_fields import CONVERSATION, named_for
from every_dialect import DIALECTS


def refused(param: str | None) -> Failure:
    return Failure(FailureKind.UNSUPPORTED, "no", param=param)


def test_every_dialect_has_its_name_for_the_conversation() -> None:
    assert CONVERSATION.keys() == {dialect.name for dialect in DIALECTS}


@pytest.mark.parametrize(
    ("dialect", "param", "told"),
    [
        ("gemini", "messages", "contents"),
        ("gemini", "messages[3].content", "contents"),
        ("openai_responses", "messages", "input"),
        ("openai_completions", "messages", "prompt"),
        ("anthropic_messages", "input", "messages"),
        ("openai_chat", "messages[3].content", "messages[3].content"),
        ("gemini", "tools", "tools"),
        ("gemini", "messages_of_mine", "messages_of_mine"),
        ("gemini", None, None),
        ("another", "messages", "messages"),
    ],
)
def test_the_conversation_has_the_caller_s_name_and_all_else_its_own(
    dialect: str, param: str | None, told: str | None
) -> None:
    assert named_for(dialect, refused(param)).param == told
