"""The form an answer is to have, both ways, and how to tell the model of it.

Ollama holds the model to a schema by a grammar and does not show it to the model, which then fills the form with
what comes to its mind: whoever sends a schema should say it in the prompt too.
"""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, FailureKind, Message, OutputFormat, Role, Text
from earthward.dialects.inexpressible import Inexpressible


def read_format(wire: Any) -> OutputFormat | None:
    """Raises Inexpressible."""
    match wire:
        case None | "":
            return None
        case "json":
            return OutputFormat("json")
        case dict():
            return OutputFormat("json", wire)
    raise Inexpressible(
        '`format` must be "json" or a JSON Schema, which is an object', "format", FailureKind.BAD_REQUEST
    )


def written_format(output: OutputFormat | None) -> str | dict[str, Any] | None:
    if output is None or output.kind == "text":
        return None
    return "json" if output.schema is None else output.schema


def with_format_in_prompt(request: ChatRequest) -> ChatRequest:
    """The request with its format said to the model in a system text of its own; the same if it asks for none."""
    instruction = format_instruction(request.output)
    if instruction is None:
        return request
    told = Message(Role.SYSTEM, (Text(instruction),))
    return msgspec.structs.replace(request, messages=(told, *request.messages))


def format_instruction(output: OutputFormat | None) -> str | None:
    if output is None or output.kind == "text":
        return None
    if output.schema is None:
        return "Answer with one JSON object and nothing else."
    schema = msgspec.json.encode(output.schema).decode()
    purpose = f"\n{output.description}" if output.description else ""
    return f"Answer with one JSON document and nothing else. It must match this JSON Schema:\n{schema}{purpose}"
