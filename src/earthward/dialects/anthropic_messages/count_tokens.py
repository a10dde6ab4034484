"""How many tokens a prompt has: the question is a request without what only shapes the answer.

It is read as a request is.
"""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, Failure, FailureKind
from earthward.dialects.anthropic_messages.write_request import write_request
from earthward.dialects.json_limits import NOT_JSON

_COUNTED = ("model", "messages", "system", "tools", "tool_choice", "thinking")


class _Counted(msgspec.Struct):
    input_tokens: int


def write_count_request(request: ChatRequest, extensions: bool = False) -> bytes | Failure:
    written = write_request(request, extensions)
    if isinstance(written, Failure):
        return written
    fields: dict[str, Any] = msgspec.json.decode(written, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({name: fields[name] for name in _COUNTED if name in fields})


def read_count(body: bytes) -> int | Failure:
    try:
        return max(0, msgspec.json.decode(body, type=_Counted).input_tokens)
    except NOT_JSON as error:
        return Failure(FailureKind.MALFORMED, f"the provider's count cannot be read: {error}")


def write_count(tokens: int) -> bytes:
    return msgspec.json.encode({"input_tokens": tokens})
