"""What may pass through as it came, and on which terms targets are asked."""

import json
from typing import Any

import msgspec
import pytest

from earthward.chat import Failure
from earthward.config.snapshot import Provider, Target
from earthward.dialects.fates import SPEAKERS, Speaker
from earthward.gateway.crossing import Written, crossing
from earthward.gateway.doors import EXITS
from earthward.gateway.terms import AS_ASKED, may_pass, terms_of
from earthward.providers import KINDS
from gateway.test_crossing import question

CHAT, MESSAGES, RESPONSES = b"/v1/chat/completions", b"/v1/messages", b"/v1/responses"
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
EMBEDDED = Provider("p", "embedded", "openai_chat", "local", ())
VLLM = Provider("p", "openai_compatible", "openai_chat", "local", (), settings=(("profile", "vllm"),))
STUDIO = Provider("p", "openai_compatible", "openai_chat", "local", (), settings=(("profile", "lm_studio"),))
OPENAI = Provider("p", "openai", "openai_chat", "cloud", ())
HOSTED = Provider("p", "openai_compatible", "openai_chat", "cloud", ())


def crossed(path: bytes, provider: Provider, says: Any = None, hosts: tuple[str, ...] = (), **fields: Any) -> Any:
    """The request as it goes out, or the failure."""
    target = Target("t", "p", "up", provider.zone, tools=says)
    terms = terms_of(target, provider, hosts)
    way = EXITS[provider.dialect].way(target, provider)
    written = crossing(question(path, **fields), way, provider.dialect, "up", terms).request()
    return json.loads(written.body) if isinstance(written, Written) else written


def picture(url: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]


@pytest.mark.parametrize(
    ("provider", "says", "in_words"),
    [(EMBEDDED, None, True), (EMBEDDED, "native", False), (VLLM, None, False), (VLLM, "words", True)],
)
def test_tools_are_told_as_the_kind_does_unless_the_target_says_otherwise(
    provider: Provider, says: Any, in_words: bool
) -> None:
    target = Target("t", "p", "up", "local", tools=says)
    assert ("tools" in terms_of(target, provider).lacks) is in_words


@pytest.mark.parametrize(
    ("model", "lacks"),
    [
        ("gemini-3-pro", {"parallel", "free_text"}),
        ("claude-haiku-4-5", {"several", "free_text"}),
        ("gemini-claude-x", {"parallel", "free_text"}),
    ],
)
def test_what_is_lacking_at_vertex_ai_depends_on_whose_model_it_is(model: str, lacks: set[str]) -> None:
    vertex = Provider("p", "vertex", "gemini", "cloud", (), settings=(("project", "acme"),))
    assert terms_of(Target("t", "p", model, "cloud"), vertex).lacks == lacks


@pytest.mark.parametrize(
    ("provider", "fields", "passes"),
    [
        (EMBEDDED, {}, True),
        (EMBEDDED, {"tools": TOOLS}, False),
        (EMBEDDED, {"tools": TOOLS, "tool_choice": "none"}, True),
        (EMBEDDED, {"tools": TOOLS, "messages": 5}, True),
        (VLLM, {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False}, True),
        (STUDIO, {"tools": TOOLS, "parallel_tool_calls": True}, True),
        (STUDIO, {"tools": TOOLS, "tool_choice": "required"}, False),
        (STUDIO, {"tools": TOOLS, "parallel_tool_calls": False}, False),
    ],
)
def test_a_request_of_the_targets_own_dialect_passes_unless_something_must_be_made_up_for(
    provider: Provider, fields: dict[str, Any], passes: bool
) -> None:
    sent = crossed(CHAT, provider, unknown_field=[1], **fields)
    assert all(sent.get(name) == value for name, value in fields.items()) is passes
    assert sent["unknown_field"] == [1]


@pytest.mark.parametrize("provider", [EMBEDDED, VLLM, STUDIO])
def test_text_in_a_file_is_told_as_text_to_servers_that_read_no_files(provider: Provider) -> None:
    file = {"file_data": "data:text/plain;base64,aGVsbG8=", "filename": "a.txt"}
    asked = [{"role": "user", "content": [{"type": "file", "file": file}]}]
    assert crossed(CHAT, provider, messages=asked)["messages"] == [{"role": "user", "content": [TOLD]}]
    assert crossed(CHAT, OPENAI, messages=asked)["messages"] == asked
    said = [{"role": "user", "content": 'about "file_data"'}]
    assert crossed(CHAT, provider, messages=said)["messages"] == said


TOLD = {"type": "text", "text": "a.txt\n\nhello"}


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest/", "https://example.com/a.png", "file:///etc/passwd", "https://a@example.com/"],
)
def test_no_server_in_the_house_is_given_an_address_to_fetch(url: str) -> None:
    for provider in (VLLM, STUDIO, EMBEDDED, Provider("p", "ollama", "ollama", "local", ())):
        assert isinstance(crossed(CHAT, provider, messages=picture(url)), Failure)
    asked = [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": url}}]}]
    assert isinstance(crossed(MESSAGES, VLLM, messages=asked), Failure)


def test_what_can_not_be_read_is_not_passed_into_the_house_with_a_picture_in_it() -> None:
    mixed = [*picture("https://example.com/a.png"), {"role": "user", "content": 5}]
    assert isinstance(crossed(CHAT, VLLM, messages=mixed), Failure)


@pytest.mark.parametrize(
    "part",
    [
        '{"type": "image_url", "image_url": {"url": "http://10.0.0.1/"}, "text": 5}',
        '{"image_url": "http://10.0.0.1/"}',
        '{"type": "video_url", "video_url": {"url": "http://10.0.0.1/"}}',
        '{"type": "image_url", "image_url": {"url": "http:\\/\\/10.0.0.1/"}}',
        '{"type": "image_url", "image_url": {"url": "http\\u003a\\u002f\\u002f10.0.0.1/"}}',
        '{"type": "image_url", "image_url": {"url": "http:\\u002F/10.0.0.1/"}}',
        '{"type": "image_url", "image_url": {"url": "/etc/secret.png"}}',
        '{"type": "image_url", "image_url": {"\\u0075rl" : "/etc/secret.png"}}',
        '{"type": "image_url", "image_url": {"url": "http://10.0.0.1/", "url": "data:image/png;base64,iVBORw0KGgo="}}',
    ],
)
def test_an_address_is_found_in_whatever_disguise_a_server_may_read_it(part: str) -> None:
    messages = json.loads('[{"role": "user", "content": [PART]}]'.replace("PART", part))
    asked = question(CHAT, messages=messages)
    asked.envelope.fields["messages"] = msgspec.Raw(f'[{{"role": "user", "content": [{part}]}}]'.encode())
    assert not may_pass(asked, terms_of(Target("t", "p", "up", "local"), VLLM))


def test_a_server_in_the_house_that_speaks_responses_is_given_none_either() -> None:
    vllm = Provider("p", "openai_compatible", "openai_responses", "local", ())
    for part in (
        {"type": "input_image", "image_url": "http://169.254.169.254/"},
        {"type": "input_file", "file_url": "http://10.0.0.1/a.pdf"},
        {"type": "input_image", "image_url": "/etc/secret.png"},
    ):
        assert isinstance(crossed(RESPONSES, vllm, input=[{"role": "user", "content": [part]}]), Failure)
    for said in ("See http://10.0.0.1/.", [{"role": "user", "content": "See http://10.0.0.1/."}]):
        assert crossed(RESPONSES, vllm, input=said)["input"] == said


def test_an_address_in_a_text_is_only_text() -> None:
    messages = [{"role": "user", "content": "What is at http://169.254.169.254/?"}]
    assert crossed(CHAT, VLLM, messages=messages)["messages"] == messages


def test_services_outside_fetch_for_themselves() -> None:
    messages = picture("https://example.com/a.png")
    for provider in (OPENAI, HOSTED):
        assert crossed(CHAT, provider, messages=messages)["messages"] == messages


def test_pictures_that_come_as_data_pass() -> None:
    messages = picture("data:image/png;base64,iVBORw0KGgo=")
    assert crossed(CHAT, VLLM, messages=messages)["messages"] == messages


def test_an_address_that_is_allowed_but_was_not_fetched_goes_nowhere_either() -> None:
    asked = picture("https://img.example.com/a.png")
    found = crossed(CHAT, VLLM, hosts=(".example.com",), messages=asked)
    assert isinstance(found, Failure)
    assert "has not been fetched" in found.message


def test_a_wish_for_thinking_is_said_in_the_engines_words_in_translation() -> None:
    sent = crossed(MESSAGES, VLLM, thinking={"type": "enabled", "budget_tokens": 2048}, max_tokens=4096)
    assert sent["thinking_token_budget"] == 2048
    assert sent["chat_template_kwargs"] == {"enable_thinking": True}


def test_terms_say_nothing_where_nothing_is_lacking() -> None:
    assert terms_of(Target("t", "p", "up", "cloud"), OPENAI) is AS_ASKED


@pytest.mark.parametrize("speaker", [it for it in SPEAKERS if it.lacks], ids=lambda it: it.name)
def test_the_page_on_translation_knows_what_is_made_up_for(speaker: Speaker) -> None:
    name = speaker.name.removesuffix("_messages")
    if name == "openai_responses":
        assert speaker.lacks == KINDS["openai"].lacks_of("gpt-4o-mini", stated="responses")
    else:
        assert speaker.lacks == KINDS[name].lacks


@pytest.mark.parametrize("kind", ["openai", "azure", "openai_compatible"])
def test_several_answers_of_openai_s_responses_are_asked_for_one_by_one(kind: str) -> None:
    assert "several" in KINDS[kind].lacks_of("gpt-4o-mini", stated="responses")
    assert KINDS[kind].lacks <= KINDS[kind].lacks_of("gpt-4o-mini", stated="responses")
    assert "several" not in KINDS[kind].lacks
