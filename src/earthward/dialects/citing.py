"""Which dialects' answers can say what they rest on, and how their callers know it."""

from collections.abc import Callable

import msgspec

from earthward.chat import Answer, Citation
from earthward.dialects import anthropic_messages, gemini, openai_chat, openai_responses


class Citing(msgspec.Struct, frozen=True):
    """`field` is where a caller looks for it."""

    field: str
    can_cite: Callable[[Citation], bool]


CITING = {
    "openai_chat": Citing("annotations", openai_chat.can_cite),
    "openai_responses": Citing("annotations", openai_responses.can_cite),
    "anthropic_messages": Citing("citations", anthropic_messages.can_cite),
    "gemini": Citing("groundingMetadata", gemini.can_cite),
}
CITES_NOTHING = Citing("citations", lambda citation: False)


def citing(dialect: str) -> Citing:
    return CITING.get(dialect, CITES_NOTHING)


def citations_in(answer: Answer) -> list[Citation]:
    return [citation for choice in answer.choices for citation in choice.citations]
