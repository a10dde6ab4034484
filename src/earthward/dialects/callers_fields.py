"""The caller's own name for the conversation: a writer that can't say it knows only its target's."""

import re

import msgspec

from earthward.chat import Failure

CONVERSATION = {
    "anthropic_messages": "messages",
    "gemini": "contents",
    "ollama": "messages",
    "openai_chat": "messages",
    "openai_completions": "prompt",
    "openai_responses": "input",
}
"""The field that holds it, by dialect."""
_FIRST_NAME = re.compile(r"[A-Za-z_]+")


def named_for(dialect: str, failure: Failure) -> Failure:
    """The failure of a writer with the field that a caller of this dialect would look for.

    Where in the conversation it was is only told among those who count it alike.
    """
    own = CONVERSATION.get(dialect)
    found = _FIRST_NAME.match(failure.param or "")
    if own is None or found is None or found[0] == own or found[0] not in CONVERSATION.values():
        return failure
    return msgspec.structs.replace(failure, param=own)
