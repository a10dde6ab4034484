"""The names of what is lost, in the caller's own words: what a field is called in the request that was sent.

Writers know a request in the common vocabulary, and name what they can't say by its words there. A caller looks for
`response_format`, `text.format` or `generationConfig.responseSchema` in its place.
"""

from collections.abc import Callable, Iterable
from typing import Any

from earthward.dialects.callers_fields import CONVERSATION

Names = dict[str, tuple[str, ...]]

SAMPLING = (
    *("temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repeat_penalty", "seed"),
    "stop",
)
_OF_GENERATION = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "seed": "seed",
    "stop": "stopSequences",
    "max_tokens": "maxOutputTokens",
    "n": "candidateCount",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
    "reasoning": "thinkingConfig",
}
_FORMS = ("responseSchema", "responseJsonSchema", "responseFormat", "responseMimeType")

OWN_NAMES: dict[str, Names] = {
    "openai_chat": {
        "output": ("response_format",),
        "output.description": ("response_format.json_schema.description",),
        "reasoning": ("reasoning_effort",),
        "repeat_penalty": ("repetition_penalty", "repeat_penalty"),
        "max_tokens": ("max_completion_tokens", "max_tokens"),
        "tools.strict": ("tools.function.strict", "functions.strict"),
        "tools.parameters": ("tools.function.parameters", "functions.parameters"),
        "tool_choice": ("tool_choice", "function_call"),
        "messages.detail": ("messages.content.image_url.detail",),
        "messages.citations": ("messages.annotations",),
        "messages.reasoning": ("messages.reasoning_content", "messages.reasoning"),
    },
    "openai_responses": {
        "output": ("text.format",),
        "output.description": ("text.format.description",),
        "max_tokens": ("max_output_tokens",),
        "logprobs": ("include",),
        "verbosity": ("text.verbosity",),
        "messages.detail": ("input.content.detail",),
        "messages.citations": ("input.content.annotations",),
    },
    "anthropic_messages": {
        "output": ("output_config.format", "output_format"),
        "reasoning": ("thinking", "output_config.effort"),
        "stop": ("stop_sequences",),
        "user": ("metadata.user_id",),
        "tools.parameters": ("tools.input_schema",),
        "parallel_tool_calls": ("tool_choice.disable_parallel_tool_use",),
        "messages.reasoning": ("messages.content.thinking",),
        "messages.citations": ("messages.content.citations",),
        "messages.is_error": ("messages.content.is_error",),
        "messages.tool_calls": ("messages.content.tool_use",),
    },
    "gemini": {
        **{name: (f"generationConfig.{own}",) for name, own in _OF_GENERATION.items()},
        "output": tuple(f"generationConfig.{name}" for name in _FORMS),
        "metadata": ("labels",),
        "tool_choice": ("toolConfig.functionCallingConfig",),
        "tools.parameters": ("tools.functionDeclarations.parameters",),
        "messages.reasoning": ("contents.parts.thought",),
        "messages.is_error": ("contents.parts.functionResponse",),
        "messages.tool_calls": ("contents.parts.functionCall",),
    },
    "ollama": {
        **{name: (f"options.{name}",) for name in SAMPLING},
        "max_tokens": ("options.num_predict",),
        "output": ("format",),
        "reasoning": ("think",),
        "tools.parameters": ("tools.function.parameters",),
        "messages.reasoning": ("messages.thinking",),
    },
    "openai_completions": {"top_logprobs": ("logprobs",)},
    "gemini_embeddings": {
        "dimensions": ("outputDimensionality",),
        "task": ("taskType",),
        "truncate": ("autoTruncate",),
    },
}
"""By dialect, and the word of the vocabulary's: the fields in which it may have been said. The first that the request
has is named; the first of all, if it has none. What is not here has the same name there."""


def own_names(dialect: str, names: Iterable[str], said: Callable[[str], Any]) -> list[str]:
    """`said` gives the value of a field at the top of the request. What stands there by its name has that name."""
    return [own_name(dialect, name, said) for name in names]


def own_name(dialect: str, name: str, said: Callable[[str], Any]) -> str:
    if said(name) is not None:
        return name
    own = OWN_NAMES.get(dialect, {}).get(name)
    if own is not None:
        return own[0] if len(own) == 1 else next((field for field in own if _is_said(field, said)), own[0])
    first, dot, rest = name.partition(".")
    if first == "messages" and dot:
        return f"{CONVERSATION.get(dialect, first)}.{rest}"
    return name


def _is_said(field: str, said: Callable[[str], Any]) -> bool:
    """Google's SDKs spell a field in two ways."""
    first, *inner = field.split(".")
    value = said(first)
    return _holds(value if value is not None else said(_snake(first)), inner)


def _holds(value: Any, inner: list[str]) -> bool:
    if not inner:
        return value is not None
    if isinstance(value, list):
        return any(_holds(item, inner) for item in value)
    if not isinstance(value, dict):
        return False
    return any(_holds(value.get(name), inner[1:]) for name in {inner[0], _snake(inner[0])})


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)
