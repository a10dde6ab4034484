"""What a target says of its own fields reaches the caller by the names that the caller knows."""

import msgspec
import pytest

from earthward.chat import Failure, FailureKind
from earthward.dialects.fates import SPEAKERS
from earthward.dialects.upstream_fields import in_the_callers_terms

NAMES = [speaker.name for speaker in SPEAKERS]


def refusal(message: str, param: str | None = None, kind: FailureKind = FailureKind.BAD_REQUEST) -> Failure:
    return Failure(kind, message, 400, param=param, quoted=True)


@pytest.mark.parametrize(
    ("caller", "target", "told", "theirs", "own"),
    [
        (
            "openai_chat",
            "gemini",
            refusal("Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), 1e30"),
            "generation_config.max_output_tokens",
            "max_completion_tokens",
        ),
        (
            "anthropic_messages",
            "gemini",
            refusal("* GenerateContentRequest.generation_config.top_k: must be at most 40"),
            "generation_config.top_k",
            "top_k",
        ),
        (
            "openai_chat",
            "gemini",
            refusal("* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name."),
            "tools[0].function_declarations[0].name",
            "tools",
        ),
        (
            "gemini",
            "anthropic_messages",
            refusal("max_tokens: 900000 > 64000"),
            "max_tokens",
            "generationConfig.maxOutputTokens",
        ),
        (
            "anthropic_messages",
            "openai_chat",
            refusal("Unsupported value: 'temperature' does not support 0.2 with this model.", "temperature"),
            "temperature",
            "temperature",
        ),
        ("ollama", "openai_chat", refusal("too many", "stop"), "stop", "options.stop"),
        (
            "openai_responses",
            "openai_chat",
            refusal("Invalid type for 'max_completion_tokens': expected an integer"),
            "max_completion_tokens",
            "max_output_tokens",
        ),
        (
            "openai_chat",
            "ollama",
            refusal("json: cannot unmarshal string into Go struct field ChatRequest.top_logprobs of type int"),
            "top_logprobs",
            "top_logprobs",
        ),
        ("gemini", "openai_chat", refusal("Invalid image", "messages[3].content[1].image_url"), "", "contents"),
        ("openai_chat", "anthropic_messages", refusal("messages.0.content.1: bad image"), "", "messages"),
    ],
)
def test_the_callers_field_is_named(caller: str, target: str, told: Failure, theirs: str, own: str) -> None:
    found = in_the_callers_terms(caller, target, told)
    assert found.param == own
    assert told.message in found.message
    assert "the target, which speaks" in found.message
    assert not theirs or theirs == own or f"(its `{theirs}` is your `{own}`)" in found.message
    assert (found.kind, found.status, found.quoted) == (told.kind, 400, True)


@pytest.mark.parametrize("message", ["Something is wrong.", "* GenerateContentRequest.later_field: no", "no: 'x'"])
def test_where_no_field_is_known_none_is_named_but_whose_words_they_are(message: str) -> None:
    found = in_the_callers_terms("openai_chat", "gemini", refusal(message))
    assert found.param is None
    assert found.message == f"the target, which speaks Gemini, refused the request: {message}"


@pytest.mark.parametrize(
    "failure",
    [
        refusal("max_tokens: too many", kind=FailureKind.CONTEXT_LENGTH),
        refusal("busy", kind=FailureKind.OVERLOADED),
        msgspec.structs.replace(refusal("ours"), quoted=False),
    ],
)
def test_what_is_not_about_the_request_or_not_the_targets_stays(failure: Failure) -> None:
    assert in_the_callers_terms("openai_chat", "gemini", failure) is failure


@pytest.mark.parametrize("caller", ["openai_chat", "openai_embeddings"])
def test_between_two_who_speak_the_same_nothing_is_said_in_between(caller: str) -> None:
    failure = refusal("too hot", "temperature")
    assert in_the_callers_terms(caller, "openai_chat", failure) is failure


@pytest.mark.parametrize("caller", NAMES)
@pytest.mark.parametrize("target", NAMES)
def test_every_pair_knows_the_cap_of_the_answer(caller: str, target: str) -> None:
    caps = {
        "openai_chat": "max_completion_tokens",
        "openai_responses": "max_output_tokens",
        "openai_completions": "max_tokens",
        "anthropic_messages": "max_tokens",
        "gemini": "generationConfig.maxOutputTokens",
        "ollama": "options.num_predict",
    }
    failure = refusal("no", caps[target])
    assert in_the_callers_terms(caller, target, failure).param == caps[caller]
