"""What the page on crossing dialects says of fields is so."""

import json
from pathlib import Path

import pytest

from earthward.config.compile import compile
from earthward.config.load import read as read_configuration
from earthward.dialects.envelope import read
from earthward.gateway.crossing import Written, crossing
from earthward.gateway.doors import DOORS, EXITS
from earthward.gateway.doors.door import Question
from earthward.gateway.terms import terms_of

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "crossings.md"
CONFIG = b"""\
providers:
  openai: {kind: openai, api_key: env:NOT_SET}
  anthropic: {kind: anthropic, api_key: env:NOT_SET}
  ollama: {kind: ollama}
targets:
  openai: {provider: openai, model: m}
  anthropic: {provider: anthropic, model: m}
  ollama: {provider: ollama, model: m, context: 8192}
routes: [{name: all, use: ollama}]
"""
OPENAI, ANTHROPIC, OLLAMA = b"/v1/chat/completions", b"/v1/messages", b"/api/chat"
TOOLS = {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]}
THOUGHT = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
    {"role": "user", "content": "and?"},
]
SAID = ()


def dropped(target: str, path: bytes, fields: dict) -> tuple[str, ...] | None:
    """None if it is refused."""
    snapshot = compile(read_configuration(CONFIG, Path("earthward.yaml")))
    provider = next(it for it in snapshot.providers if it.name == target)
    there = next(it for it in snapshot.targets if it.name == target)
    door = DOORS[path]
    most = {} if path == OLLAMA else {"max_tokens": 9}
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **most, **fields}
    envelope = read(json.dumps(body).encode())
    question = Question(door, envelope, door.glance(envelope), "x", 0)
    way = EXITS[provider.dialect].way(there, provider)
    written = crossing(question, way, provider.dialect, "m", terms_of(there, provider)).request()
    return tuple(written.dropped) if isinstance(written, Written) else None


def user(part: dict) -> dict:
    return {"messages": [{"role": "user", "content": [part]}]}


@pytest.mark.parametrize(
    ("path", "fields", "found"),
    [
        (OPENAI, {"logit_bias": {"1": 1}}, {"anthropic": ("logit_bias",), "ollama": ("logit_bias",)}),
        (OPENAI, {"metadata": {"a": "b"}}, {"anthropic": ("metadata",), "ollama": ("metadata",)}),
        (OPENAI, {"store": True}, {"anthropic": ("store",), "ollama": ("store",)}),
        (OPENAI, {"seed": 1}, {"anthropic": ("seed",), "ollama": SAID}),
        (OPENAI, {"frequency_penalty": 1}, {"anthropic": ("frequency_penalty",), "ollama": SAID}),
        (OPENAI, {"logprobs": True}, {"anthropic": ("logprobs",), "ollama": SAID}),
        (OPENAI, {"user": "u"}, {"anthropic": SAID, "ollama": ("user",)}),
        (OPENAI, {"service_tier": "auto"}, {"anthropic": SAID, "ollama": ("service_tier",)}),
        (OPENAI, {**TOOLS, "tool_choice": "required"}, {"anthropic": SAID, "ollama": SAID}),
        (OPENAI, {**TOOLS, "parallel_tool_calls": False}, {"anthropic": SAID, "ollama": SAID}),
        (OPENAI, {"n": 2}, {"anthropic": SAID, "ollama": SAID}),
        (
            OPENAI,
            user({"type": "image_url", "image_url": {"url": "https://x.example/y.png"}}),
            {"anthropic": SAID, "ollama": None},
        ),
        (
            OPENAI,
            user({"type": "input_audio", "input_audio": {"data": "aa", "format": "wav"}}),
            {"anthropic": None, "ollama": None},
        ),
        (ANTHROPIC, {"top_k": 3}, {"ollama": SAID, "openai": ("top_k",)}),
        (
            ANTHROPIC,
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            {"ollama": ("thinking",), "openai": ("thinking",)},
        ),
        (
            ANTHROPIC,
            {"messages": THOUGHT},
            {"ollama": ("messages.content.thinking",), "openai": ("messages.content.thinking",)},
        ),
        (
            ANTHROPIC,
            user({"type": "document", "source": {"type": "url", "url": "https://x.example/y.pdf"}}),
            {"ollama": None, "openai": None},
        ),
        (
            ANTHROPIC,
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            {"ollama": None, "openai": None},
        ),
        (ANTHROPIC, {"container": "c"}, {"ollama": None, "openai": None}),
        (OLLAMA, {"keep_alive": "5m"}, {"anthropic": ("keep_alive",), "openai": ("keep_alive",)}),
        (OLLAMA, {"options": {"num_ctx": 1}}, {"anthropic": ("options",), "openai": ("options",)}),
    ],
)
def test_a_field_is_said_dropped_or_refused_as_the_page_says(path, fields, found):
    assert {target: dropped(target, path, fields) for target in found} == found


def test_the_page_names_the_fields_that_are_tried_here():
    page = PAGE.read_text()
    for name in ("logit_bias", "frequency_penalty", "service_tier", "top_k", "messages.content.thinking", "keep_alive"):
        assert f"`{name}`" in page
