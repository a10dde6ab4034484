"""How many tokens a chat has by vLLM's `/tokenize`, which puts it into the model's own template."""

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.json_limits import NOT_JSON


class _Tokenized(msgspec.Struct):
    count: int


def read_count(body: bytes) -> int | Failure:
    try:
        return max(0, msgspec.json.decode(body, type=_Tokenized).count)
    except NOT_JSON as error:
        return Failure(FailureKind.MALFORMED, f"the engine's count cannot be read: {error}")
