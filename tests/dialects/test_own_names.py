"""What is dropped is named as its caller knows it: over all that can be said, from every dialect to every other."""

import json
from typing import Any

import pytest

from earthward.chat import ChatRequest
from earthward.dialects.content.fitting import Fitted, fitted
from earthward.dialects.fates import SPEAKERS, Speaker, can_say
from earthward.dialects.own_names import OWN_NAMES, own_name, own_names
from earthward.dialects.words import WORDS

CONVERSATIONS = ("messages", "input", "contents", "prompt")
TELLING = frozenset({"system", "order", "first", "name", "tool_calls", "reasoning"})
"""What is said of a conversation as a whole, or of a kind of part, and stands in no field of that name."""


def lost(target: Speaker, request: ChatRequest) -> tuple[str, ...]:
    fit = fitted(request, target.lacks)
    return (*fit.dropped, *target.losses(fit.sent)) if isinstance(fit, Fitted) else ()


def leaves(value: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    if isinstance(value, list):
        return {found for item in value for found in leaves(item, path)} | {path}
    if isinstance(value, dict):
        return {found for name, item in value.items() for found in leaves(item, (*path, name))} | {path}
    return {path}


def is_in(name: str, paths: set[tuple[str, ...]]) -> bool:
    first, *inner = name.split(".")
    if inner and first in CONVERSATIONS and inner[-1] in TELLING:
        return any(path[:1] == (first,) for path in paths)
    return any(path[:1] == (first,) and (not inner or inner[-1] in path) for path in paths)


@pytest.mark.parametrize("caller", SPEAKERS, ids=lambda it: it.name)
def test_every_name_is_that_of_a_field_of_the_request(caller: Speaker) -> None:
    wrong = set()
    for word in WORDS:
        body = caller.write(word.request)
        if not isinstance(body, bytes) or not can_say(caller, word):
            continue
        wire = json.loads(body)
        request = caller.read(body)
        assert isinstance(request, ChatRequest)
        for target in SPEAKERS:
            if target.name == caller.name:
                continue
            for name in own_names(caller.name, lost(target, request), wire.get):
                if not is_in(name, leaves(wire)):
                    wrong.add((word.name, target.name, name))
    assert not wrong


@pytest.mark.parametrize(
    ("dialect", "name", "body", "own"),
    [
        ("openai_chat", "output", {"response_format": {}}, "response_format"),
        ("openai_chat", "tools.strict", {"functions": [{"strict": True}]}, "functions.strict"),
        ("openai_responses", "output", {"text": {"format": {}}}, "text.format"),
        ("openai_responses", "messages.detail", {"input": []}, "input.content.detail"),
        ("openai_responses", "messages.system", {"input": []}, "input.system"),
        ("anthropic_messages", "stop", {"stop_sequences": ["a"]}, "stop_sequences"),
        ("anthropic_messages", "reasoning", {"output_config": {"effort": "low"}}, "output_config.effort"),
        ("anthropic_messages", "reasoning", {"thinking": {}, "output_config": {"effort": "low"}}, "thinking"),
        ("gemini", "output", {"generation_config": {"response_schema": {}}}, "generationConfig.responseSchema"),
        ("gemini", "output", {"generationConfig": {"responseFormat": []}}, "generationConfig.responseFormat"),
        ("gemini", "metadata", {"labels": {}}, "labels"),
        ("gemini", "messages.order", {"contents": []}, "contents.order"),
        ("ollama", "reasoning", {"think": True}, "think"),
        ("ollama", "top_k", {"options": {"top_k": 1}}, "options.top_k"),
        ("openai_completions", "top_logprobs", {"logprobs": 3}, "logprobs"),
        ("gemini_embeddings", "task", {"taskType": "CLUSTERING"}, "taskType"),
        ("openai_embeddings", "user", {"user": "u"}, "user"),
    ],
)
def test_a_name_is_the_caller_s_own(dialect: str, name: str, body: dict[str, Any], own: str) -> None:
    assert own_name(dialect, name, body.get) == own


def test_what_stands_at_the_top_by_that_name_is_meant() -> None:
    assert own_name("openai_chat", "output", {"output": 1}.get) == "output"
    assert own_name("nobody", "output", {}.get) == "output"


def test_every_dialect_of_callers_is_known() -> None:
    assert {speaker.name for speaker in SPEAKERS} <= OWN_NAMES.keys()
