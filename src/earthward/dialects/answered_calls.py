"""Results right after the calls they answer, for those who take them nowhere else.

Google's and OpenAI's newer API let other things stand between: a note, a system message, an empty turn of the model's.
"""

from itertools import chain

import msgspec

from earthward.chat import Message, Part, ToolCall, ToolResult

Piece = tuple[Message, tuple[Part, ...]]


def results_at_calls(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The same messages if all is in its place. Results of calls that nobody made stay where they are."""
    if not _has_results(messages):
        return messages
    groups: list[list[Piece]] = []
    calls: dict[str, int] = {}
    is_in_place = True
    for message in messages:
        others = tuple(part for part in message.parts if not isinstance(part, ToolResult))
        for part in message.parts:
            if isinstance(part, ToolResult):
                last = len(groups) - 1
                place = calls.get(part.call_id, last)
                is_in_place = is_in_place and place == last
                if not groups:
                    groups.append([])
                groups[place].append((message, (part,)))
        if others or not message.parts:
            calls |= {part.id: len(groups) for part in others if isinstance(part, ToolCall)}
            groups.append([(message, others)])
    if is_in_place:
        return messages
    return tuple(msgspec.structs.replace(message, parts=parts) for message, parts in chain.from_iterable(groups))


def _has_results(messages: tuple[Message, ...]) -> bool:
    for message in messages:
        for part in message.parts:
            if type(part) is ToolResult:
                return True
    return False
