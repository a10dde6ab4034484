"""How many tokens a prompt has: the question is a request without what only shapes the answer.

It is read as a request is.
"""

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.json_limits import NOT_JSON

_COUNTED = ("messages", "system", "tools", "tool_choice", "thinking")


class _Counted(msgspec.Struct):
    input_tokens: int


def count_request(written: bytes, model: str) -> bytes:
    """What asks how many tokens this request's prompt has, for this model."""
    fields = msgspec.json.decode(written, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({"model": model, **{name: fields[name] for name in _COUNTED if name in fields}})


def read_count(body: bytes) -> int | Failure:
    try:
        return max(0, msgspec.json.decode(body, type=_Counted).input_tokens)
    except NOT_JSON as error:
        return Failure(FailureKind.MALFORMED, f"the provider's count cannot be read: {error}")


def write_count(tokens: int) -> bytes:
    return msgspec.json.encode({"input_tokens": tokens})
