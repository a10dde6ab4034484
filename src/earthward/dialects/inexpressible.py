"""What one side says and the other has no words for."""

from collections.abc import Mapping, Sequence
from typing import Any

from earthward.chat import ChatRequest, Failure, FailureKind, Message

KEPT_ELSEWHERE = {
    "background": "an answer fetched later",
    "cachedContent": "content cached at its vendor",
    "conversation": "a conversation kept by its vendor",
    "previous_response_id": "a conversation kept by its vendor",
    "prompt": "a prompt kept by its vendor",
    "web_search_options": "a search of the web",
}
"""Fields of one vendor's that carry content, or fetch it, where no other has a word for it; and what each is."""
_NOT_ASKED: tuple[Any, ...] = (None, False, "", [])


class Inexpressible(Exception):
    """Raised inside a reader or writer and turned into its failure at the door."""

    def __init__(self, message: str, param: str | None = None, kind: FailureKind = FailureKind.UNSUPPORTED) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message, param=param)


def chosen_among_none(request: ChatRequest) -> list[str]:
    """The names of what says how to choose among tools where there are none."""
    if request.tools or (request.tool_choice is None and request.parallel_tool_calls is None):
        return []
    return [name for name in ("tool_choice", "parallel_tool_calls") if getattr(request, name) is not None]


def answers_asked(number: int | None, param: str) -> int:
    """How many answers are wanted: one unless it is said. Raises Inexpressible for none, and for fewer than none."""
    if number is not None and number < 1:
        raise Inexpressible(f"`{param}` is {number}; ask for 1 answer or more", param, FailureKind.BAD_REQUEST)
    return 1 if number is None else number


def refuse_silence(messages: Sequence[Message], param: str) -> None:
    """Raises Inexpressible for a conversation in which nothing is said: an answer would be one to words of ours."""
    if not messages:
        raise Inexpressible("the conversation is empty; send one message or more", param, FailureKind.BAD_REQUEST)


def refuse_content(rest: Mapping[str, Any], carrying: Mapping[str, str], to: str) -> None:
    """Raises Inexpressible for a field that carries content which nothing stands for; `to` is where it can't go.

    An empty object asks for something too: all of it by default.
    """
    for name, what in carrying.items():
        if rest.get(name) not in _NOT_ASKED:
            raise Inexpressible(f"`{name}` is {what}, which cannot be sent to {to}", name)


def refuse_other_than_text(rest: Mapping[str, Any], message: str) -> None:
    """Raises Inexpressible where an answer is to be spoken or drawn."""
    modalities = rest.get("modalities")
    if isinstance(modalities, list) and any(kind != "text" for kind in modalities):
        raise Inexpressible(message, "modalities")
