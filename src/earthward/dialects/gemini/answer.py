"""Whole answers, both ways.

Without a word in the vocabulary, and so not kept but named: what was searched for, safety ratings, and parts that are
no text, thought or call, as Google's own tools leave behind and models that draw.
"""

from typing import Any

import msgspec

from earthward.chat import Answer, Choice, Failure, FailureKind, Part, Reasoning, Refusal, Text, ToolCall, cited
from earthward.dialects.gemini.calls import WireCall, object_in, read_call
from earthward.dialects.gemini.errors import failure_of_error
from earthward.dialects.gemini.finish import MALFORMED_CALL, failure_in, read_reason, written_reason
from earthward.dialects.gemini.grounding import Place, Sources, grounding, read_sources, unread_grounding
from earthward.dialects.gemini.logprobs import read_logprobs, wire_logprobs
from earthward.dialects.gemini.signatures import read_signature, write_signature
from earthward.dialects.gemini.usage import read_usage, wire_usage
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.times import unix_time

Wire = dict[str, Any]


_ABSENT = msgspec.Raw(b"")
_NOTHING = (b"", b"null")


class WirePart(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: WireCall | None = None
    inline_data: msgspec.Raw = _ABSENT
    file_data: msgspec.Raw = _ABSENT
    executable_code: msgspec.Raw = _ABSENT
    code_execution_result: msgspec.Raw = _ABSENT
    tool_call: msgspec.Raw = _ABSENT
    tool_response: msgspec.Raw = _ABSENT


_UNREAD_PARTS = (
    ("inline_data", "parts.inlineData"),
    ("file_data", "parts.fileData"),
    ("executable_code", "parts.executableCode"),
    ("code_execution_result", "parts.codeExecutionResult"),
    ("tool_call", "parts.toolCall"),
    ("tool_response", "parts.toolResponse"),
)


class _Content(msgspec.Struct):
    parts: list[WirePart] | None = None


class WireCandidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    index: int = 0
    logprobs_result: Any = None
    grounding_metadata: Any = None
    citation_metadata: Any = None
    safety_ratings: Any = None
    url_context_metadata: Any = None

    @property
    def sources(self) -> Sources:
        return Sources(self.grounding_metadata, self.citation_metadata)

    @property
    def parts(self) -> list[WirePart]:
        return (self.content.parts if self.content is not None else None) or []


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None
    safety_ratings: Any = None


class WireAnswer(msgspec.Struct, rename="camel"):
    """A whole answer, or a piece of one."""

    candidates: list[WireCandidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: Any = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    error: Any = None

    @property
    def is_blocked(self) -> bool:
        """Whether the prompt itself was refused: then there is no candidate at all."""
        return self.prompt_feedback is not None and self.prompt_feedback.block_reason is not None


def read_answer(body: bytes, unnamed: str = "") -> Answer | Failure:
    """`unnamed` stands for the id of an answer that has none, so that ids of calls differ from those of other turns."""
    try:
        return _answer(msgspec.json.decode(body, type=WireAnswer), unnamed)
    except (*NOT_JSON, ValueError) as error:
        return Failure(FailureKind.MALFORMED, f"the provider's answer is none of Gemini's: {error}")


def write_answer(answer: Answer) -> bytes:
    wire = {
        "candidates": [_wire_candidate(index, choice) for index, choice in enumerate(answer.choices)],
        "usageMetadata": wire_usage(answer.usage),
        "modelVersion": answer.model,
        "responseId": answer.id,
    }
    return msgspec.json.encode({name: value for name, value in wire.items() if value is not None})


def unread_in(wire: WireAnswer) -> list[str]:
    """The names of what is told for which there is no word; some of them more than once."""
    feedback = wire.prompt_feedback
    names = ["promptFeedback.safetyRatings"] if feedback is not None and feedback.safety_ratings else []
    for candidate in wire.candidates or ():
        if candidate.safety_ratings:
            names.append("safetyRatings")
        if candidate.url_context_metadata:
            names.append("urlContextMetadata")
        if candidate.grounding_metadata:
            names += unread_grounding(candidate.grounding_metadata)
        for part in candidate.parts:
            if not part.text and part.function_call is None:
                names += [own for field, own in _UNREAD_PARTS if bytes(getattr(part, field)) not in _NOTHING]
    return names


def read_part(wire: WirePart, invented_id: str) -> list[Part]:
    """A signature on what is no thought stands before it."""
    signature = read_signature(wire.thought_signature) if wire.thought_signature else None
    if wire.thought:
        text = wire.text or ""
        if signature is not None:
            return [msgspec.structs.replace(signature, text=text)]
        return [Reasoning(text)] if text else []
    parts: list[Part] = [] if signature is None else [signature]
    if wire.function_call is not None:
        return [*parts, read_call(wire.function_call, invented_id)]
    return [*parts, Text(wire.text)] if wire.text else parts


def wire_parts(parts: tuple[Part, ...]) -> list[Wire]:
    """For a client. A signature goes to the part after it, or to an empty one at the end."""
    wires: list[Wire] = []
    signature: str | None = None
    for part in parts:
        match part:
            case Reasoning(text, signed, redacted):
                if text:
                    wires.append({"text": text, "thought": True})
                signature = signature if signed is None else write_signature(signed, redacted)
                continue
            case Text(text) | Refusal(text) if text:
                wire: Wire = {"text": text}
            case ToolCall():
                wire = {"functionCall": wire_call(part)}
            case _:
                continue
        wires.append(wire if signature is None else {**wire, "thoughtSignature": signature})
        signature = None
    return wires if signature is None else [*wires, {"text": "", "thoughtSignature": signature}]


def wire_call(call: ToolCall) -> Wire:
    args = {"input": call.arguments} if call.custom else object_in(call.arguments)
    return {"id": call.id, "name": call.name, "args": args if args is not None else {}}


def usable_parts(parts: tuple[Part, ...]) -> tuple[tuple[Part, ...], ToolCall | None]:
    """All but the calls whose arguments are no object, and the first of those."""
    broken = [part for part in parts if isinstance(part, ToolCall) and not _is_whole(part)]
    return tuple(part for part in parts if part not in broken), broken[0] if broken else None


def finish_fields(reason: str, broken: ToolCall | None) -> Wire:
    """Google has a word for a call that cannot be passed on; an answer that was cut off says that instead."""
    if broken is None or reason == "MAX_TOKENS":
        return {"finishReason": reason}
    message = f"the model called {broken.name!r} with arguments that are not a JSON object"
    return {"finishReason": MALFORMED_CALL, "finishMessage": message}


def _is_whole(call: ToolCall) -> bool:
    return call.custom or object_in(call.arguments) is not None


def _answer(wire: WireAnswer, unnamed: str) -> Answer | Failure:
    if wire.error:
        return failure_of_error(wire.error)
    candidates = sorted(wire.candidates or (), key=lambda candidate: candidate.index)
    if not candidates and not wire.is_blocked:
        raise ValueError("it has no candidates")
    for candidate in candidates:
        failure = failure_in(candidate.finish_reason, candidate.finish_message)
        if failure is not None:
            return failure
    choices = tuple(_choice(candidate, wire.response_id or unnamed) for candidate in candidates) or (
        Choice((), "filtered"),
    )
    created = unix_time(wire.create_time)
    usage, unread = read_usage(wire.usage_metadata), tuple(dict.fromkeys(unread_in(wire)))
    return Answer(wire.response_id, wire.model_version, created, choices, usage, unread=unread)


def _choice(wire: WireCandidate, answer_id: str) -> Choice:
    parts: list[Part] = []
    for place, part in enumerate(wire.parts):
        for read in read_part(part, f"call_{answer_id}_{wire.index}_{place}"):
            _add(parts, read)
    called = any(isinstance(part, ToolCall) for part in parts)
    told = read_sources(wire.sources, [said_by(part) for part in wire.parts])
    reason = read_reason(wire.finish_reason or "STOP", called)
    return Choice(cited(parts, told) if told else tuple(parts), reason, logprobs=read_logprobs(wire.logprobs_result))


def said_by(part: WirePart) -> str:
    """The text of a part that the answer says with it."""
    return part.text or "" if not part.thought and part.function_call is None else ""


def _add(parts: list[Part], part: Part) -> None:
    """What comes in pieces is one, as in a stream."""
    last = parts[-1] if parts else None
    match last, part:
        case Text(), Text():
            parts[-1] = Text(last.text + part.text)
        case Reasoning(signature=None), Reasoning():
            parts[-1] = msgspec.structs.replace(part, text=last.text + part.text)
        case _:
            parts.append(part)


def _wire_candidate(index: int, choice: Choice) -> Wire:
    parts, broken = usable_parts(choice.parts)
    logprobs = wire_logprobs(choice.logprobs)
    wires = wire_parts(parts)
    told = grounding(_places(parts, wires)) if choice.citations else None
    return {
        "content": {"role": "model", "parts": wires},
        **finish_fields(written_reason(choice.reason), broken),
        "index": index,
        **({} if told is None else {"groundingMetadata": told}),
        **({} if logprobs is None else {"logprobsResult": logprobs}),
    }


def _places(parts: tuple[Part, ...], wires: list[Wire]) -> list[Place]:
    """Of what the texts rest on; `wires` are the same parts, as they are written."""
    numbers = [number for number, wire in enumerate(wires) if wire.get("text") and not wire.get("thought")]
    said = [part for part in parts if isinstance(part, Text | Refusal) and part.text]
    return [
        Place(citation, part.text, number)
        for number, part in zip(numbers, said, strict=True)
        if isinstance(part, Text)
        for citation in part.citations
    ]
