"""What was heard of a whole answer that passes through."""

import msgspec

from earthward.chat import Failure, Usage


class Heard(msgspec.Struct, frozen=True, gc=False):
    """A whole answer: the body to send on, and what was heard in it. With a failure the body is empty."""

    body: bytes
    usage: Usage = Usage()
    finish_reason: str | None = None
    characters_out: int = 0
    failure: Failure | None = None
    model: str | None = None
