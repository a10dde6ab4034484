"""Whole answers, both ways: of chat, and of generate, which says at the top what chat says in a message.

Durations and where a cloud model ran have no word in the vocabulary and ride along in `rest`.
"""

from typing import Any

import msgspec

from earthward.chat import Answer, Choice, Failure, FailureKind, Part, Reasoning, Refusal, Text, ToolCall
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.ollama.calls import WireCall, object_in, read_call, wire_call
from earthward.dialects.ollama.errors import failure_of_error
from earthward.dialects.ollama.finish import failure_in, read_reason, written_reason
from earthward.dialects.ollama.stream_end import NOT_DONE
from earthward.dialects.ollama.usage import DURATIONS, Durations, fills_context, read_usage, wire_counters
from earthward.dialects.times import rfc3339, unix_time

_REMOTE = ("remote_model", "remote_host")


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[WireCall] | None = None


class _Answer(msgspec.Struct):
    model: str | None = None
    created_at: str | None = None
    message: _Message | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: list[WireCall] | None = None
    logprobs: list[Any] | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: Any = None
    prompt_eval_cached_count: Any = None
    eval_count: Any = None
    error: Any = None
    total_duration: Any = msgspec.UNSET
    load_duration: Any = msgspec.UNSET
    prompt_eval_duration: Any = msgspec.UNSET
    eval_duration: Any = msgspec.UNSET
    remote_model: Any = msgspec.UNSET
    remote_host: Any = msgspec.UNSET


_decode = msgspec.json.Decoder(_Answer).decode
_RIDING_ALONG = (*DURATIONS, *_REMOTE)
_NOTHING: frozenset[str] = frozenset()


def read_answer(body: bytes, custom: frozenset[str] = _NOTHING, num_ctx: int | None = None) -> Answer | Failure:
    """`custom` names the tools that take free text; with `num_ctx` an answer that ends for want of room says so."""
    try:
        wire = _read(body)
        return failure_of_error(wire.error) if wire.error else _answer(wire, custom, num_ctx)
    except (*NOT_JSON, ValueError) as error:
        return Failure(FailureKind.MALFORMED, f"Ollama's answer cannot be read: {error}")


def write_answer(answer: Answer, generate: bool = False, durations: Durations | None = None) -> bytes | Failure:
    """For a client of chat, or of generate. A failure if the answer calls a tool with what is no JSON object."""
    if not answer.choices:
        return Failure(FailureKind.MALFORMED, "there is no answer to write")
    choice = answer.choices[0]
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    wire_calls = written_calls(calls, choice.reason == "length")
    if isinstance(wire_calls, Failure):
        return wire_calls
    known = {name: answer.rest[name] for name in _REMOTE if name in answer.rest}
    wire = {
        "model": answer.model or "",
        **known,
        "created_at": rfc3339(answer.created or 0),
        **(_generated(choice.parts, wire_calls) if generate else {"message": _message(choice.parts, wire_calls)}),
        **({"logprobs": choice.logprobs} if choice.logprobs else {}),
        "done": True,
        "done_reason": written_reason(choice.reason),
        **wire_counters(answer.usage, durations or _durations(answer.rest)),
    }
    return msgspec.json.encode(wire)


def written_calls(calls: list[ToolCall], is_cut: bool) -> list[dict[str, Any]] | Failure:
    """Calls for a client that takes only whole ones; `is_cut` is whether the answer was cut off at its end.

    Then the last call, if it is none, is left out: the reason says that something is missing.
    """
    if calls and is_cut and not calls[-1].custom and object_in(calls[-1].arguments) is None:
        calls = calls[:-1]
    for call in calls:
        if not call.custom and object_in(call.arguments) is None:
            message = f"the model called {call.name!r} with arguments that are not a JSON object"
            return Failure(FailureKind.MALFORMED, message)
    return [wire_call(call, place) for place, call in enumerate(calls)]


def invented_id(created_at: str | None, place: int) -> str:
    """For versions that give no ids: another for each answer, the same however the stream is cut."""
    digits = "".join(filter(str.isdigit, created_at or ""))
    return f"call_{digits}_{place}"


def _read(body: bytes) -> _Answer:
    """Of an error nothing but itself has to be in order."""
    try:
        return _decode(body)
    except msgspec.ValidationError:
        wire = msgspec.json.decode(body)
        if isinstance(wire, dict) and wire.get("error"):
            return _Answer(error=wire["error"])
        return msgspec.convert(wire, _Answer)


def _answer(wire: _Answer, custom: frozenset[str], num_ctx: int | None) -> Answer | Failure:
    if wire.message is None and wire.response is None:
        raise ValueError("it has neither `message` nor `response`")
    failure = failure_in(wire.done_reason)
    if failure is not None or not wire.done:
        # The guard against repetition ends an answer so, and says nothing.
        return failure or NOT_DONE
    message = wire.message or _Message(wire.response, wire.thinking, wire.tool_calls)
    usage = read_usage(wire.prompt_eval_count, wire.eval_count, wire.prompt_eval_cached_count)
    parts: list[Part] = []
    if message.thinking:
        parts.append(Reasoning(message.thinking))
    if message.content:
        parts.append(Text(message.content))
    calls = [
        read_call(call, invented_id(wire.created_at, place), custom)
        for place, call in enumerate(message.tool_calls or ())
    ]
    parts += calls
    is_full = num_ctx is not None and fills_context(usage, num_ctx)
    reason = read_reason(wire.done_reason, bool(calls), is_full)
    choice = Choice(tuple(parts), reason, logprobs=wire.logprobs or None)
    rest = {name: value for name in _RIDING_ALONG if (value := getattr(wire, name)) is not msgspec.UNSET}
    return Answer(None, wire.model, unix_time(wire.created_at), (choice,), usage, rest)


def _message(parts: tuple[Part, ...], calls: list[dict[str, Any]]) -> dict[str, Any]:
    said = {"content": _said(parts), "thinking": _thought(parts), "tool_calls": calls}
    return {"role": "assistant", **{name: value for name, value in said.items() if value or name == "content"}}


def _generated(parts: tuple[Part, ...], calls: list[dict[str, Any]]) -> dict[str, Any]:
    said = {"response": _said(parts), "thinking": _thought(parts), "tool_calls": calls}
    return {name: value for name, value in said.items() if value or name == "response"}


def _said(parts: tuple[Part, ...]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text | Refusal))


def _thought(parts: tuple[Part, ...]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Reasoning) and not part.redacted)


def _durations(rest: dict[str, Any]) -> Durations:
    return Durations(**{name: rest[name] for name in DURATIONS if isinstance(rest.get(name), int)})
