"""What a caller asks for, in words that all dialects share."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Literal

import msgspec


class Role(StrEnum):
    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Citation(msgspec.Struct, frozen=True):
    """What a piece of text rests on: a page, or a document that was sent along.

    The piece is `start` to `end`, in characters, or all of the text where that isn't told. `quote` is what is said
    there. `kind` is the vendor's own word for it, and `rest` what only that vendor has words for.
    """

    start: int | None = None
    end: int | None = None
    url: str | None = None
    title: str | None = None
    quote: str | None = None
    kind: str = ""
    rest: dict[str, Any] = {}

    def moved(self, by: int) -> "Citation":
        """The same in a text with so many characters more before it, or fewer."""
        if not by or self.start is None or self.end is None:
            return self
        return msgspec.structs.replace(self, start=max(0, self.start + by), end=max(0, self.end + by))

    def span(self, length: int) -> tuple[int, int]:
        """The piece of a text of that length; all of it where none is told, or none that could be."""
        if self.start is None or self.end is None or not 0 <= self.start <= self.end <= length:
            return 0, length
        return self.start, self.end


class Text(msgspec.Struct, frozen=True, tag="text"):
    text: str
    citations: tuple[Citation, ...] = ()


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    text: str


class Reasoning(msgspec.Struct, frozen=True, tag="reasoning"):
    """The model's thinking; `signature` and `redacted` only mean something to the vendor that issued them."""

    text: str
    signature: str | None = None
    redacted: bool = False


class Image(msgspec.Struct, frozen=True, tag="image"):
    """`data` is standard base64 with padding; exactly one of `data`, `url` and `file_id` is set."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class Document(msgspec.Struct, frozen=True, tag="document"):
    """A PDF or other file; exactly one of `data` (standard base64), `text`, `url` and `file_id` is set.

    `cited` is whether the answer is to say what it has from there.
    """

    media_type: str | None = None
    data: str | None = None
    text: str | None = None
    url: str | None = None
    file_id: str | None = None
    name: str | None = None
    cited: bool = False


class Audio(msgspec.Struct, frozen=True, tag="audio"):
    """`data` is standard base64."""

    format: str
    data: str


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call"):
    """`arguments` is JSON text, as the model wrote it; it need not be valid. `custom` takes free text instead."""

    id: str
    name: str
    arguments: str
    custom: bool = False


class ToolResult(msgspec.Struct, frozen=True, tag="tool_result"):
    call_id: str
    content: tuple[Text | Image | Document, ...]
    name: str | None = None
    is_error: bool = False


Part = Text | Refusal | Reasoning | Image | Document | Audio | ToolCall | ToolResult


def cited(parts: Sequence[Part], citations: Iterable[Citation]) -> tuple[Part, ...]:
    """The parts with what they rest on, told in characters of all their text together.

    Each goes to the text that holds its piece, else to the last. What is about no text at all says nothing.
    """
    texts: list[tuple[int, Text, int, list[Citation]]] = []
    said = 0
    for place, part in enumerate(parts):
        if type(part) is Text:
            texts.append((place, part, said, list(part.citations)))
            said += len(part.text)
    for citation in citations if texts else ():
        start, end = citation.start or 0, citation.end or 0
        is_placed = citation.start is not None
        holding = (it for it in texts if is_placed and it[2] <= start and end <= it[2] + len(it[1].text))
        _, _, before, held = next(holding, texts[-1])
        held.append(citation.moved(-before))
    told = {place: Text(part.text, tuple(held)) for place, part, _, held in texts if held}
    return tuple(told.get(place, part) for place, part in enumerate(parts))


class Message(msgspec.Struct, frozen=True):
    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    rest: dict[str, Any] = {}

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def is_cited(self) -> bool:
        """Whether it says what it rests on."""
        return any(type(part) is Text and part.citations for part in self.parts)


class Tool(msgspec.Struct, frozen=True):
    """A function the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    kind: Literal["function", "custom", "hosted"] = "function"
    rest: dict[str, Any] = {}


class ToolChoice(msgspec.Struct, frozen=True):
    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()


class Sampling(msgspec.Struct, frozen=True):
    """How tokens are drawn. None means the target's default."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


class OutputFormat(msgspec.Struct, frozen=True):
    """`json` without a schema is any JSON object."""

    kind: Literal["text", "json"]
    schema: dict[str, Any] | None = None
    name: str | None = None
    strict: bool | None = None
    description: str | None = None


class ReasoningControl(msgspec.Struct, frozen=True):
    """`effort` in the vendors' common words; `budget` is in tokens."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    budget: int | None = None
    show: bool | None = None


class ChatRequest(msgspec.Struct, frozen=True):
    """One call, whole. `rest` keeps the fields this vocabulary has no word for, under their names on the wire.

    `unread` names what only tunes, has no word either, and stands too deep to be kept.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    output: OutputFormat | None = None
    reasoning: ReasoningControl | None = None
    answers: int = 1
    logprobs: bool = False
    top_logprobs: int | None = None
    stream: bool = False
    stream_usage: bool = False
    user: str | None = None
    metadata: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    unread: tuple[str, ...] = ()
