"""Paths that say what other doors' bodies say: Azure's deployments, and Claude on Vertex AI."""

import json
from typing import Any

import pytest

from earthward.dialects.envelope import Envelope, read
from earthward.gateway.doors import door_at
from earthward.gateway.doors.door import Door, entered

CLAUDE = b"/v1/projects/p/locations/l/publishers/anthropic/models/"


def door(path: bytes, query: bytes = b"") -> Door:
    found = door_at(path, query)
    assert found is not None, path
    return found


def body_at(path: bytes, **body: Any) -> dict[str, Any]:
    envelope = read(json.dumps(body).encode())
    assert isinstance(envelope, Envelope)
    return dict(json.loads(entered(door(path), envelope).encode()))


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        (b"/openai/deployments/mini/chat/completions", "openai_chat"),
        (b"/openai/v1/chat/completions", "openai_chat"),
        (b"/openai/deployments/mini/completions", "openai_completions"),
        (b"/openai/deployments/mini/embeddings", "openai_embeddings"),
        (b"/openai/v1/embeddings", "openai_embeddings"),
        (b"/openai/responses", "openai_responses"),
        (b"/openai/v1/responses", "openai_responses"),
        (CLAUDE + b"claude-sonnet-4-5@20250929:rawPredict", "anthropic_messages"),
        (CLAUDE[3:] + b"claude-sonnet-4-5:streamRawPredict", "anthropic_messages"),
        (b"/v1/projects/p/locations/l/publishers/google/models/m:generateContent", "gemini"),
        (b"/v1/publishers/google/models/m:generateContent", "gemini"),
    ],
)
def test_a_vendor_s_path_is_a_door_of_its_dialect(path: bytes, dialect: str) -> None:
    assert door(path, b"api-version=2024-10-21").dialect == dialect


@pytest.mark.parametrize(
    "path",
    [
        b"/openai/deployments/mini/audio/speech",
        b"/openai/deployments//chat/completions",
        b"/openai/deployments/a/b/chat/completions",
        CLAUDE + b"claude:predict",
        CLAUDE + b"a/b:rawPredict",
        b"/v1/projects/p/publishers/anthropic/models/m:rawPredict",
        CLAUDE + b"claude:rawPredict/",
    ],
)
def test_a_path_that_is_nearly_one_is_none(path: bytes) -> None:
    assert door_at(path, b"") is None


def test_the_deployment_in_the_path_is_the_model_whatever_the_body_says() -> None:
    path = b"/openai/deployments/my%20mini/chat/completions"
    assert body_at(path, messages=[])["model"] == "my mini"
    assert body_at(b"/openai/deployments/small/embeddings", input="x", model="y")["model"] == "small"
    assert body_at(path, messages=[], model="gpt-4o")["model"] == "my mini"
    assert body_at(b"/openai/v1/chat/completions", messages=[], model="gpt-4o")["model"] == "gpt-4o"


def test_claude_on_vertex_ai_is_read_as_anthropic_s_own() -> None:
    asked = {"anthropic_version": "vertex-2023-10-16", "messages": [], "max_tokens": 5}
    own = {"model": "claude-x@1", "messages": [], "max_tokens": 5}
    assert body_at(CLAUDE + b"claude-x@1:rawPredict", **asked) == own
    assert body_at(CLAUDE + b"claude-x@1:streamRawPredict", **asked) == {**own, "stream": True}
    assert body_at(CLAUDE + b"claude-x@1:streamRawPredict", **asked, stream=False) == {**own, "stream": False}


@pytest.mark.parametrize(
    ("path", "whose"),
    [
        (b"/openai/deployments/mini/chat/completions", "azure"),
        (b"/openai/deployments/mini/embeddings", "azure"),
        (b"/openai/v1/responses/input_tokens", "azure"),
        (CLAUDE + b"claude:rawPredict", "vertex"),
        (b"/v1/projects/p/locations/l/publishers/google/models/m:generateContent", "vertex"),
        (b"/v1/publishers/google/models/m:generateContent", "vertex"),
        (b"/v1/projects/p/locations/l/publishers/google/models/m:predict", "vertex"),
        (b"/v1/projects/p/locations/l/publishers/google/models/m:countTokens", "vertex"),
        (CLAUDE + b"count-tokens:rawPredict", "vertex"),
        (b"/v1beta/models/m:embedContent", "gemini"),
        (b"/v1beta/models/m:generateContent", "gemini"),
        (b"/v1/chat/completions", "openai_chat"),
    ],
)
def test_a_caller_s_own_key_is_for_the_vendor_of_the_path_and_not_for_its_dialect(path: bytes, whose: str) -> None:
    assert door(path).key_dialect == whose


def test_counts_for_claude_on_vertex_ai_have_a_path_of_their_own() -> None:
    found = door(CLAUDE + b"count-tokens:rawPredict")
    assert found.operation == "count"
    asked = {"anthropic_version": "vertex-2023-10-16", "model": "claude-x", "messages": []}
    assert body_at(CLAUDE + b"count-tokens:rawPredict", **asked) == {"model": "claude-x", "messages": []}


@pytest.mark.parametrize("verb", [b"generateContent", b"streamGenerateContent", b"countTokens", b"embedContent"])
def test_a_model_may_have_slashes_in_its_name_for_a_caller_of_google_s_too(verb: bytes) -> None:
    found = door(b"/v1beta/models/meta-llama/Llama-3.1-8B:" + verb)
    envelope = read(b'{"contents": [], "content": {"parts": [{"text": "a"}]}}')
    assert isinstance(envelope, Envelope)
    assert getattr(found.glance(envelope), "model", None) == "meta-llama/Llama-3.1-8B"
