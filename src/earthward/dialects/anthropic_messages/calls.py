"""Tool calls, as they stand in an assistant's message: in the history of a request and in a whole answer.

The input of a call is an object here and its JSON text in the vocabulary.
"""

import re
from typing import Any

import msgspec

from earthward.chat import ToolCall
from earthward.dialects.json_limits import NOT_JSON

_OBJECT = msgspec.json.Decoder(dict[str, Any])
_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


def read_call(id: str, name: str, input: Any) -> ToolCall:
    return ToolCall(id, name, arguments_text(input))


def arguments_text(input: Any) -> str:
    """No input is an empty object."""
    return msgspec.json.encode({} if input is None else input).decode()


def wire_call(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": wire_id(call.id), "name": call.name, "input": _input(call)}


def wire_id(id: str) -> str:
    """The id in letters that Anthropic takes; the same for a call and its result, different for different ids."""
    return _FOREIGN.sub(lambda found: f"_{ord(found[0]):x}_", id)


def is_whole_input(arguments: str) -> bool:
    try:
        _OBJECT.decode(arguments)
    except NOT_JSON:
        return False
    return True


def _input(call: ToolCall) -> Any:
    if not call.custom and is_whole_input(call.arguments):
        return msgspec.Raw(call.arguments.encode())
    # What a model wrote amiss stays in the conversation, or the conversation could never go on.
    return {"arguments": call.arguments} if call.arguments.strip() else {}
