"""Calls of tools, as the caller wanted them: one at a time, with arguments that match, and known as calls at all."""

from typing import Any

import msgspec

from earthward.chat import (
    Answer,
    Choice,
    Cited,
    Event,
    Finished,
    Part,
    Started,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
)
from earthward.dialects.json_limits import NOT_JSON

_MARKS = ("", "[", "<tool_call>", "<tool_call>[")
_OPENINGS = tuple(f'{mark}{{"{name}"' for mark in _MARKS for name in ("name", "arguments", "parameters"))
"""How a call begins that arrives as text, without its spaces."""
_LONGEST_OPENING = 100


def only_first(answer: Answer) -> Answer:
    """For a caller who wants no calls in parallel, from a model that knows no such wish."""
    return msgspec.structs.replace(answer, choices=tuple(map(_only_first, answer.choices)))


def is_first(event: Event) -> bool:
    """The same for the events of a stream: whether the caller is to have it."""
    return not isinstance(event, ToolCallStarted | ToolCallDelta) or event.call == 0


def wrong_arguments(answer: Answer, tools: tuple[Tool, ...]) -> str | None:
    """What is wrong with a call's arguments, in words for a model; None if every call can be made."""
    known = {tool.name: tool for tool in tools if tool.kind == "function"} if tools else {}
    for choice in answer.choices:
        for call in choice.parts:
            if isinstance(call, ToolCall) and not call.custom and choice.reason != "length":
                wrong = _wrong(call, known.get(call.name))
                if wrong is not None:
                    return f"in the call of {call.name}: {wrong}"
    return None


def salvaged(answer: Answer, tools: tuple[Tool, ...], id: str = "") -> Answer:
    """Calls that arrived as text, where all the text there is is one call, or a list of them, of tools on offer.

    For models whose template does not fit; never for a caller who may have meant such text. `id` makes the calls' own
    where the answer has none.
    """
    return msgspec.structs.replace(
        answer,
        choices=tuple(
            _salvaged(choice, tools, f"{answer.id or id}_{place}") for place, choice in enumerate(answer.choices)
        ),
    )


class Salvaging:
    """The same for a stream: text that may yet be a call is held until it is whole or can be none."""

    def __init__(self, tools: tuple[Tool, ...], id: str) -> None:
        self._tools = tools
        self._id = id
        self._held: dict[int, list[TextDelta]] = {}
        self._openings: dict[int, str] = {}
        self._settled: set[int] = set()

    def feed(self, event: Event) -> list[Event]:
        match event:
            case Started(id=id):
                self._id = id or self._id
            case TextDelta(answer=answer) if answer not in self._settled:
                return self._hold(event)
            case ToolCallStarted(answer=answer) | Cited(answer=answer):
                return [*self._let_go(answer), event]
            case Finished(answer=answer):
                return self._ended(event, self._let_go(answer))
        return [event]

    def _hold(self, event: TextDelta) -> list[Event]:
        place = event.answer
        self._held.setdefault(place, []).append(event)
        opening = self._openings.get(place, "")
        if len(opening) < _LONGEST_OPENING:
            self._openings[place] = opening = opening + event.text[:_LONGEST_OPENING]
        return [] if _may_become_call(opening) else list(self._let_go(place))

    def _let_go(self, answer: int) -> list[TextDelta]:
        self._settled.add(answer)
        return self._held.pop(answer, [])

    def _ended(self, end: Finished, held: list[TextDelta]) -> list[Event]:
        said = Choice((Text("".join(each.text for each in held)),), end.reason, end.stop_sequence)
        found = _salvaged(said, self._tools, f"{self._id}_{end.answer}") if held else said
        if found is said:
            return [*held, end]
        return [*spoken(found, end.answer), Finished(found.reason, end.answer, end.stop_sequence)]


def spoken(choice: Choice, answer: int) -> list[Event]:
    """Its text and its calls as events."""
    events: list[Event] = []
    calls = 0
    for part in choice.parts:
        match part:
            case Text(text):
                events.append(TextDelta(text, answer))
            case ToolCall(id, name, arguments, custom):
                events += [ToolCallStarted(calls, id, name, answer, custom), ToolCallDelta(calls, arguments, answer)]
                calls += 1
    return events


def _may_become_call(opening: str) -> bool:
    """What is nothing but spaces for that long is none."""
    bare = "".join(opening.split())
    is_short = len(opening) < _LONGEST_OPENING
    return any(bare.startswith(whole) or (is_short and whole.startswith(bare)) for whole in _OPENINGS)


def _only_first(choice: Choice) -> Choice:
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    later = {id(call) for call in calls[1:]}
    return msgspec.structs.replace(choice, parts=tuple(part for part in choice.parts if id(part) not in later))


def _wrong(call: ToolCall, tool: Tool | None) -> str | None:
    if tool is None:
        return "there is no such tool"
    try:
        value = msgspec.json.decode(call.arguments or "{}")
    except NOT_JSON as error:
        return f"the arguments are not JSON ({error})"
    # The validator takes an eighth of all that is imported at a start, and few callers need it.
    from earthward.dialects.content.schemas import mismatch

    return mismatch({"type": "object", **(tool.parameters or {})}, value)


def _salvaged(choice: Choice, tools: tuple[Tool, ...], id: str) -> Choice:
    if choice.reason != "stop" or any(isinstance(part, ToolCall) for part in choice.parts):
        return choice
    text = "".join(part.text for part in choice.parts if isinstance(part, Text))
    calls = _calls_in(text, {tool.name for tool in tools if tool.kind == "function"}, id)
    if not calls:
        return choice
    others = tuple(part for part in choice.parts if not isinstance(part, Text))
    return msgspec.structs.replace(choice, parts=(*others, *calls), reason="tool_calls")


def _calls_in(text: str, names: set[str], id: str) -> list[Part]:
    bare = text.strip().removeprefix("<tool_call>").removesuffix("</tool_call>")
    try:
        said: Any = msgspec.json.decode(bare)
    except NOT_JSON:
        return []
    calls: list[Part] = []
    for place, wire in enumerate(said if isinstance(said, list) else [said]):
        match wire:
            case {"name": str(name), "arguments": dict(given)} | {"name": str(name), "parameters": dict(given)}:
                if len(wire) > 2 or name not in names:
                    return []
                calls.append(ToolCall(f"call_{id}_{place}", name, msgspec.json.encode(given).decode()))
            case _:
                return []
    return calls
