"""Whole answers, both ways.

Without a word in the vocabulary, and so not kept but named: what OpenAI's own tools left behind.
"""

from typing import Any

import msgspec

from earthward.chat import Answer, Choice, Failure, FailureKind, Part, Reasoning, Refusal, Text, ToolCall
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.openai_responses.annotations import read_annotations, wire_annotations
from earthward.dialects.openai_responses.encrypted import read_encrypted, write_encrypted
from earthward.dialects.openai_responses.errors import failure_of_error
from earthward.dialects.openai_responses.finish import read_reason, written_status
from earthward.dialects.openai_responses.ids import item_id
from earthward.dialects.openai_responses.response import NOTHING_SAID, Response
from earthward.dialects.openai_responses.usage import read_usage

Wire = dict[str, Any]


_READ = frozenset({"message", "reasoning", "function_call", "custom_tool_call", None})


class WirePart(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    logprobs: list[Any] | None = None
    annotations: Any = None


class WireItem(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    content: list[WirePart] | None = None
    summary: list[WirePart] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None


class WireResponse(msgspec.Struct):
    output: list[WireItem] | None = None
    id: str | None = None
    created_at: int | float | None = None
    model: str | None = None
    status: str | None = None
    incomplete_details: Any = None
    usage: Any = None
    error: Any = None


def read_answer(body: bytes) -> Answer | Failure:
    try:
        wire = msgspec.json.decode(body, type=WireResponse)
        if wire.error or wire.status in ("failed", "cancelled"):
            return failure_of_error(wire.error)
        if wire.output is None or wire.status in ("queued", "in_progress"):
            raise ValueError(f"it is not over; its status is {wire.status!r}")
        return _answer(wire, wire.output)
    except (*NOT_JSON, ValueError) as error:
        return Failure(FailureKind.MALFORMED, f"the provider's answer is no response: {error}")


def write_answer(answer: Answer, id: str | None = None, echoed: Wire = NOTHING_SAID) -> bytes:
    """The first answer, if there are more: there is room for one. `echoed` is what `echo` gave for the request."""
    response = Response(id or answer.id or "resp_unknown", answer.model or "", answer.created or 0, echoed)
    choice = answer.choices[0]
    output = wire_output(choice, response.id)
    return msgspec.json.encode(response.object(written_status(choice.reason), output, answer.usage, choice.reason))


def wire_output(choice: Choice, response_id: str) -> list[Wire]:
    """Every part as an item of its own, but texts and refusals that stand together as one message."""
    items: list[Wire] = []
    call_ids: set[str] = set()
    logprobs = choice.logprobs
    status = written_status(choice.reason)
    for part in choice.parts:
        match part:
            case Text(text):
                content: Wire = output_text(text, logprobs, wire_annotations(part))
                logprobs = None
            case Refusal(refusal):
                content = {"type": "refusal", "refusal": refusal}
            case _:
                item = _wire_item(part, response_id, len(items), call_ids)
                if item is not None:
                    items.append(item)
                continue
        if not items or items[-1]["type"] != "message":
            items.append(message_item(item_id("message", response_id, len(items)), status, []))
        items[-1]["content"].append(content)
    return items


def output_text(text: str, logprobs: Any = None, annotations: list[Wire] | None = None) -> Wire:
    return {"type": "output_text", "text": text, "annotations": annotations or [], "logprobs": logprobs or []}


def message_item(id: str, status: str, content: list[Wire]) -> Wire:
    return {"type": "message", "id": id, "status": status, "role": "assistant", "content": content}


def reasoning_item(id: str, text: str, signature: str | None, redacted: bool = False) -> Wire:
    summary = [{"type": "summary_text", "text": text}] if text else []
    wire: Wire = {"type": "reasoning", "id": id, "summary": summary}
    return wire if signature is None else {**wire, "encrypted_content": write_encrypted(signature, redacted)}


def call_item(id: str, call: ToolCall, status: str = "completed") -> Wire:
    if call.custom:
        return {
            "type": "custom_tool_call",
            "id": id,
            "call_id": call.id,
            "name": call.name,
            "input": call.arguments,
            "status": status,
        }
    return {
        "type": "function_call",
        "id": id,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "status": status,
    }


def unique(call_id: str, taken: set[str]) -> str:
    """The SDK refuses a response with two calls of one id, and their results could not be told apart."""
    found, number = call_id, 2
    while found in taken:
        found, number = f"{call_id}_{number}", number + 1
    taken.add(found)
    return found


def read_reasoning(wire: WireItem) -> Reasoning | None:
    """The model's own words where they are there, else their summary."""
    text = "".join(part.text or "" for part in wire.content or ())
    text = text or "\n\n".join(part.text or "" for part in wire.summary or ())
    return read_encrypted(wire.encrypted_content, text)


def unread_in(wire: WireItem) -> str | None:
    """The name of an item for which there is no word."""
    return None if wire.type in _READ else f"output.{wire.type}"


def read_call(wire: WireItem, invented_id: str) -> ToolCall:
    """Raises ValueError for one without a name."""
    if not wire.name:
        raise ValueError("a tool call without a name")
    if wire.type == "custom_tool_call":
        return ToolCall(wire.call_id or invented_id, wire.name, wire.input or "", custom=True)
    return ToolCall(wire.call_id or invented_id, wire.name, wire.arguments or "")


def _wire_item(part: Part, response_id: str, place: int, call_ids: set[str]) -> Wire | None:
    match part:
        case Reasoning(text, signature, redacted):
            shown = "" if redacted else text
            if not shown and signature is None:
                return None
            return reasoning_item(item_id("reasoning", response_id, place), shown, signature, redacted)
        case ToolCall():
            arguments = part.arguments if part.custom else part.arguments or "{}"
            call = msgspec.structs.replace(part, id=unique(part.id, call_ids), arguments=arguments)
            kind = "custom_tool_call" if part.custom else "function_call"
            return call_item(item_id(kind, response_id, place), call)
    return None


def _answer(wire: WireResponse, items: list[WireItem]) -> Answer:
    parts: list[Part] = []
    logprobs: list[Any] = []
    for place, item in enumerate(items):
        match item.type:
            case "message":
                for content in item.content or ():
                    logprobs += content.logprobs or ()
                    parts += _content(content)
            case "reasoning":
                thought = read_reasoning(item)
                parts += [thought] if thought is not None else []
            case "function_call" | "custom_tool_call":
                parts.append(read_call(item, f"call_{wire.id or ''}_{place}"))
    called = any(isinstance(part, ToolCall) for part in parts)
    choice = Choice(tuple(parts), read_reason(wire.status, wire.incomplete_details, called), logprobs=logprobs or None)
    created = int(wire.created_at) if wire.created_at is not None else None
    unread = {name: None for item in items if (name := unread_in(item)) is not None}
    return Answer(wire.id, wire.model, created, (choice,), read_usage(wire.usage), unread=tuple(unread))


def _content(wire: WirePart) -> list[Part]:
    if wire.type == "refusal":
        return [Refusal(wire.refusal)] if wire.refusal else []
    return [Text(wire.text, read_annotations(wire.annotations))] if wire.text else []
