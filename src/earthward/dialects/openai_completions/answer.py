"""Whole answers, both ways: text alone."""

from typing import Any

import msgspec

from earthward.chat import Answer, Choice, Failure, FailureKind, Refusal, Text
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.openai_chat.errors import failure_of_error
from earthward.dialects.openai_chat.finish import failure_in, read_reason, written_reason
from earthward.dialects.openai_chat.usage import read_usage, wire_usage
from earthward.dialects.openai_completions.logprobs import read_logprobs, wire_logprobs


class _Choice(msgspec.Struct):
    text: str | None = None
    index: int = 0
    finish_reason: str | None = None
    logprobs: Any = None


class _Answer(msgspec.Struct):
    choices: list[_Choice] | None = None
    id: str | None = None
    created: int | float | None = None
    model: str | None = None
    usage: Any = None
    error: Any = None


def read_answer(body: bytes) -> Answer | Failure:
    try:
        wire = msgspec.json.decode(body, type=_Answer)
        if wire.error:
            return failure_of_error(wire.error)
        if not wire.choices:
            raise ValueError("it has no choices")
        failures = [failure for choice in wire.choices if (failure := failure_in(choice.finish_reason)) is not None]
        return failures[0] if failures else _answer(wire, wire.choices)
    except (*NOT_JSON, ValueError) as error:
        return Failure(FailureKind.MALFORMED, f"the provider's answer is no completion: {error}")


def write_answer(answer: Answer) -> bytes:
    wire: dict[str, Any] = {
        "id": answer.id or "cmpl-unknown",
        "object": "text_completion",
        "created": answer.created or 0,
        "model": answer.model or "",
        "choices": [_wire_choice(index, choice) for index, choice in enumerate(answer.choices)],
    }
    usage = wire_usage(answer.usage)
    return msgspec.json.encode(wire if usage is None else {**wire, "usage": usage})


def _answer(wire: _Answer, choices: list[_Choice]) -> Answer:
    read = tuple(_choice(choice) for choice in sorted(choices, key=lambda choice: choice.index))
    created = int(wire.created) if wire.created is not None else None
    return Answer(wire.id, wire.model, created, read, read_usage(wire.usage))


def _choice(wire: _Choice) -> Choice:
    parts = (Text(wire.text),) if wire.text else ()
    return Choice(parts, read_reason(wire.finish_reason, called=False), logprobs=read_logprobs(wire.logprobs))


def _wire_choice(index: int, choice: Choice) -> dict[str, Any]:
    """Thinking is not shown: a client of that age would take it for the answer. It could not have offered tools."""
    return {
        "text": "".join(part.text for part in choice.parts if isinstance(part, Text | Refusal)),
        "index": index,
        "logprobs": wire_logprobs(choice.logprobs),
        "finish_reason": written_reason(choice.reason),
    }
