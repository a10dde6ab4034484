"""Every field that a vendor's SDK can write, at every target: it is said there, named as dropped, or refused."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from earthward.chat import ChatRequest, Failure
from earthward.dialects.content.fitting import Fitted, fitted
from earthward.dialects.fates import SPEAKERS, Speaker
from earthward.dialects.own_names import own_names
from sdk_fields import ROOTS, Pair, pairs

SAID: dict[str, Any] = {"role": "user", "content": "Hi"}
BASES: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": "m", "messages": [SAID], "max_completion_tokens": 9000},
    "openai_responses": {"model": "m", "input": "Hi", "max_output_tokens": 9000},
    "openai_completions": {"model": "m", "prompt": "Hi"},
    "anthropic_messages": {"model": "m", "messages": [SAID], "max_tokens": 9000},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
    "ollama": {"model": "m", "messages": [SAID]},
}
"""The least that is asked, with room for what needs room."""
ASKING = {speaker.name: speaker for speaker in SPEAKERS}
MEANS_NOTHING = {
    "model": "is the target's own, and stands in the path at Google",
    "stream": "not to stream is what no word means",
    "stream_options": "there is no stream",
    "systemInstruction.role": "it is the system's, whatever stands there",
    "messages.tool_calls.type": "there is one kind",
    "tools.type": "a tool is a function, or what its other fields say",
    "input.type": "an item with a role is a message",
    "input.id": "an answer's own, sent back",
    "input.status": "an answer's own, sent back",
    "contents.parts.thought": "there is no thought in it",
    "max_tokens": "the older name of what is said by the newer",
    "text.format.strict": "an answer is held to its form wherever that can be asked for",
    "response_format.json_schema.strict": "an answer is held to its form wherever that can be asked for",
    "thinking.display": "thoughts are shown unless it is said otherwise",
}
"""Fields that say nothing in what is asked here, or nothing that is the caller's, and why."""
Names = tuple[str, Speaker]
EMPTY: tuple[Any, ...] = ("", {}, [], [{}], {"type": "text"})
"""Values that say what no value means."""
STANDS_FOR = {
    "contents.parts.thoughtSignature": "contents.parts.thought",
    "input.encrypted_content": "input.reasoning",
    "system.citations": "messages.content.citations",
    "input.content.annotations.file_id": "input.content.annotations",
}
"""Fields that are named by what they belong to."""


def is_named(path: tuple[str, ...], lost: list[str]) -> bool:
    """Whether the field is named in the caller's own words, or what it stands in, or a part of it."""
    whole = ".".join(path)
    return any(STANDS_FOR.get(whole) == name or _is_part(name.split("."), path) for name in lost)


def _is_part(name: list[str], path: tuple[str, ...]) -> bool:
    """Names of what stands deep leave out what it stands in."""
    first, *inner = name
    return first == path[0] and (not inner or len(path) == 1 or inner[-1] in path[1:] or path[-1] in inner)


def sent(request: ChatRequest, target: Speaker) -> tuple[bytes, Fitted] | None:
    """None where it is refused."""
    fit = fitted(request, target.lacks)
    if isinstance(fit, Failure):
        return None
    written = target.write(fit.sent)
    return None if isinstance(written, Failure) else (written, fit)


def is_lost(given: Any, path: tuple[str, ...], asked: ChatRequest, plain: ChatRequest, names: Names) -> bool:
    """Whether the field changes nothing that is sent, and is not named."""
    dialect, target = names
    found, without = sent(asked, target), sent(plain, target)
    if found is None or without is None or found[0] != without[0] or found[1].made_up != without[1].made_up:
        return False
    lost = own_names(dialect, target.losses(asked), given.get)
    return not is_named(path, lost)


@cache
def asked_for(dialect: str) -> tuple[tuple[Any, tuple[str, ...], ChatRequest, ChatRequest], ...]:
    """Each request with a field, the field's path, and what is read with it and without; none that is refused."""
    found = []
    for pair in saying(dialect):
        asked, plain = (ASKING[dialect].read(json.dumps(it).encode()) for it in (pair.given, pair.without))
        if isinstance(asked, ChatRequest) and isinstance(plain, ChatRequest):
            found.append((pair.given, pair.path, asked, plain))
    return tuple(found)


def saying(dialect: str) -> Iterator[Pair]:
    for pair in pairs(dialect, BASES[dialect]):
        excused = {".".join(pair.path[: end + 1]) for end in range(len(pair.path))} & MEANS_NOTHING.keys()
        if not excused and pair.given != pair.without and not is_empty(value_at(pair.given, pair.path)):
            yield pair


def value_at(given: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        given = (given[0] if isinstance(given, list) else given)[name]
    return given


def is_empty(value: Any) -> bool:
    """Also the text that stands there anyway, as a part."""
    first = value[0] if isinstance(value, list) and value else None
    is_same = isinstance(first, dict) and "x" in (first.get("text"), first.get("refusal"))
    return value in EMPTY or is_same


@pytest.mark.parametrize("dialect", ROOTS)
@pytest.mark.parametrize("target", SPEAKERS, ids=ASKING)
def test_no_field_of_an_sdk_is_lost_unnamed(dialect: str, target: Speaker) -> None:
    lost = {".".join(case[1]) for case in asked_for(dialect) if is_lost(*case, (dialect, target))}
    assert not lost


@pytest.mark.parametrize("dialect", ROOTS)
def test_fields_are_looked_for_deep_inside(dialect: str) -> None:
    paths = {".".join(pair.path) for pair in saying(dialect)}
    deep = {
        "openai_chat": {
            "messages.content.image_url.detail",
            "tools.function.strict",
            "web_search_options.user_location",
        },
        "openai_responses": {"input.content.detail", "text.verbosity", "tools.description", "reasoning.effort"},
        "openai_completions": {"best_of", "suffix"},
        "anthropic_messages": {
            "messages.content.citations.enabled",
            "tools.cache_control.ttl",
            "output_config.effort",
        },
        "gemini": {"contents.parts.videoMetadata.fps", "generationConfig.thinkingConfig.thinkingBudget"},
        "ollama": {"options.num_ctx", "messages.images", "tools.function.description"},
    }
    assert deep[dialect] <= paths
