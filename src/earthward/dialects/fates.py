"""What becomes of each word between a caller's dialect and a target's."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from earthward.chat import ChatRequest, Failure
from earthward.dialects import anthropic_messages, gemini, ollama, openai_chat, openai_completions, openai_responses
from earthward.dialects.content.fitting import Fitted, fitted
from earthward.dialects.content.lacks import Lack
from earthward.dialects.words import Word

Outcome = Literal["kept", "made up", "roughly", "dropped", "refused"]


class Speaker(msgspec.Struct, frozen=True):
    """A dialect as its vendor's own service speaks it. `lacks` is what the gateway makes up for there."""

    name: str
    title: str
    write: Callable[[ChatRequest], bytes | Failure]
    losses: Callable[[ChatRequest], tuple[str, ...]]
    read: Callable[[bytes], ChatRequest | Failure]
    lacks: frozenset[Lack] = frozenset()


class Fate(msgspec.Struct, frozen=True):
    """`names` are what the answer's header of dropped things says, `reason` is why a request is refused."""

    outcome: Outcome
    names: tuple[str, ...] = ()
    reason: str = ""


SPEAKERS: tuple[Speaker, ...] = (
    Speaker(
        "openai_chat",
        "OpenAI chat",
        lambda request: openai_chat.write_request(request, extensions=False),
        lambda request: openai_chat.losses(request, extensions=False),
        openai_chat.read_request,
    ),
    Speaker(
        "openai_responses",
        "OpenAI responses",
        openai_responses.write_request,
        openai_responses.losses,
        openai_responses.read_request,
        frozenset({"several"}),
    ),
    Speaker(
        "anthropic_messages",
        "Anthropic",
        anthropic_messages.write_request,
        anthropic_messages.losses,
        anthropic_messages.read_request,
        frozenset({"several", "free_text"}),
    ),
    Speaker(
        "gemini",
        "Gemini",
        gemini.write_request,
        gemini.losses,
        lambda body: gemini.read_request(body, "m"),
        frozenset({"parallel", "free_text"}),
    ),
    Speaker(
        "ollama",
        "Ollama",
        ollama.write_request,
        ollama.losses,
        ollama.read_request,
        frozenset({"choice", "parallel", "several", "form"}),
    ),
    Speaker(
        "openai_completions",
        "OpenAI completions",
        lambda request: openai_completions.write_request(request, extensions=False),
        lambda request: openai_completions.losses(request, extensions=False),
        openai_completions.read_request,
    ),
)


def can_say(speaker: Speaker, word: Word) -> bool:
    """Whether it arrives as it was said, from one who speaks this dialect to one who reads it."""
    return bool(_arrived(speaker, word) == word.heard(word.request))


def fate(target: Speaker, word: Word) -> Fate:
    fit = fitted(word.request, target.lacks)
    if isinstance(fit, Fitted) and fit.made_up:
        return Fate("made up", fit.dropped)
    written = target.write(word.request)
    if isinstance(written, Failure):
        return Fate("refused", reason=written.message)
    lost = tuple(name for name in target.losses(word.request) if name not in target.losses(word.plain))
    if can_say(target, word):
        return Fate("kept") if not lost else Fate("roughly", lost)
    is_silent = written == target.write(word.plain)
    return Fate("dropped" if is_silent else "roughly", lost)


def fields(speaker: Speaker, word: Word) -> list[str]:
    """Where the dialect says it: the fields that are there, or have another value, because of it."""
    said, plain = speaker.write(word.request), speaker.write(word.plain)
    if isinstance(said, Failure):
        return []
    before = set() if isinstance(plain, Failure) else set(_leaves(msgspec.json.decode(plain)))
    changed = [path for path, value in _leaves(msgspec.json.decode(said)) if (path, value) not in before]
    return list(dict.fromkeys(changed))


def _arrived(speaker: Speaker, word: Word) -> Any:
    written = speaker.write(word.request)
    found = speaker.read(written) if isinstance(written, bytes) else written
    return None if isinstance(found, Failure) else word.heard(found)


def _leaves(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [leaf for name, inner in value.items() for leaf in _leaves(inner, f"{path}.{name}" if path else name)]
    if isinstance(value, list) and value:
        return [leaf for inner in value for leaf in _leaves(inner, f"{path}[]")]
    return [(path, repr(value))]
