"""Answers that are one word of a few, bare and without quotes (`text/x.enum`).

Nobody else has such a form. So others are asked for an object that holds the word, and the caller gets the word alone.
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from earthward.chat import Answer, Choice, Cited, Event, Finished, OutputFormat, Text, TextDelta
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.json_limits import NOT_JSON

ENUM = "text/x.enum"
ONE_OF = "one_of"
"""Both what the form is called and the member that holds the word."""


class Writer(Protocol):
    def write(self, event: Event) -> bytes: ...
    def end(self) -> bytes: ...


def one_of(schema: dict[str, Any] | None) -> OutputFormat:
    """Raises Inexpressible for a schema without words to choose from."""
    words = schema.get("enum") if schema is not None else None
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        message = f"an answer of type {ENUM} needs a `responseSchema` with its words in `enum`"
        raise Inexpressible(message, "generationConfig.responseSchema")
    held = {"type": "object", "properties": {ONE_OF: {"type": "string", "enum": words}}, "required": [ONE_OF]}
    return OutputFormat("json", {**held, "additionalProperties": False}, ONE_OF)


def is_one_of(output: OutputFormat | None) -> bool:
    return output is not None and output.name == ONE_OF


def bare(text: str) -> str:
    """The word; what is no such object, or was broken off, as it is."""
    try:
        found: Any = msgspec.json.decode(text)
    except NOT_JSON:
        return text
    word = found.get(ONE_OF) if isinstance(found, dict) else found
    return word if isinstance(word, str) else text


def with_bare_words(answer: Answer) -> Answer:
    return msgspec.structs.replace(answer, choices=tuple(map(_bared, answer.choices)))


class BareWriter:
    """The same for a stream: the word is known when the object around it is whole."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._held: dict[int, list[str]] = {}
        self.end: Callable[[], bytes] = writer.end

    def write(self, event: Event) -> bytes:
        match event:
            case TextDelta(text, answer):
                self._held.setdefault(answer, []).append(text)
                return b""
            case Cited():
                # It is about a text that is not the caller's.
                return b""
            case Finished(answer=answer):
                said = bare("".join(self._held.pop(answer, ())))
                return self._writer.write(TextDelta(said, answer)) + self._writer.write(event)
        return self._writer.write(event)


def _bared(choice: Choice) -> Choice:
    said = "".join(part.text for part in choice.parts if isinstance(part, Text))
    others = tuple(part for part in choice.parts if not isinstance(part, Text))
    return msgspec.structs.replace(choice, parts=(*others, Text(bare(said))) if said else others, logprobs=None)
