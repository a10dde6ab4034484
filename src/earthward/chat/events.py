"""What an answer is made of, in the order it arrives.

`Started`, then any number of deltas, then `UsageReported` at most once and `Finished` exactly once, in either
order; or `Failed` at any point, and nothing after it. `answer` is the index of the answer where more than one was
asked for, `call` the running index of a tool call within its answer.
"""

from typing import Any, Literal

import msgspec

from earthward.chat.failures import Failure
from earthward.chat.request import Citation
from earthward.chat.usage import Usage

FinishReason = Literal["stop", "stop_sequence", "length", "context", "tool_calls", "filtered", "paused"]


class Started(msgspec.Struct, frozen=True):
    """`created` is a Unix time in seconds."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    rest: dict[str, Any] = {}


class TextDelta(msgspec.Struct, frozen=True):
    text: str
    answer: int = 0
    logprobs: Any = None


class Cited(msgspec.Struct, frozen=True):
    """Comes after the text it is about; its piece is one of all the text of its answer."""

    citation: Citation
    answer: int = 0


class ReasoningDelta(msgspec.Struct, frozen=True):
    text: str
    answer: int = 0
    signature: str | None = None


class RefusalDelta(msgspec.Struct, frozen=True):
    text: str
    answer: int = 0


class ToolCallStarted(msgspec.Struct, frozen=True):
    call: int
    id: str
    name: str
    answer: int = 0
    custom: bool = False


class ToolCallDelta(msgspec.Struct, frozen=True):
    """A piece of the arguments' JSON text."""

    call: int
    arguments: str
    answer: int = 0


class Unread(msgspec.Struct, frozen=True):
    """Something was told with the answer for which there is no word here; `name` is the vendor's own for it."""

    name: str


class UsageReported(msgspec.Struct, frozen=True):
    usage: Usage


class Finished(msgspec.Struct, frozen=True):
    reason: FinishReason
    answer: int = 0
    stop_sequence: str | None = None


class Failed(msgspec.Struct, frozen=True):
    failure: Failure


Event = (
    Started
    | TextDelta
    | Cited
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | Unread
    | UsageReported
    | Finished
    | Failed
)


def is_content(event: Event) -> bool:
    """Whether the client can show something for it; after the first such event nothing is restarted."""
    if isinstance(event, TextDelta | ReasoningDelta | RefusalDelta):
        return bool(event.text)
    return isinstance(event, ToolCallStarted | ToolCallDelta)
