"""What says nothing, in the words of every dialect: a null, and a stop without a letter."""

import json
from typing import Any

import pytest

from earthward.chat import ChatRequest
from every_dialect import BY_NAME, CONVERSING, Dialect

SPOKEN: dict[str, dict[str, Any]] = {
    "anthropic_messages": {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
    "ollama": {"messages": [{"role": "user", "content": "Hi"}]},
    "openai_chat": {"messages": [{"role": "user", "content": "Hi"}]},
    "openai_responses": {"input": "Hi"},
    "openai_completions": {"prompt": "Hi"},
}
STOPS: dict[str, Any] = {
    "anthropic_messages": lambda stop: {"stop_sequences": stop},
    "gemini": lambda stop: {"generationConfig": {"stopSequences": stop}},
    "ollama": lambda stop: {"options": {"stop": stop}},
    "openai_chat": lambda stop: {"stop": stop},
    "openai_completions": lambda stop: {"stop": stop},
}
UNKNOWN = ("service_tier", "container", "mcp_servers", "logit_bias", "safetySettings", "prediction", "x")


def read(dialect: Dialect, **fields: Any) -> ChatRequest:
    found = dialect.read_request(json.dumps({"model": "m", **SPOKEN[dialect.name], **fields}).encode())
    assert isinstance(found, ChatRequest), found
    return found


@pytest.mark.parametrize("dialect", [BY_NAME[name] for name in SPOKEN], ids=lambda dialect: dialect.name)
def test_a_field_that_is_null_is_neither_kept_nor_called_dropped(dialect: Dialect) -> None:
    asked = read(dialect, **dict.fromkeys(UNKNOWN))
    assert asked == read(dialect)
    assert not [name for target in CONVERSING for name in target.losses(asked) if name in UNKNOWN]


@pytest.mark.parametrize("name", STOPS)
def test_an_empty_stop_asks_for_nothing(name: str) -> None:
    dialect = BY_NAME[name]
    assert read(dialect, **STOPS[name](["", "END", ""])).sampling.stop == ("END",)
    assert read(dialect, **STOPS[name]([])).sampling.stop == ()


@pytest.mark.parametrize("name", ["openai_chat", "openai_completions"])
def test_an_empty_stop_by_itself_asks_for_nothing(name: str) -> None:
    assert read(BY_NAME[name], stop="").sampling.stop == ()
    assert read(BY_NAME[name], stop="END").sampling.stop == ("END",)
