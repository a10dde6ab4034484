"""How many tokens a prompt has: the question is a request's own body, and this the answer."""

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.json_limits import NOT_JSON


class _Counted(msgspec.Struct):
    input_tokens: int


def read_count(body: bytes) -> int | Failure:
    try:
        return max(0, msgspec.json.decode(body, type=_Counted).input_tokens)
    except NOT_JSON as error:
        return Failure(FailureKind.MALFORMED, f"the provider's count cannot be read: {error}")


def write_count(tokens: int) -> bytes:
    return msgspec.json.encode({"object": "response.input_tokens", "input_tokens": tokens})
